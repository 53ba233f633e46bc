/** What a worker costs: the price it was given, or the price of its label in the price table. */
import type { PriceOrigin } from '../economics/ledger/cost.ts';
import { findPrice } from '../economics/prices/price-lookup.ts';
import { loadPrices } from '../economics/prices/price-table.ts';

export interface WorkerPrice {
  readonly priceUsdPerHour?: number | 'none';
  /** Set if that is the price of each virtual CPU that the worker computes on. */
  readonly pricePer?: 'vcpu';
  readonly priceOrigin?: PriceOrigin;
  readonly gpu?: string;
}

/**
 * A given price beats one from the table. A label without slashes is only a name; its worker costs the coordinator's
 * `--price`, or what the coordinator assumes.
 * @param pricesFile `--prices`
 * @param day ISO 8601; the price is the latest one up to this day
 * @throws bad-input when the label has no price, with similar labels, or when the file has an error
 */
export function priceWorker(
  { gpu, price: given }: { readonly gpu: string | undefined; readonly price: number | 'none' | undefined },
  pricesFile: string | undefined,
  day: string,
): WorkerPrice {
  const label = gpu === undefined ? {} : { gpu };
  if (given !== undefined) return { ...label, priceUsdPerHour: given };
  if (gpu === undefined || !gpu.includes('/')) return label;
  const { unit, usdPerHour, source, dateText } = findPrice(loadPrices(pricesFile), gpu, day);
  const price = { priceUsdPerHour: usdPerHour, priceOrigin: { source, date: dateText } };
  return { ...label, ...price, ...(unit === 'vcpu' ? { pricePer: unit } : {}) };
}

/** Whether workers at these prices (USD per hour) cost anything. */
export function canCost(prices: readonly (number | 'none' | undefined)[]): boolean {
  return prices.some((price) => typeof price === 'number' && price > 0);
}

export function unreachableBudget(budgetUsd: number): string {
  return `--budget-usd ${budgetUsd} can never be reached: no worker has a price`;
}

/** ISO 8601, UTC. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
