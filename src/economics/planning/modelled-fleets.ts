/**
 * What a step of fleets would take that nobody has measured: simulated, by workers and all-reduce. It needs no run; what one
 * has measured of a worker can stand for what is not known. Pure.
 */
import { gradientBuckets } from '../../shared/collectives/buckets.ts';
import { codecNamed } from '../../shared/collectives/compression/codecs.ts';
import {
  allReduceSeconds,
  type CodecCosts,
  lengthsOf,
  linkOf,
  type ModelledAlgorithm,
  type ProcessorCosts,
} from '../../shared/collectives/cost-model.ts';
import { badInput } from '../../shared/core/errors.ts';
import { createRandom } from '../../shared/core/random.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import { describeAssumed } from '../record/assumed-note.ts';
import type { Summary } from '../record/summary.ts';
import { codecSeconds } from '../simulation/compressed-mesh.ts';
import { drawComputeSeconds, spreadOfSum } from '../simulation/compute-spread.ts';
import { type Busiest, simulateSteps } from '../simulation/simulate-steps.ts';

export interface FleetsToModel {
  /** Numbers of workers. */
  readonly workers: readonly number[];
  readonly algorithms: readonly ModelledAlgorithm[];
  /** What each machine's link carries each way, headers included. */
  readonly bitsPerSecond: number;
  /** How long a message is on its way, in one direction. */
  readonly delaySeconds: number;
  readonly processor: ProcessorCosts;
  /** Model a mesh whose gradients travel so as well; undefined: only as they are. */
  readonly compression?: ModelledCompression | undefined;
  /** Floats of the gradient. */
  readonly parameters: number;
  /** Updates that each worker makes on its own in a step, before all exchange what came of them. */
  readonly localSteps: number;
  /** Samples of a step, over all workers and updates. */
  readonly batchSize: number;
  /** Seconds that one worker alone computes for all of these; undefined: not known. */
  readonly aloneSeconds: number | undefined;
  /** The last part of computing in which gradients leave, 0 to 1: see `StepsOptions`. */
  readonly overlap: number;
  /** How unequally long workers compute for an update that are alike: see `drawComputeSeconds`. */
  readonly spread: number;
  /** The price of each worker. */
  readonly usdPerHour: number | undefined;
  /** What the price was assumed from, in words; undefined where it was given, or there is none. */
  readonly priceAssumed: string | undefined;
  /** Samples of an epoch; undefined: not known. */
  readonly epochSamples: number | undefined;
}

export interface ModelledCompression {
  /** As `--compress` takes it. */
  readonly name: string;
  readonly costs: CodecCosts;
}

export interface ModelledFleets extends FleetsToModel {
  readonly basis: 'modelled';
  /** In which a gradient travels. */
  readonly buckets: number;
  /** By workers, and then by algorithm, in the order in which these were named. */
  readonly fleets: readonly ModelledFleet[];
}

export interface ModelledFleet {
  readonly workers: number;
  /** Undefined for a worker alone, which exchanges nothing. */
  readonly allReduce: ModelledAlgorithm | undefined;
  /**
   * Set where gradients travel compressed: how, how long encoding and decoding take of `communicateSeconds`, and what that would
   * be without.
   */
  readonly compressed?:
    | { readonly name: string; readonly codecSeconds: number; readonly plainSeconds: number }
    | undefined;
  /** No other all-reduce of so many workers takes less time. */
  readonly isFastest: boolean;
  /** From the moment at which the slowest has its gradient until all have the sum. */
  readonly communicateSeconds: number;
  /** The same by the formula, which knows no overlap and no slower workers. */
  readonly formulaSeconds: number;
  readonly busiest: Busiest;
  /** Seconds that a worker has to compute in a step so that it does so for nine tenths of it. */
  readonly computeForNineTenthsSeconds: number;
  /** Undefined where it is not known how long a worker computes. */
  readonly step: ModelledStep | undefined;
}

export interface ModelledStep {
  readonly seconds: number;
  /** The mean worker's. */
  readonly computeSeconds: number;
  /** How much longer the slowest takes than the mean. */
  readonly waitSeconds: number;
  /** Speed of the fleet ÷ (workers × speed of one alone). */
  readonly efficiency: number;
  readonly samplesPerSecond: number;
  /** For all workers together, without start-up and test passes; undefined without a price. */
  readonly usdPerMillionSamples: number | undefined;
  readonly usdPerEpoch: number | undefined;
}

export function modelFleets(asked: FleetsToModel): ModelledFleets {
  const buckets = lengthsOf(gradientBuckets([asked.parameters]));
  const fleets = asked.workers.flatMap((workers) => {
    const algorithms = workers === 1 ? asked.algorithms.slice(0, 1) : asked.algorithms;
    const plain = algorithms.map((algorithm) => modelFleet(workers, algorithm, buckets, asked));
    const { compression } = asked;
    const isExchanged = workers > 1 && compression !== undefined;
    const modelled = isExchanged ? [...plain, modelCompressed(workers, buckets, asked, compression)] : plain;
    const least = Math.min(...modelled.map(({ communicateSeconds }) => communicateSeconds));
    return modelled.map((fleet) => ({ ...fleet, isFastest: fleet.communicateSeconds === least }));
  });
  return { ...asked, basis: 'modelled', buckets: buckets.length, fleets };
}

/** Each step begins while others still end the one before, so the first tells little. */
const evenSteps = 4;
/** With as many steps of all workers together, a mean is known to about 3 % of the spread. */
const workerSteps = 1000;
const mostSteps = 100;
/** All fleets and all-reduces draw from one sequence, so that what differs is not luck. */
const seed = 1;

/** @param extraSeconds that each step takes besides */
function modelFleet(
  workers: number,
  algorithm: ModelledAlgorithm,
  buckets: readonly number[],
  asked: FleetsToModel,
  extraSeconds = 0,
): Omit<ModelledFleet, 'isFastest'> {
  const { processor, overlap, spread, aloneSeconds } = asked;
  const link = linkOf(asked.bitsPerSecond, asked.delaySeconds);
  const random = createRandom(seed, workers);
  const meanSeconds = (aloneSeconds ?? 0) / workers;
  const spreadOfStep = spreadOfSum(spread, asked.localSteps);
  const drawn = Math.min(mostSteps, Math.max(evenSteps, Math.ceil(workerSteps / workers)));
  const computeSeconds = Array.from({ length: spread === 0 ? evenSteps : drawn }, () =>
    spread === 0 ? meanSeconds : drawComputeSeconds(meanSeconds, spreadOfStep, workers, random),
  );
  const {
    seconds: withoutExtra,
    slowestSeconds,
    busiest,
  } = simulateSteps({
    algorithm,
    worldSize: workers,
    buckets,
    link,
    processor,
    computeSeconds,
    overlap,
  });
  const seconds = withoutExtra + extraSeconds;
  const communicateSeconds = Math.max(0, seconds - slowestSeconds);
  const times = { computeSeconds: meanSeconds, waitSeconds: Math.max(0, slowestSeconds - meanSeconds) };
  return {
    workers,
    allReduce: workers === 1 ? undefined : algorithm,
    communicateSeconds,
    formulaSeconds: allReduceSeconds(algorithm, { worldSize: workers, buckets, link, processor }) + extraSeconds,
    busiest,
    computeForNineTenthsSeconds: 9 * communicateSeconds,
    step: aloneSeconds === undefined ? undefined : stepOf(workers, seconds, times, { ...asked, aloneSeconds }),
  };
}

/** Nothing is encoded while gradients are computed, or sent while others are encoded: what a processor does takes its time. */
function modelCompressed(
  workers: number,
  buckets: readonly number[],
  asked: FleetsToModel,
  { name, costs }: ModelledCompression,
): Omit<ModelledFleet, 'isFastest'> {
  const codec = codecNamed(name);
  if (codec === undefined) throw new Error(`modelCompressed: there is no ${name}`);
  const encoded = buckets.map(codec.wordsFor);
  const exchange = { worldSize: workers, processor: asked.processor };
  const extra = codecSeconds(exchange, sumOf(buckets), sumOf(encoded), costs);
  return {
    ...modelFleet(workers, 'mesh', encoded, asked, extra),
    compressed: {
      name,
      codecSeconds: extra,
      plainSeconds: modelFleet(workers, 'mesh', buckets, asked).communicateSeconds,
    },
  };
}

function stepOf(
  workers: number,
  seconds: number,
  { computeSeconds, waitSeconds }: Pick<ModelledStep, 'computeSeconds' | 'waitSeconds'>,
  {
    batchSize,
    aloneSeconds,
    usdPerHour,
    epochSamples,
  }: Pick<FleetsToModel, 'batchSize' | 'usdPerHour' | 'epochSamples'> & { readonly aloneSeconds: number },
): ModelledStep {
  const samplesPerSecond = batchSize / seconds;
  const usdFor = (samples: number | undefined) =>
    usdPerHour === undefined || samples === undefined
      ? undefined
      : accruedCostUsd(workers * usdPerHour, samples / samplesPerSecond);
  return {
    seconds,
    computeSeconds,
    waitSeconds,
    efficiency: aloneSeconds / (workers * seconds),
    samplesPerSecond,
    usdPerMillionSamples: usdFor(1e6),
    usdPerEpoch: usdFor(epochSamples),
  };
}

/** What a run has measured of its mean worker. */
export type MeasuredWork = Pick<
  FleetsToModel,
  'parameters' | 'localSteps' | 'batchSize' | 'aloneSeconds' | 'usdPerHour' | 'priceAssumed' | 'epochSamples'
>;

/**
 * One worker alone is taken to compute as long as all workers of the run together.
 * @throws bad-input when the run trained no step
 */
export function measuredWork({
  run_id,
  model,
  global_batch_size,
  local_steps = 1,
  workers,
  steps,
  dataset,
  ...run
}: Summary): MeasuredWork {
  const computed = sumOf(workers.map(({ compute_seconds }) => compute_seconds));
  if (steps === 0 || computed === 0) throw badInput(`run ${run_id} trained no step: there is nothing to plan from`);
  return {
    parameters: model.parameters,
    localSteps: local_steps,
    batchSize: global_batch_size,
    aloneSeconds: computed / steps,
    usdPerHour: run.price_usd_per_hour === undefined ? undefined : run.price_usd_per_hour / workers.length,
    priceAssumed: describeAssumed(workers),
    epochSamples: dataset.train,
  };
}
