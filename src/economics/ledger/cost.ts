const secondsPerHour = 3600;

/** Time a worker has cost so far, in seconds; never negative, though wall clocks may be set back. */
export function aliveSeconds(sinceUnixMs: number, nowUnixMs: number): number {
  return Math.max(0, nowUnixMs - sinceUnixMs) / 1000;
}

/** Accrued cost in USD of one worker: price (USD per hour) × time alive (seconds). */
export function accruedCostUsd(priceUsdPerHour: number, aliveSeconds: number): number {
  return (priceUsdPerHour * aliveSeconds) / secondsPerHour;
}

/** USD per hour of several workers together; undefined when none of them has a price. */
export function pricePerHour(prices: readonly (number | undefined)[]): number | undefined {
  const known = prices.filter((price) => price !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, price) => sum + price, 0);
}

/** Where a price comes from, when it was looked up. */
export interface PriceOrigin {
  readonly source: string;
  /** As the price table has it: `2026-07`, `~2022-10..2023-06`. */
  readonly date: string;
}

/** How a provider rounds the time that it bills, in seconds. */
export interface BillingRule {
  /** Time is billed in units of so many seconds; a unit that was begun counts whole. */
  readonly granularitySeconds: number;
  /** The least that is billed for something that was started. */
  readonly minimumSeconds: number;
}

/** Time that is billed for one rental, in seconds: rounded up to the rule's unit, and its minimum at least. */
export function billedSeconds(aliveSeconds: number, { granularitySeconds, minimumSeconds }: BillingRule): number {
  if (aliveSeconds <= 0) return 0;
  const units = Math.ceil(Math.max(aliveSeconds, minimumSeconds) / granularitySeconds);
  // The quotient may be rounded down to a whole number; no bill is below what was used.
  return Math.max(aliveSeconds, units * granularitySeconds);
}

/** Cost in USD of one rental as it is billed: price (USD per hour) × billed time. Never less than what accrued. */
export function billedCostUsd(aliveSeconds: number, priceUsdPerHour: number, rule: BillingRule): number {
  return accruedCostUsd(priceUsdPerHour, billedSeconds(aliveSeconds, rule));
}
