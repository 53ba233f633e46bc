/** The trial that shows whether an engine learns. */
import type { Engine, EngineOptions } from '../engine/engine.ts';
import { generateDigits } from '../shared/data/digits.ts';
import type { Verification } from './verification.ts';

const steps = 3;
const batch = Uint32Array.from({ length: 20 }, (_, i) => i);

/** Trains the CNN for three steps on the same few drawn digits. */
export async function tryLearning(create: (options: EngineOptions) => Promise<Engine>): Promise<Verification> {
  const dataset = generateDigits({ trainCount: batch.length, testCount: 10 });
  const engine = await create({
    model: { name: 'cnn', inputShape: dataset.imageShape, classes: dataset.classes },
    optimizer: { name: 'adam', learningRate: 0.001 },
    seed: 1,
    dataset,
  });
  const gradients = new Float32Array(engine.parameterCount);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { lossSum } = await engine.computeGradients(batch, gradients);
    losses.push(lossSum / batch.length);
    await engine.applyGradients(gradients, batch.length);
  }
  const { device } = engine;
  engine.dispose();
  return { device, losses };
}
