/** What a worker costs, from what it was told: a price, or a label that is looked up in the price table. */
import type { PriceOrigin } from '../economics/ledger/cost.ts';
import { findPrice } from '../economics/prices/price-lookup.ts';
import { loadPrices } from '../economics/prices/price-table.ts';

export interface WorkerPrice {
  readonly priceUsdPerHour?: number;
  readonly priceOrigin?: PriceOrigin;
  readonly gpu?: string;
}

/**
 * A price that was given beats one that is looked up. A label without slashes is a name and no more: its worker costs
 * what the coordinator's `--price` says.
 * @param pricesFile `--prices`
 * @param day ISO 8601: the price is the latest that is not after it
 * @throws bad-input when the label has no price, listing near ones, or when the file has an error
 */
export function priceWorker(
  { gpu, price }: { readonly gpu: string | undefined; readonly price: number | undefined },
  pricesFile: string | undefined,
  day: string,
): WorkerPrice {
  const label = gpu === undefined ? {} : { gpu };
  if (price !== undefined) return { ...label, priceUsdPerHour: price };
  if (gpu === undefined || !gpu.includes('/')) return label;
  const { usdPerHour, source, dateText } = findPrice(loadPrices(pricesFile), gpu, day);
  return { ...label, priceUsdPerHour: usdPerHour, priceOrigin: { source, date: dateText } };
}

/** Whether workers at these prices cost anything: USD per hour, undefined where there is none. */
export function canCost(prices: readonly (number | undefined)[]): boolean {
  return prices.some((price = 0) => price > 0);
}

/** What is to be said of a budget of workers that cost nothing. */
export function unreachableBudget(budgetUsd: number): string {
  return `--budget-usd ${budgetUsd} can never be reached: no worker has a price`;
}

/** ISO 8601, UTC. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}
