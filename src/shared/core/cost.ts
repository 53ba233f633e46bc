const secondsPerHour = 3600;

/** Accrued cost in USD of one worker: price (USD per hour) × time alive (seconds). */
export function accruedCostUsd(priceUsdPerHour: number, aliveSeconds: number): number {
  return (priceUsdPerHour * aliveSeconds) / secondsPerHour;
}
