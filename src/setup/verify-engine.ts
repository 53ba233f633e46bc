/**
 * A process in which an engine shows that it works: `node verify-engine.js ENGINE` trains three steps and prints one
 * line of JSON (`Verification`). A driver that crashes takes this process with it, and no other.
 */
import { messageOf } from '../shared/core/errors.ts';
import { generateDigits } from '../shared/data/digits.ts';
import { engineProviders } from '../shared/engine/engines.ts';
import type { Verification } from './verification.ts';

const batch = Uint32Array.from({ length: 20 }, (_, i) => i);

async function verify(name: string | undefined): Promise<Verification> {
  const provider = engineProviders.find((candidate) => candidate.name === name);
  if (provider === undefined) throw new Error(`there is no engine ${name}`);
  const dataset = generateDigits({ trainCount: batch.length, testCount: 10 });
  const engine = await provider.create({
    model: { name: 'cnn', inputShape: dataset.imageShape, classes: dataset.classes },
    optimizer: { name: 'adam', learningRate: 0.001 },
    seed: 1,
    dataset,
  });
  const gradients = new Float32Array(engine.parameterCount);
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    const { lossSum } = await engine.computeGradients(batch, gradients);
    losses.push(lossSum / batch.length);
    await engine.applyGradients(gradients, batch.length);
  }
  const { device } = engine;
  engine.dispose();
  return { device, losses };
}

try {
  console.log(JSON.stringify(await verify(process.argv[2])));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
