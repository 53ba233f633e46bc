/** Names of prices on the command line: `provider/gpu/market` in lower case. */
import type { PriceRow } from './price-row.ts';

/** `gcp/t4/spot` */
export function priceLabel({ provider, gpu, market }: PriceRow): string {
  return `${provider}/${gpu}/${market}`.toLowerCase();
}

/** The parts of `provider/gpu/market`; undefined for a text of another form. */
export function splitLabel(
  label: string,
): { readonly provider: string; readonly gpu: string; readonly market: string } | undefined {
  const [provider, gpu, market, ...more] = label.toLowerCase().split('/');
  return provider && gpu && market && more.length === 0 ? { provider, gpu, market } : undefined;
}

/** The GPU that a worker's label names: `t4` of `gcp/t4/spot`. A text of another form is a name itself. */
export function labelledGpu(label: string): string {
  return splitLabel(label)?.gpu ?? label.toLowerCase();
}

/** The GPU's name, and the name with its memory where that is known: `a100`, `a100-80gb`. */
export function gpuNames({ gpu, gpuMemoryGb }: PriceRow): readonly string[] {
  const name = gpu.toLowerCase();
  return gpuMemoryGb === undefined ? [name] : [name, `${name}-${gpuMemoryGb}gb`];
}
