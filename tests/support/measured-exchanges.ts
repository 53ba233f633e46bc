/** All-reduces and steps that were measured, beside what the simulation foretells of them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { measuredProcessor } from '../../src/economics/simulation/measured-costs.ts';
import { simulateSteps } from '../../src/economics/simulation/simulate-steps.ts';
import { gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import {
  lengthsOf,
  linkOf,
  type ModelledAlgorithm,
  type ProcessorCosts,
} from '../../src/shared/collectives/cost-model.ts';

/** A sum of vectors that are whole from the start, by processes of one host. */
export interface MeasuredReduction {
  readonly set: string;
  readonly algorithm: ModelledAlgorithm;
  readonly workers: number;
  readonly floats: number;
  readonly ms: number;
}

export interface MeasuredStep {
  readonly set: string;
  /** What was trained. */
  readonly what: string;
  readonly algorithm: ModelledAlgorithm;
  readonly workers: number;
  /** Absent where all were on one host. */
  readonly bitsPerSecond?: number;
  /** Floats of each, in the order in which they are handed over. */
  readonly buckets: readonly number[];
  /** In which the engine computes a worker's share: gradients are final during the backward pass of the last; null: at its end. */
  readonly microBatches: number | null;
  readonly computeMs: number;
  readonly waitMs: number;
  readonly stepMs: number;
}

export const measured: {
  readonly sets: Readonly<Record<string, string>>;
  readonly reductions: readonly MeasuredReduction[];
  readonly steps: readonly MeasuredStep[];
} = JSON.parse(readFileSync(fileURLToPath(new URL('measured-exchanges.json', import.meta.url)), 'utf8'));

/** Processes of one host: only processors take time. */
const oneHost = { delaySeconds: 0, bytesPerSecond: Number.POSITIVE_INFINITY };

/** @param cores that all processes share; undefined: each has one of its own */
function reductionMs(
  { algorithm, workers, floats }: MeasuredReduction,
  processor: ProcessorCosts,
  cores: number | undefined,
): number {
  const buckets = lengthsOf(gradientBuckets([floats]));
  const { seconds } = simulateSteps({
    algorithm,
    worldSize: workers,
    buckets,
    link: oneHost,
    processor,
    computeSeconds: [0],
    overlap: 0,
    cores,
  });
  return 1000 * seconds;
}

/** What was measured is how long workers compute and wait for each other; what is foretold is the whole step. In ms. */
export function foretellStep(point: MeasuredStep): number {
  const { algorithm, workers, bitsPerSecond, buckets, microBatches, computeMs, waitMs } = point;
  const { seconds } = simulateSteps({
    algorithm,
    worldSize: workers,
    buckets,
    link: bitsPerSecond === undefined ? oneHost : shapedLink(bitsPerSecond),
    processor: algorithm === 'mesh' ? fittedCosts().sharedMemory : measuredProcessor,
    computeSeconds: Array<number>(6).fill((computeMs + waitMs) / 1000),
    // The backward pass is two thirds of the floating-point operations.
    overlap: microBatches === null ? 0 : 2 / 3 / microBatches,
  });
  return 1000 * seconds;
}

/** Between namespaces of one machine: `tbf` does not count the 24 bytes of preamble, checksum and gap of a frame. */
function shapedLink(bitsPerSecond: number) {
  return linkOf((bitsPerSecond * 1538) / 1514, 2e-5);
}

/**
 * The costs of a message and of a byte with which the foretold times are closest to the measured ones: least squares of
 * logarithms, since a model is off by a factor. The steps of the search become finer until they are below half a percent.
 * @param start the cost of an addition is taken from here
 */
function fitCosts(
  points: readonly MeasuredReduction[],
  start: ProcessorCosts,
  cores: number | undefined,
): ProcessorCosts {
  const lossOf = (costs: ProcessorCosts) =>
    points.reduce((sum, point) => sum + Math.log(reductionMs(point, costs, cores) / point.ms) ** 2, 0);
  let best = { costs: start, loss: lossOf(start) };
  for (let factor = 2; factor > 1.005; ) {
    const tried = (['secondsPerMessage', 'secondsPerByte'] as const)
      .flatMap((key) => [factor, 1 / factor].map((by) => ({ ...best.costs, [key]: best.costs[key] * by })))
      .map((costs) => ({ costs, loss: lossOf(costs) }))
      .reduce((least, one) => (one.loss < least.loss ? one : least));
    if (tried.loss < best.loss) best = tried;
    else factor = Math.sqrt(factor);
  }
  return best.costs;
}

export function reductionsOf(set: string): readonly MeasuredReduction[] {
  return measured.reductions.filter((point) => point.set === set);
}

const start = { secondsPerMessage: 2e-5, secondsPerByte: 5e-10 };
/** In shared memory, and in the prototype, floats are added in WebAssembly. */
const wasmAddition = 3e-10;

type Fitted = Readonly<Record<'star' | 'sharedMemory' | 'prototype', ProcessorCosts>>;
let known: Fitted | undefined;

/** The costs that fit each set best. All processes of the prototype shared two cores. */
export function fittedCosts(): Fitted {
  const { secondsPerAddition } = measuredProcessor;
  known ??= {
    star: fitCosts(reductionsOf('bench star'), { ...start, secondsPerAddition }, undefined),
    sharedMemory: fitCosts(reductionsOf('bench mesh'), { ...start, secondsPerAddition: wasmAddition }, undefined),
    prototype: fitCosts(reductionsOf('prototype'), { ...start, secondsPerAddition: wasmAddition }, 2),
  };
  return known;
}

/** In ms. */
export function foretellReduction(point: MeasuredReduction): number {
  if (point.set === 'prototype') return reductionMs(point, fittedCosts().prototype, 2);
  return reductionMs(point, point.set === 'bench mesh' ? fittedCosts().sharedMemory : measuredProcessor, undefined);
}

/** Foretold ÷ measured − 1. */
export function reductionError(point: MeasuredReduction): number {
  return foretellReduction(point) / point.ms - 1;
}

/** Foretold ÷ measured − 1. */
export function stepError(point: MeasuredStep): number {
  return foretellStep(point) / point.stepMs - 1;
}

const isBusy = ({ set }: MeasuredStep) => set === 'busy hour';
const isUneven = ({ buckets, bitsPerSecond }: MeasuredStep) => buckets.length > 2 && bitsPerSecond !== undefined;

/** Steps by how well they can be foretold; docs/performance.md says why. */
export const steps = {
  busy: measured.steps.filter(isBusy),
  uneven: measured.steps.filter(isUneven),
  others: measured.steps.filter((point) => !isBusy(point) && !isUneven(point)),
};
