/**
 * Confidence from repeats. Rates vary by a factor rather than by an amount, so the arithmetic is on logarithms: means
 * are geometric, and the interval of a ratio is Welch's t-interval of the difference of mean logarithms (B. L. Welch,
 * Biometrika 34, 1947), which requires neither equal variances nor equal numbers of repeats.
 */
import { sumOf } from '../../shared/core/sums.ts';

/** A range that holds a value with 95 % confidence. */
export type Interval = readonly [low: number, high: number];

/** An estimate with its two-sided 95 % confidence interval. A single value has no interval. */
export interface Estimate {
  readonly value: number;
  readonly interval: Interval | undefined;
}

/** Two-sided 95 % points of Student's t by degrees of freedom. Between two rows the lower row applies, which is wider. */
const criticalT: readonly (readonly [degrees: number, t: number])[] = [
  ...([
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
    2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
  ].map((t, index) => [index + 1, t]) as [number, number][]),
  [40, 2.021],
  [60, 2.0],
  [120, 1.98],
];

/** The geometric mean of positive values, with the t-interval of the mean of their logarithms. */
export function meanEstimate(values: readonly number[]): Estimate {
  const { mean, variance, count } = logMoments(values);
  return estimate(mean, Math.sqrt(variance / count), count - 1);
}

/** `scale × mean(numerators) / mean(denominators)` of positive values that were measured independently of each other. */
export function ratioEstimate(numerators: readonly number[], denominators: readonly number[], scale = 1): Estimate {
  const a = logMoments(numerators);
  const b = logMoments(denominators);
  const [varianceA, varianceB] = [a.variance / a.count, b.variance / b.count];
  // Welch–Satterthwaite; where no value varies, or a sample has only one, the degrees of freedom of the smaller sample.
  const welch = (varianceA + varianceB) ** 2 / (varianceA ** 2 / (a.count - 1) + varianceB ** 2 / (b.count - 1));
  const fewest = Math.min(a.count, b.count) - 1;
  const degrees = Number.isFinite(welch) ? welch : fewest;
  return estimate(a.mean - b.mean + Math.log(scale), Math.sqrt(varianceA + varianceB), degrees);
}

/**
 * The ratio of two positive estimates that are independent of each other, whose intervals need not be symmetrical: the
 * distances of their ends are added in quadrature on logarithms (MOVER; Zou and Donner, Statistics in Medicine 27, 2008).
 * @returns without an interval unless both have one
 */
export function ratioOfEstimates(a: Estimate, b: Estimate): Estimate {
  const value = a.value / b.value;
  if (a.interval === undefined || b.interval === undefined) return { value, interval: undefined };
  const [lowA, highA] = a.interval.map((end) => Math.log(end / a.value)) as [number, number];
  const [lowB, highB] = b.interval.map((end) => Math.log(end / b.value)) as [number, number];
  return { value, interval: [value * Math.exp(-Math.hypot(lowA, highB)), value * Math.exp(Math.hypot(highA, lowB))] };
}

/** The two-sided 95 % point of Student's t. Between two rows of its table it is that of fewer degrees. */
export function studentT(degrees: number): number {
  return criticalT.findLast(([from]) => from <= degrees)?.[1] ?? Number.NaN;
}

/** A value and the interval that reaches from it by a factor of `exp(± t · deviation)`. */
export function spreadEstimate(value: number, deviation: number, degrees: number): Estimate {
  if (degrees < 1) return { value, interval: undefined };
  const reach = Math.exp(studentT(degrees) * deviation);
  return { value, interval: [value / reach, value * reach] };
}

function estimate(logMean: number, standardError: number, degrees: number): Estimate {
  return spreadEstimate(Math.exp(logMean), standardError, degrees);
}

/** The upper end of an estimate; its value where it has no interval. */
export function highOf({ value, interval }: Estimate): number {
  return interval?.[1] ?? value;
}

/** Whether an estimate is surely below a limit. One without an interval is taken as it is. */
export function isBelow(estimated: Estimate, limit: number): boolean {
  return highOf(estimated) < limit;
}

/** Number of positive values, and mean and sample variance of their logarithms; a single value has no variance. */
export function logMoments(values: readonly number[]) {
  const logs = values.map(Math.log);
  const count = logs.length;
  const mean = sumOf(logs) / count;
  const squares = sumOf(logs.map((log) => (log - mean) ** 2));
  return { count, mean, variance: count > 1 ? squares / (count - 1) : 0 };
}
