const secondsPerHour = 3600;

/** Time a worker has cost so far, in seconds; never negative, though wall clocks may be set back. */
export function aliveSeconds(sinceUnixMs: number, nowUnixMs: number): number {
  return Math.max(0, nowUnixMs - sinceUnixMs) / 1000;
}

/** Accrued cost in USD of one worker: price (USD per hour) × time alive (seconds). */
export function accruedCostUsd(priceUsdPerHour: number, aliveSeconds: number): number {
  return (priceUsdPerHour * aliveSeconds) / secondsPerHour;
}
