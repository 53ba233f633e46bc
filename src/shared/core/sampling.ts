/**
 * Which samples a step trains on, and which of them each rank gets.
 *
 * Everything here is a pure function of its arguments: every worker computes the same order by itself, and an assignment
 * need only carry an interval of it.
 */
import { createRandom } from './random.ts';

/** A half-open interval `[from, to)` of positions in an epoch's sample order. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** Separates the sample order from other uses of the run's seed. */
const orderStream = 0x0_5a_3b_1e;

/**
 * The order in which an epoch visits the training samples: a permutation of `0 .. sampleCount − 1`.
 * @param epoch counted from 0
 */
export function epochOrder(seed: number, epoch: number, sampleCount: number): Uint32Array {
  const order = Uint32Array.from({ length: sampleCount }, (_, index) => index);
  createRandom(seed, orderStream, epoch).shuffle(order);
  return order;
}

/** `epochOrder` of a run, for who asks for it at every step of an epoch: it is made once, until another epoch is asked for. */
export function memoizedOrder(seed: number, sampleCount: number): (epoch: number) => Uint32Array {
  let current: { readonly epoch: number; readonly order: Uint32Array } | undefined;
  return (epoch) => {
    if (current?.epoch !== epoch) current = { epoch, order: epochOrder(seed, epoch, sampleCount) };
    return current.order;
  };
}

/** The samples of a step, all workers together: those of all its updates. @param batchSize samples of an update */
export function samplesPerStep({
  batchSize,
  localSteps,
}: {
  readonly batchSize: number;
  readonly localSteps: number;
}): number {
  return batchSize * localSteps;
}

/** The number of steps that visit every sample of an epoch once; the last may be short. */
export function stepsPerEpoch(sampleCount: number, globalBatchSize: number): number {
  return Math.ceil(sampleCount / globalBatchSize);
}

/** The steps of a whole run: those of its epochs, or of `maxSteps` if that is less. */
export function plannedSteps({
  epochs,
  maxSteps = Number.POSITIVE_INFINITY,
  perStep,
  trainCount,
}: {
  readonly epochs: number;
  readonly maxSteps?: number | undefined;
  /** Samples of a step. */
  readonly perStep: number;
  readonly trainCount: number;
}): number {
  return Math.min(epochs * stepsPerEpoch(trainCount, perStep), maxSteps);
}

/** The samples that a run's first steps train on. */
export function samplesOfSteps(steps: number, globalBatchSize: number, sampleCount: number): number {
  const perEpoch = stepsPerEpoch(sampleCount, globalBatchSize);
  const last = Math.min((steps % perEpoch) * globalBatchSize, sampleCount);
  return Math.floor(steps / perEpoch) * sampleCount + last;
}

/** The positions of the epoch's order that belong to a step. @param stepInEpoch counted from 0 */
export function globalBatch(stepInEpoch: number, globalBatchSize: number, sampleCount: number): Interval {
  const from = Math.min(stepInEpoch * globalBatchSize, sampleCount);
  return { from, to: Math.min(from + globalBatchSize, sampleCount) };
}

/**
 * Cuts an interval into one share per rank, in rank order, as evenly as possible: the first `length mod N` shares are one
 * longer. Shares may be empty when there are fewer samples than ranks.
 */
export function evenShares(interval: Interval, worldSize: number): readonly Interval[] {
  return weightedShares(interval, Array(worldSize).fill(1));
}

/**
 * Cuts an interval into one share per rank, in rank order, in the ratio of the weights, rounded to whole units by the
 * largest remainder method (ties go to the lower rank). An interval as long as the sum of whole weights is cut into
 * exactly these.
 * @param weights by rank, none negative, not all 0
 * @param unit in samples: shares are multiples of it, except where the interval ends
 */
export function weightedShares({ from, to }: Interval, weights: readonly number[], unit = 1): readonly Interval[] {
  const units = Math.ceil((to - from) / unit);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (units * weight) / total);
  const lengths = exact.map(Math.floor);
  const left = lengths.reduce((rest, length) => rest - length, units);
  const remainder = (rank: number) => (exact[rank] ?? 0) - (lengths[rank] ?? 0);
  const byRemainder = [...lengths.keys()].sort((a, b) => remainder(b) - remainder(a) || a - b);
  for (const rank of byRemainder.slice(0, left)) lengths[rank] = (lengths[rank] ?? 0) + 1;
  const at = (position: number) => Math.min(from + position * unit, to);
  let end = 0;
  return lengths.map((length) => {
    end += length;
    return { from: at(end - length), to: at(end) };
  });
}
