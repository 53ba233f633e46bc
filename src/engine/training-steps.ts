/** Trains step after step on one engine, and times it: for trials, benchmarks and comparisons. */
import type { Engine } from './engine.ts';

export interface TimedStep {
  /** Milliseconds. */
  readonly gradients: number;
  readonly apply: number;
  /** The mean over the batch, in nats. */
  readonly loss: number;
}

/** A function that trains one step on the next `batchSize` samples, and starts again after the last sample. */
export function stepper(engine: Engine, batchSize: number, sampleCount: number): () => Promise<TimedStep> {
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
export async function repeatFor(seconds: number, step: () => Promise<TimedStep>): Promise<TimedStep[]> {
  const end = performance.now() + seconds * 1000;
  const times: TimedStep[] = [];
  do times.push(await step());
  while (performance.now() < end);
  return times;
}
