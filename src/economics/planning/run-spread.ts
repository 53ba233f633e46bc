/**
 * How far measured runs are from what would have been planned for them. Deviations are of logarithms, since a plan is off by
 * a factor rather than by an amount. Pure.
 */
import { sumOf } from '../../shared/core/sums.ts';

/** Planned over measured, of one run. */
export interface RunRatio {
  /** Ratio of its duration. */
  readonly time: number;
  /** Ratio of the time that its workers are paid for. */
  readonly paid: number;
}

export interface Spread {
  /** Standard deviation of the logarithm of planned over measured, for one run. */
  readonly deviation: number;
  /** Degrees of freedom of `deviation`. */
  readonly degrees: number;
}

export interface RunSpread {
  readonly time: Spread;
  readonly paid: Spread;
}

/**
 * The spread of runs around the plan by their own point's mean step.
 * @param points ratios of the runs of each point
 * @returns undefined without repeats
 */
export function repeatSpread(points: readonly (readonly RunRatio[])[]): RunSpread | undefined {
  // Each point's mean takes a degree.
  const degrees = sumOf(points.map((runs) => runs.length - 1));
  if (degrees < 1) return undefined;
  const of = (figure: (ratio: RunRatio) => number): Spread => ({
    deviation: Math.sqrt(sumOf(points.flat().map((ratio) => Math.log(figure(ratio)) ** 2)) / degrees),
    degrees,
  });
  return { time: of(({ time }) => time), paid: of(({ paid }) => paid) };
}

/**
 * The spread of runs around the plan by a model of the other points. All points weigh the same, however often they were
 * repeated. It holds both the errors of the model and the spread from one run to the next.
 * @param points ratios of the runs of each point; empty for a point that the others do not foretell
 * @param unknowns terms of the model, each of which takes a degree of freedom
 * @returns undefined if a point is not foretold, or there are no degrees
 */
export function foretoldSpread(points: readonly (readonly RunRatio[])[], unknowns: number): RunSpread | undefined {
  const degrees = points.length - unknowns;
  if (degrees < 1 || points.some((runs) => runs.length === 0)) return undefined;
  const of = (figure: (ratio: RunRatio) => number): Spread => {
    const squares = points.map((runs) => sumOf(runs.map((ratio) => Math.log(figure(ratio)) ** 2)) / runs.length);
    return { deviation: Math.sqrt(sumOf(squares) / points.length), degrees };
  };
  return { time: of(({ time }) => time), paid: of(({ paid }) => paid) };
}
