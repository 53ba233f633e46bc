/** Choices among ways whose time and cost are known within intervals. A figure without an interval is taken as it is. Pure. */
import { type Estimate, highOf } from './confidence.ts';

/** Time and cost of one way over those of another. */
export interface WayRatio {
  readonly seconds: Estimate;
  readonly usd: Estimate;
}

export type CompareWays<Way> = (way: Way, other: Way) => WayRatio;

/** Rounding: ratios of figures that are equal may differ from 1 by this much. */
const tolerance = 1e-9;

/** -1 for a ratio below 1, 0 for equal figures, 1 for a ratio above. */
function order(ratio: number): number {
  return Math.abs(ratio - 1) < tolerance ? 0 : Math.sign(ratio - 1);
}

/**
 * The ways that no other beats in both time and cost (the Pareto front), in the order given. A way is beaten only if the
 * intervals of both ratios say so: the other is not slower, not dearer, and one of them less.
 */
export function uncertainFront<Way>(ways: readonly Way[], compare: CompareWays<Way>): readonly Way[] {
  return ways.filter((way) => !ways.some((other) => beats(compare(other, way))));
}

function beats({ seconds, usd }: WayRatio): boolean {
  const [time, cost] = [order(highOf(seconds)), order(highOf(usd))];
  return Math.max(time, cost) <= 0 && Math.min(time, cost) < 0;
}

/** The way with the lowest figure, and those whose figures cannot be told from it. */
export interface Lowest<Way> {
  readonly way: Way;
  /** In the order given. */
  readonly tied: readonly Way[];
}

/**
 * @param ratio figure of one way over that of another
 * @returns undefined for no ways
 */
export function lowestOf<Way>(
  ways: readonly Way[],
  ratio: (way: Way, other: Way) => Estimate,
): Lowest<Way> | undefined {
  const [first, ...others] = ways;
  if (first === undefined) return undefined;
  const way = others.reduce((best, other) => (order(ratio(other, best).value) < 0 ? other : best), first);
  return { way, tied: ways.filter((other) => other !== way && order(highOf(ratio(way, other))) >= 0) };
}
