/** How fast one worker's engine trains the CNN, without coordinator, network or other workers. */

import type { Engine, EngineName } from '../engine/engine.ts';
import { enginesWith, selectEngine } from '../engine/engines.ts';
import { loadDataset } from '../shared/data/load-dataset.ts';
import { median } from './median.ts';

export interface EngineBenchOptions {
  readonly backend: 'auto' | EngineName;
  /** As `enginesWith` takes them. */
  readonly threads?: number | undefined;
  readonly batchSizes: readonly number[];
  /** MNIST if it can be had, unless told otherwise. */
  readonly dataset?: string;
  /** How long to measure each batch size, after warming up for a fifth of it. */
  readonly seconds: number;
}

export interface EngineBenchRow {
  readonly device: string;
  readonly batchSize: number;
  readonly steps: number;
  /** Of the median step and of the fastest one. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /** Medians. Gradients include gathering the batch, forward and backward, and reading the flat gradient back. */
  readonly phaseMilliseconds: { readonly gradients: number; readonly apply: number };
}

/** One row a batch size. */
export async function benchEngine(options: EngineBenchOptions): Promise<EngineBenchRow[]> {
  const { backend, threads, batchSizes, seconds } = options;
  const dataset = await loadDataset(options.dataset);
  const { provider } = await selectEngine(backend, enginesWith(threads));
  const { imageShape, classes } = dataset;
  const rows: EngineBenchRow[] = [];
  for (const batchSize of batchSizes) {
    const engine = await provider.create({
      model: { name: 'cnn', inputShape: imageShape, classes },
      optimizer: { name: 'adam', learningRate: 0.001 },
      seed: 1,
      dataset,
    });
    const step = stepper(engine, batchSize, dataset.trainCount);
    await repeatFor(seconds / 5, step);
    const steps = await repeatFor(seconds, step);
    const totals = steps.map(({ gradients, apply }) => gradients + apply);
    rows.push({
      device: engine.device,
      batchSize,
      steps: steps.length,
      samplesPerSecond: batchSize / (median(totals) / 1000),
      bestSamplesPerSecond: batchSize / (Math.min(...totals) / 1000),
      phaseMilliseconds: {
        gradients: median(steps.map(({ gradients }) => gradients)),
        apply: median(steps.map(({ apply }) => apply)),
      },
    });
    engine.dispose();
  }
  return rows;
}

interface Step {
  /** Milliseconds. */
  readonly gradients: number;
  readonly apply: number;
  /** Mean over the batch, in nats. */
  readonly loss: number;
}

/** A training step over the next `batchSize` samples, round and round. */
export function stepper(engine: Engine, batchSize: number, sampleCount: number): () => Promise<Step> {
  const gradients = new Float32Array(engine.parameterCount);
  let next = 0;
  return async () => {
    const indices = Uint32Array.from({ length: batchSize }, (_, i) => (next + i) % sampleCount);
    next = (next + batchSize) % sampleCount;
    const started = performance.now();
    const { lossSum } = await engine.computeGradients(indices, gradients);
    const computed = performance.now();
    await engine.applyGradients(gradients, batchSize);
    return { gradients: computed - started, apply: performance.now() - computed, loss: lossSum / batchSize };
  };
}

/** Steps until the time is over, at least one. */
export async function repeatFor(seconds: number, step: () => Promise<Step>): Promise<Step[]> {
  const end = performance.now() + seconds * 1000;
  const times: Step[] = [];
  do times.push(await step());
  while (performance.now() < end);
  return times;
}
