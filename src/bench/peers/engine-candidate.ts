/**
 * A pennygrad engine as a candidate: `node engine-candidate.js ENGINE`. A step does what a worker does, without
 * coordinator and network: gather the batch from bytes, forward, backward, read the flat gradient back, update.
 */
import { createInterface } from 'node:readline';
import type { EngineName } from '../../engine/engine.ts';
import { selectEngine } from '../../engine/engines.ts';
import { repeatFor, stepper } from '../../engine/training-steps.ts';
import { chooseFlavour } from '../../engine/wasm/kernel-module.ts';
import { loadDataset } from '../../shared/data/load-dataset.ts';
import { peakFlops } from '../roofline.ts';
import { type Answer, type Ready, requestSchema } from './messages.ts';

const { provider } = await selectEngine(process.argv[2] as EngineName);
const dataset = await loadDataset('mnist');
const engine = await provider.create({
  model: { name: 'cnn', inputShape: dataset.imageShape, classes: dataset.classes },
  optimizer: { name: 'adam', learningRate: 0.001 },
  seed: 1,
  dataset,
});
const flavour = chooseFlavour(process.env.PENNYGRAD_WASM_SIMD);
const peak = engine.name === 'wasm' && flavour.usable ? await peakFlops(flavour) : undefined;
say({
  device: `${engine.device}, Node ${process.version}`,
  parameters: engine.parameterCount,
  peakFlops: peak,
});

for await (const line of createInterface({ input: process.stdin })) {
  const { batch_size: batchSize, seconds } = requestSchema.parse(JSON.parse(line));
  const step = stepper(engine, batchSize, dataset.trainCount);
  const started = performance.now();
  const steps = await repeatFor(seconds, step);
  const elapsed = (performance.now() - started) / 1000;
  say({ steps: steps.length, seconds: elapsed, loss: steps.at(-1)?.loss ?? Number.NaN });
}
engine.dispose();

function say(message: Ready | Answer): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
