// Prints how many threads this process has gained by a step of the built tensorflow engine with --threads of its argument.
import { readdirSync } from 'node:fs';
import { enginesWith, selectEngine } from '../../dist/engine/engines.js';
import { loadDataset } from '../../dist/shared/data/load-dataset.js';

const countThreads = () => readdirSync('/proc/self/task').length;
const dataset = await loadDataset('digits');
const { provider } = await selectEngine('tensorflow', enginesWith(Number(process.argv[2])));
const before = countThreads();
const engine = await provider.create({
  model: { name: 'softmax', inputShape: dataset.imageShape, classes: dataset.classes },
  optimizer: { name: 'sgd', learningRate: 0.1 },
  seed: 1,
  dataset,
});
await engine.computeGradients(Uint32Array.of(0, 1), new Float32Array(engine.parameterCount));
console.log(countThreads() - before);
engine.dispose();
