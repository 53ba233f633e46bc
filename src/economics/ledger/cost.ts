export const secondsPerHour = 3600;

/** Time that a worker has been alive, in seconds. Never negative, even if the wall clock was set back. */
export function aliveSeconds(sinceUnixMs: number, nowUnixMs: number): number {
  return Math.max(0, nowUnixMs - sinceUnixMs) / 1000;
}

/** Accrued cost in USD: price (USD per hour) × time alive (seconds). */
export function accruedCostUsd(priceUsdPerHour: number, aliveSeconds: number): number {
  return (priceUsdPerHour * aliveSeconds) / secondsPerHour;
}

/** USD per hour of several workers together; undefined when none has a price. */
export function pricePerHour(prices: readonly (number | undefined)[]): number | undefined {
  const known = prices.filter((price) => price !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, price) => sum + price, 0);
}

/** Where a price that was looked up comes from. */
export interface PriceOrigin {
  readonly source: string;
  /** As the price table spells it: `2026-07`, `~2022-10..2023-06`. */
  readonly date: string;
}

/** How a provider rounds the time that it bills. */
export interface BillingRule {
  /** Time is billed in units of this length, and a started unit counts as a whole one. */
  readonly granularitySeconds: number;
  /** The shortest time that is billed for a rental. */
  readonly minimumSeconds: number;
}

/** Billed time of one rental in seconds: rounded up to the rule's unit, and at least the rule's minimum. */
export function billedSeconds(aliveSeconds: number, { granularitySeconds, minimumSeconds }: BillingRule): number {
  if (aliveSeconds <= 0) return 0;
  const units = Math.ceil(Math.max(aliveSeconds, minimumSeconds) / granularitySeconds);
  // Rounding may turn the quotient into a smaller whole number; no bill is below the time used.
  return Math.max(aliveSeconds, units * granularitySeconds);
}

/** The least that one rental is billed, in USD, however short it is: the rule's minimum, or a unit. */
export function leastBilledUsd(priceUsdPerHour: number, rule: BillingRule): number {
  return billedCostUsd(leastBilledSeconds(rule), priceUsdPerHour, rule);
}

/** The least time that is billed for one rental, in seconds. */
export function leastBilledSeconds(rule: BillingRule): number {
  return billedSeconds(Math.max(rule.granularitySeconds, rule.minimumSeconds), rule);
}

/** Billed cost in USD of one rental: price (USD per hour) × billed time. Never less than the accrued cost. */
export function billedCostUsd(aliveSeconds: number, priceUsdPerHour: number, rule: BillingRule): number {
  return accruedCostUsd(priceUsdPerHour, billedSeconds(aliveSeconds, rule));
}
