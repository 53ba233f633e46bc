/** How gradients are made shorter on their way between workers, by the names that `--compress` takes. */

/** What a name says. */
export type CompressionSpec =
  | { readonly codec: 'bf16' | 'int8' }
  /** So many percent of each bucket are sent. */
  | { readonly codec: 'topk'; readonly percent: number };

/** A float that is kept takes two words, so from here on nothing is saved. */
const uselessPercent = 50;

/** @returns undefined where there is no such compression */
export function parseCompression(name: string): CompressionSpec | undefined {
  if (name === 'bf16' || name === 'int8') return { codec: name };
  const [, digits] = /^topk:(\d{1,2}(?:\.\d{1,6})?)$/.exec(name) ?? [];
  if (digits === undefined) return undefined;
  const percent = Number(digits);
  return percent > 0 && percent < uselessPercent ? { codec: 'topk', percent } : undefined;
}

/** The same name for the same compression, as in 'topk:10'. */
export function nameOfCompression(spec: CompressionSpec): string {
  return spec.codec === 'topk' ? `topk:${spec.percent}` : spec.codec;
}
