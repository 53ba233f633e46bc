/** How long workers that are alike take for equal shares: never equally long. Pure. */
import type { Random } from '../../shared/core/random.ts';

/**
 * Draws log-normal times: factors, as often x times as long as 1 / x times, apart from the mean.
 * @param spread standard deviation of the logarithm; 0: all take the mean
 * @returns seconds by worker
 */
export function drawComputeSeconds(
  meanSeconds: number,
  spread: number,
  workers: number,
  random: Random,
): readonly number[] {
  if (spread === 0) return Array<number>(workers).fill(meanSeconds);
  // The mean of exp(σ z) is exp(σ² / 2).
  return Array.from({ length: workers }, () => meanSeconds * Math.exp(spread * drawNormal(random) - spread ** 2 / 2));
}

/**
 * The spread of the sum of so many independent times with a spread each: that of the log-normal distribution with the sum's mean and
 * variance (Fenton, "The Sum of Log-Normal Probability Distributions in Scatter Transmission Systems", IRE Transactions on
 * Communications Systems 8, 1960).
 */
export function spreadOfSum(spread: number, count: number): number {
  return Math.sqrt(Math.log1p(Math.expm1(spread ** 2) / count));
}

/** Standard normal, by Box and Muller ("A Note on the Generation of Random Normal Deviates", 1958). */
function drawNormal(random: Random): number {
  // In (0, 1], because 0 has no logarithm.
  const radius = Math.sqrt(-2 * Math.log(1 - random.float()));
  return radius * Math.cos(2 * Math.PI * random.float());
}
