/** Measures how fast one engine trains the CNN, without coordinator, network or other workers. */
import type { EngineName } from '../engine/engine.ts';
import { enginesWith, selectEngine } from '../engine/engines.ts';
import { repeatFor, stepper } from '../engine/training-steps.ts';
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
