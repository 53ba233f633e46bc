/**
 * The rate of a fleet without one of its workers, where no run without it was measured: a model of one step, with the error
 * that it had where it could be checked.
 */
import { type Estimate, studentT } from './confidence.ts';

/** A worker's part of one step. */
export interface WorkerStep {
  readonly samples: number;
  readonly computeSeconds: number;
  readonly communicateSeconds: number;
  readonly waitSeconds: number;
  readonly loadSeconds: number;
}

/**
 * The others take over the worker's samples at their own speeds, evenly loaded. Communication and waiting shrink with the
 * number of workers after the first, so a worker that is left alone has neither. Loading, and what no phase explains, stay.
 * @param stepSeconds duration of a step of the whole fleet
 */
export function rateWithout(workers: readonly WorkerStep[], index: number, stepSeconds: number): number {
  const batch = sumOf(workers.map(({ samples }) => samples));
  const speedOf = (some: readonly WorkerStep[]) =>
    sumOf(some.map(({ samples, computeSeconds }) => samples / computeSeconds));
  const others = workers.filter((_, at) => at !== index);
  if (others.length === 0) return 0;
  const computing = batch / speedOf(workers);
  const loading = meanOf(workers.map(({ loadSeconds }) => loadSeconds));
  const phases = meanOf(
    workers.map(
      ({ computeSeconds, communicateSeconds, waitSeconds }) => computeSeconds + communicateSeconds + waitSeconds,
    ),
  );
  const staying = loading + Math.max(0, stepSeconds - phases - loading);
  const exchanging = Math.max(0, stepSeconds - computing - staying);
  return batch / (batch / speedOf(others) + (exchanging * (others.length - 1)) / others.length + staying);
}

/**
 * The error of `rateWithout` on the sweeps in docs/study.md, as the logarithm of the measured rate over the modelled one.
 * Each pair is a fleet and the same fleet without one worker, both measured, all on the two cores of one host. The mean is
 * the cores that a worker leaves to the others, which the model cannot know of.
 */
export const removalError = {
  mean: 0.073,
  deviation: 0.057,
  pairs: 16,
  /** From one run to the next of the same fleet, in these sweeps. */
  runDeviation: 0.075,
} as const;

/**
 * How much faster a fleet is with a worker than without it, with the model's mean error taken off and a 95 % interval for
 * what is left of it.
 * @param ratios measured rate over modelled rate without the worker, one a run
 */
export function modelledRatio(ratios: readonly number[]): Estimate {
  const { mean, deviation, pairs, runDeviation } = removalError;
  const value = Math.exp(meanOf(ratios.map(Math.log)) - mean);
  const spread = Math.hypot(deviation * Math.sqrt(1 + 1 / pairs), runDeviation / Math.sqrt(ratios.length));
  const reach = Math.exp(studentT(pairs - 1) * spread);
  return { value, interval: [value / reach, value * reach] };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}
