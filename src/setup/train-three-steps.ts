/**
 * A program of its own, so that a native library that crashes takes nothing else along: trains three steps on drawn
 * digits with the installation of a manifest, and fails unless the loss falls. Usage: node train-three-steps.js MANIFEST
 */
import { readFileSync } from 'node:fs';
import { messageOf } from '../shared/core/errors.ts';
import { generateDigits } from '../shared/data/digits.ts';
import { createTensorflowEngine } from '../shared/engine/tensorflow-engine.ts';
import type { TensorflowManifest } from '../shared/engine/tensorflow-installation.ts';

try {
  const [manifestFile = ''] = process.argv.slice(2);
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as TensorflowManifest;
  const dataset = generateDigits({ trainCount: 32, testCount: 1 });
  const { imageShape, classes } = dataset;
  const engine = await createTensorflowEngine(
    {
      model: { name: 'cnn', inputShape: imageShape, classes },
      optimizer: { name: 'adam', learningRate: 0.001 },
      seed: 1,
      dataset,
    },
    manifest,
    'under test',
  );
  const indices = Uint32Array.from({ length: dataset.trainCount }, (_, i) => i);
  const gradients = new Float32Array(engine.parameterCount);
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    losses.push((await engine.computeGradients(indices, gradients)).lossSum / indices.length);
    await engine.applyGradients(gradients, indices.length);
  }
  engine.dispose();
  const [first = 0, , last = 0] = losses;
  if (!(last < first)) throw new Error(`the loss did not fall: ${losses.map((loss) => loss.toFixed(4)).join(', ')}`);
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  process.exitCode = 1;
}
