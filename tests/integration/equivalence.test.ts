/** The same run on any number of workers: the promise that everything else rests on. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { epochOrder } from '../../src/shared/core/sampling.ts';
import { loadDataset } from '../../src/shared/data/load-dataset.ts';
import { initialParameters } from '../../src/shared/model/initialize.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { lastParameters, maxDifference, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// 333 samples in batches of 50: a short last batch of 33, and neither is divisible by 2, 3 or 4.
const samples = 333;
const batchSize = 50;
const steps = 50;
// One of the seeds with which no ReLU or pooling window of the CNN changes sides for a last bit that N workers round
// differently: where one does, its gradient jumps, and Adam makes a visible difference of it (docs/performance.md).
const seed = 11;
const folder = writeIdxFolder(samples, 60);

afterEach(killAll);

async function trainedParameters(
  workers: number,
  model: string,
  { backend = 'auto', optimizer = 'adam', lr = 0.001, steps: asked = steps } = {},
): Promise<Float32Array> {
  const out = `${temporaryFolder()}/run`;
  const { code, stderr } = await run([
    ...['train', '--dataset', folder, '--model', model, '--workers', String(workers), '--backend', backend],
    ...['--batch-size', String(batchSize), '--epochs', '99', '--steps', String(asked), '--seed', String(seed)],
    ...['--optimizer', optimizer, '--lr', String(lr), '--out', out, '--metrics-port', '0', '--quiet'],
  ]);
  expect(stderr.replace(/.*workers share.*\n/, '')).toBe('');
  expect(code).toBe(0);
  expect(readSummary(out)).toMatchObject({ steps: asked, world_size: workers, replicas_identical: true });
  return lastParameters(out);
}

describe('after 50 steps', () => {
  const alone = new Map<string, Float32Array>();
  beforeAll(async () => {
    for (const model of ['cnn', 'mlp']) alone.set(model, await trainedParameters(1, model));
    expect(alone.get('cnn')).toHaveLength(93_322);
  });

  it.each([
    [2, 'cnn'],
    [4, 'cnn'],
    [3, 'mlp'],
  ])('%i workers have the same parameters of the %s as one', async (workers, model) => {
    const expected = alone.get(model) ?? new Float32Array(0);
    expect(maxDifference(await trainedParameters(workers, model), expected)).toBeLessThan(1e-5);
  });
});

describe('one worker', () => {
  // Adam divides by the size of the gradient, which magnifies a last bit that differs wherever a gradient is almost
  // zero: across engines only SGD can be held to 1e-5.
  it.each([
    ['cpu', 'adam', 0.001],
    ['wasm', 'sgd', 0.1],
  ] as const)('on %s with %s ends where a plain tfjs loop ends', async (backend, optimizer, lr) => {
    // Two epochs, with their short last batches, and six steps more: plain tfjs is slow.
    const trained = await trainedParameters(1, 'mlp', { backend, optimizer, lr, steps: 20 });
    expect(maxDifference(trained, await plainTraining(optimizer, lr, 20))).toBeLessThan(1e-5);
  });
});

/** Training as a tfjs tutorial would write it, on tfjs's own cpu backend. */
async function plainTraining(optimizerName: 'adam' | 'sgd', lr: number, steps: number): Promise<Float32Array> {
  await tf.setBackend('cpu');
  const { train } = await loadDataset(folder);
  const model = layers.sequential({
    layers: [
      layers.layers.flatten({ inputShape: [28, 28, 1] }),
      layers.layers.dense({ units: 128, activation: 'relu' }),
      layers.layers.dense({ units: 10 }),
    ],
  });
  const shapes = model.getWeights().map(({ shape }) => shape);
  const initial = initialParameters(shapes, seed);
  let offset = 0;
  model.setWeights(
    shapes.map((shape) => {
      const size = tf.util.sizeFromShape(shape);
      offset += size;
      return tf.tensor(initial.slice(offset - size, offset), shape);
    }),
  );

  const optimizer = tf.train[optimizerName](lr);
  const perEpoch = Math.ceil(samples / batchSize);
  for (let step = 0; step < steps; step++) {
    const order = epochOrder(seed, Math.floor(step / perEpoch), samples);
    const from = (step % perEpoch) * batchSize;
    const batch = [...order.subarray(from, from + batchSize)];
    const pixels = batch.flatMap((index) => [...train.images.subarray(index * 784, (index + 1) * 784)]);
    const classes = batch.map((index) => train.labels[index] ?? 0);
    optimizer.minimize(() => {
      const images = tf.div(tf.tensor4d(pixels, [batch.length, 28, 28, 1]), 255);
      const logits = model.apply(images, { training: true }) as tf.Tensor;
      return tf.losses.softmaxCrossEntropy(tf.oneHot(classes, 10), logits);
    });
  }
  return Float32Array.from(model.getWeights().flatMap((weight) => [...weight.dataSync()]));
}

describe('a coordinator and workers in terminals of their own', () => {
  it('train what `train` trains, bit for bit', async () => {
    const out = `${temporaryFolder()}/run`;
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', '--dataset', folder, '--model', 'mlp'],
      ...['--batch-size', String(batchSize), '--epochs', '99', '--steps', String(steps), '--seed', String(seed)],
      ...['--out', out, '--metrics-port', '0'],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    // They arrive in the order that ranks do not follow.
    const workers = [start(['worker', '--connect', endpoint, '--id', 'b'])];
    await coordinator.waitFor(/worker b joined/);
    workers.push(start(['worker', '--connect', endpoint, '--id', 'a']));
    for (const job of [coordinator, ...workers]) expect((await job.exit).code).toBe(0);
    expect(readSummary(out).workers.map(({ worker_id, rank }) => [worker_id, rank])).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
    expect(maxDifference(lastParameters(out), await trainedParameters(2, 'mlp'))).toBe(0);
  });
});
