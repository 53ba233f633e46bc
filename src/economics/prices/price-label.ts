/** What prices are called on the command line: `provider/gpu/market`, in small letters. */
import type { PriceRow } from './price-row.ts';

/** `gcp/t4/spot`: what a row is called on the command line. */
export function priceLabel({ provider, gpu, market }: PriceRow): string {
  return `${provider}/${gpu}/${market}`.toLowerCase();
}

/** The parts of `provider/gpu/market`; undefined for a text that is none. */
export function splitLabel(
  label: string,
): { readonly provider: string; readonly gpu: string; readonly market: string } | undefined {
  const [provider, gpu, market, ...more] = label.toLowerCase().split('/');
  return provider && gpu && market && more.length === 0 ? { provider, gpu, market } : undefined;
}

/** The GPU's own name, and that with its memory. */
export function gpuNames({ gpu, gpuMemoryGb }: PriceRow): readonly string[] {
  const name = gpu.toLowerCase();
  return gpuMemoryGb === undefined ? [name] : [name, `${name}-${gpuMemoryGb}gb`];
}
