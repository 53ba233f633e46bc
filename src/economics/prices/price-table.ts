/** The shipped price table, and the user's own table on top of it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { parsePriceFile } from './price-file.ts';
import { priceLabel } from './price-label.ts';
import type { PriceRow } from './price-row.ts';

export type { PriceRow } from './price-row.ts';

const shippedFiles = ['gpu-prices.csv', 'cpu-prices.csv'].map(
  (name) => new URL(`../../../data/${name}`, import.meta.url),
);

/** The price table of the package, in the order of its files: prices of GPUs, then of vCPUs. */
export function shippedPrices(): readonly PriceRow[] {
  return shippedFiles.flatMap((file) => parsePriceFile(fileURLToPath(file), readFileSync(file, 'utf8')));
}

/**
 * The shipped table with a user's own on top.
 * @param path of a CSV or YAML file; undefined for the shipped table alone
 * @throws bad-input when the file cannot be read, or naming the line, the column and what the cell must be
 */
export function loadPrices(path: string | undefined): readonly PriceRow[] {
  if (path === undefined) return shippedPrices();
  const text = readBoundedText(path, fileLimits.prices, `--prices ${path}`);
  return mergePrices(shippedPrices(), parsePriceFile(path, text));
}

/** For each provider, GPU (or CPU) and market in `own`, its rows replace all rows of `shipped`. */
export function mergePrices(shipped: readonly PriceRow[], own: readonly PriceRow[]): readonly PriceRow[] {
  const replaced = new Set(own.map(priceLabel));
  return [...shipped.filter((row) => !replaced.has(priceLabel(row))), ...own];
}
