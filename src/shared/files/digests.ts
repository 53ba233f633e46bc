/** `SHA256SUMS`: what the other files of a folder held when they were written. `sha256sum -c SHA256SUMS` checks it too. */

export const digestsFile = 'SHA256SUMS';

/** SHA-256 in hexadecimal, by the name of the file. */
export type Digests = ReadonlyMap<string, string>;

/** The text of `SHA256SUMS`. */
export function renderDigests(digests: Digests): string {
  return [...digests].map(([name, digest]) => `${digest}  ${name}\n`).join('');
}

/** @returns undefined where the text is not exactly what is written for files of these names, in this order */
export function parseDigests(text: string, names: readonly string[]): Digests | undefined {
  const digests = new Map(names.map((name, index) => [name, text.split('\n')[index]?.slice(0, 64) ?? '']));
  const isWhole = [...digests.values()].every((digest) => /^[0-9a-f]{64}$/.test(digest));
  return isWhole && text === renderDigests(digests) ? digests : undefined;
}
