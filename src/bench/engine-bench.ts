/** Measures how fast one engine trains the CNN, without coordinator, network or other workers. */
import type { Engine, EngineName } from '../engine/engine.ts';
import { enginesWith, selectEngine } from '../engine/engines.ts';
import { medianOf } from '../shared/core/sums.ts';
import { loadDataset } from '../shared/data/load-dataset.ts';

export interface EngineBenchOptions {
  readonly backend: 'auto' | EngineName;
  /** See `enginesWith`. */
  readonly threads?: number | undefined;
  readonly batchSizes: readonly number[];
  /** See `loadDataset`. */
  readonly dataset?: string;
  /** How long to measure each batch size, after a warm-up of a fifth of this time. */
  readonly seconds: number;
}

export interface EngineBenchRow {
  readonly device: string;
  readonly batchSize: number;
  readonly steps: number;
  /** From the median and from the fastest step. */
  readonly samplesPerSecond: number;
  readonly bestSamplesPerSecond: number;
  /** Medians. `gradients` includes gathering the batch, forward, backward and reading the flat gradient back. */
  readonly phaseMilliseconds: { readonly gradients: number; readonly apply: number };
}

/** One row per batch size. */
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
      samplesPerSecond: batchSize / (medianOf(totals) / 1000),
      bestSamplesPerSecond: batchSize / (Math.min(...totals) / 1000),
      phaseMilliseconds: {
        gradients: medianOf(steps.map(({ gradients }) => gradients)),
        apply: medianOf(steps.map(({ apply }) => apply)),
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
  /** The mean over the batch, in nats. */
  readonly loss: number;
}

/** A function that trains one step on the next `batchSize` samples, and starts again after the last sample. */
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

/** Repeats the step until the time is over, at least once. */
export async function repeatFor(seconds: number, step: () => Promise<Step>): Promise<Step[]> {
  const end = performance.now() + seconds * 1000;
  const times: Step[] = [];
  do times.push(await step());
  while (performance.now() < end);
  return times;
}
