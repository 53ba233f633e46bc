/**
 * The rate of a fleet without one of its workers, where no run without it was measured: a model of one step, with the error
 * that it had where it could be checked.
 */

import { meanOf, sumOf } from '../../shared/core/sums.ts';
import { type Estimate, logMoments, spreadEstimate } from './confidence.ts';

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

/** Parts into which the steps of a run are cut, to see how its speed changed over time. */
const parts = 10;

/**
 * How much the speed of a run changed while it trained: the standard deviation of the logarithm of the rate of its tenths.
 * What changes within a run, as other programs come and go, also differs from one run to the next.
 * @param rates samples per second of equally many steps each, in order
 * @returns undefined for fewer than ten
 */
export function rateDeviation(rates: readonly number[]): number | undefined {
  const size = Math.floor(rates.length / parts);
  if (size < 1) return undefined;
  const tenths = Array.from({ length: parts }, (_, part) => {
    const some = rates.slice(part * size, (part + 1) * size);
    return 1 / meanOf(some.map((rate) => 1 / rate));
  });
  return Math.sqrt(logMoments(tenths).variance);
}

/** What one run says of its fleet without a worker. */
export interface RemovalRun {
  /** Measured rate over the modelled rate without the worker. */
  readonly ratio: number;
  /** `rateDeviation` of the run. */
  readonly deviation: number;
}

/**
 * How much faster a fleet is with a worker than without it, with the model's mean error taken off and a 95 % interval for
 * what is left of it. The deviation of the runs counts for the runs themselves, and for the one without the worker.
 */
export function modelledRatio(runs: readonly RemovalRun[]): Estimate {
  const { mean, deviation, pairs, runDeviation } = removalError;
  const value = Math.exp(meanOf(runs.map(({ ratio }) => Math.log(ratio))) - mean);
  const within = meanOf(runs.map((run) => run.deviation ** 2));
  const variance = deviation ** 2 * (1 + 1 / pairs) + (runDeviation ** 2 + within) / runs.length + within;
  return spreadEstimate(value, Math.sqrt(variance), pairs - 1);
}
