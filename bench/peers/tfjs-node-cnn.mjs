/**
 * The CNN in tfjs-node as it ships: its own layers, eager, `model.trainOnBatch`. One thread.
 * Usage: tfjs-node-cnn.mjs DATA-FOLDER PACKAGE, the folder of an installed @tensorflow/tfjs-node.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import util from 'node:util';

const [dataFolder, packageFolder] = process.argv.slice(2);
// Removed in Node 23, and used by the package.
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
const require = createRequire(join(packageFolder, 'package.json'));
const tf = require(packageFolder);

const pixels = 28 * 28;
const imageBytes = readFileSync(join(dataFolder, 'images.bin'));
const labelBytes = readFileSync(join(dataFolder, 'labels.bin'));
const count = labelBytes.length;
const images = tf.tensor4d(
  Float32Array.from(imageBytes, (byte) => byte / 255),
  [count, 28, 28, 1],
);
const labels = tf.tensor1d(Float32Array.from(labelBytes), 'float32');
if (images.size !== count * pixels) throw new Error(`${count} labels, but ${images.size / pixels} images`);

const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ inputShape: [28, 28, 1], filters: 32, kernelSize: 3, activation: 'relu' }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 64, activation: 'relu' }),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
});
model.compile({ optimizer: tf.train.adam(0.001), loss: 'sparseCategoricalCrossentropy' });

say({
  device: `tfjs-node ${tf.version['tfjs-node']} on TensorFlow ${tf.backend().binding.TF_Version}, Node ${process.version}`,
  parameters: model.countParams(),
});
for await (const line of createInterface({ input: process.stdin })) {
  const { batch_size: size, seconds } = JSON.parse(line);
  const started = performance.now();
  let steps = 0;
  let first = 0;
  let loss = Number.NaN;
  do {
    if (first + size > count) first = 0;
    const [x, y] = tf.tidy(() => [images.slice(first, size), labels.slice(first, size)]);
    loss = await model.trainOnBatch(x, y);
    tf.dispose([x, y]);
    first += size;
    steps++;
  } while (performance.now() - started < seconds * 1000);
  say({ steps, seconds: (performance.now() - started) / 1000, loss });
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
