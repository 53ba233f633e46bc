/** What GPUs cost: the table that is shipped, and the user's own over it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { parsePriceFile } from './price-file.ts';
import { priceLabel } from './price-label.ts';
import type { PriceRow } from './price-row.ts';

export type { PriceRow } from './price-row.ts';

const shippedFile = new URL('../../../data/gpu-prices.csv', import.meta.url);

/** The price table that comes with the package: facts with date, provider and source, in the order of the file. */
export function shippedPrices(): readonly PriceRow[] {
  return parsePriceFile(fileURLToPath(shippedFile), readFileSync(shippedFile, 'utf8'));
}

/**
 * The shipped table with a user's own laid over it. @param path of a CSV or YAML file; undefined for the shipped alone
 * @throws bad-input when the file cannot be read, or naming its line, its column and what it must be
 */
export function loadPrices(path: string | undefined): readonly PriceRow[] {
  if (path === undefined) return shippedPrices();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw badInput(`--prices ${path}: cannot be read: ${messageOf(error)}`, error);
  }
  return mergePrices(shippedPrices(), parsePriceFile(path, text));
}

/** What `own` says of a GPU of a provider in a market replaces all that `shipped` says of it. */
export function mergePrices(shipped: readonly PriceRow[], own: readonly PriceRow[]): readonly PriceRow[] {
  const replaced = new Set(own.map(priceLabel));
  return [...shipped.filter((row) => !replaced.has(priceLabel(row))), ...own];
}
