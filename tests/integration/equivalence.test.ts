/** The same run on any number of workers: the promise that everything else rests on. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { epochOrder } from '../../src/shared/core/sampling.ts';
import { loadDataset } from '../../src/shared/data/load-dataset.ts';
import { initialParameters } from '../../src/shared/model/initialize.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, start, temporaryFolder } from '../support/pennygrad.ts';
import { lastParameters, maxDifference, readSummary } from '../support/run-folder.ts';

// 333 samples in batches of 50: a short last batch of 33, and neither is divisible by 2, 3 or 4.
const samples = 333;
const batchSize = 50;
const steps = 50;
const folder = writeIdxFolder(samples, 60);

afterEach(killAll);

async function trainedParameters(workers: number, model: string, backend = 'auto'): Promise<Float32Array> {
  const out = `${temporaryFolder()}/run`;
  const { code, stderr } = await run([
    ...['train', '--dataset', folder, '--model', model, '--workers', String(workers), '--backend', backend],
    ...['--batch-size', String(batchSize), '--epochs', '99', '--steps', String(steps), '--seed', '7'],
    ...['--out', out, '--metrics-port', '0', '--quiet'],
  ]);
  expect(stderr.replace(/.*workers share.*\n/, '')).toBe('');
  expect(code).toBe(0);
  expect(readSummary(out)).toMatchObject({ steps, world_size: workers, replicas_identical: true });
  return lastParameters(out);
}

describe('the CNN after 50 steps', () => {
  let alone: Float32Array;
  beforeAll(async () => {
    alone = await trainedParameters(1, 'cnn');
    expect(alone).toHaveLength(93_322);
  });

  it.each([2, 3, 4])('has the same parameters from %i workers as from one', async (workers) => {
    expect(maxDifference(await trainedParameters(workers, 'cnn'), alone)).toBeLessThan(1e-5);
  });

  it('has the same parameters, bit for bit, from the same run twice', async () => {
    expect(await trainedParameters(1, 'cnn')).toEqual(alone);
  });
});

describe('one worker', () => {
  it('ends where a plain tfjs loop ends', async () => {
    await tf.setBackend('cpu');
    const dataset = await loadDataset(folder);
    const model = layers.sequential({
      layers: [
        layers.layers.flatten({ inputShape: [28, 28, 1] }),
        layers.layers.dense({ units: 128, activation: 'relu' }),
        layers.layers.dense({ units: 10 }),
      ],
    });
    const shapes = model.getWeights().map(({ shape }) => shape);
    const initial = initialParameters(shapes, 7);
    let offset = 0;
    model.setWeights(
      shapes.map((shape) => {
        const size = shape.reduce((product, dimension) => product * dimension, 1);
        offset += size;
        return tf.tensor(initial.slice(offset - size, offset), shape);
      }),
    );

    const optimizer = tf.train.adam(0.001);
    for (let step = 0; step < steps; step++) {
      const stepInEpoch = step % Math.ceil(samples / batchSize);
      const order = epochOrder(7, Math.floor(step / Math.ceil(samples / batchSize)), samples);
      const batch = [...order.subarray(stepInEpoch * batchSize, (stepInEpoch + 1) * batchSize)];
      const images = tf.tensor4d(
        batch.flatMap((index) =>
          [...dataset.train.images.subarray(index * 784, (index + 1) * 784)].map((p) => p / 255),
        ),
        [batch.length, 28, 28, 1],
      );
      const labels = tf.oneHot(
        batch.map((index) => dataset.train.labels[index] ?? 0),
        10,
      );
      optimizer.minimize(() =>
        tf.losses.softmaxCrossEntropy(labels, model.apply(images, { training: true }) as tf.Tensor),
      );
    }
    const plain = Float32Array.from(model.getWeights().flatMap((weight) => [...weight.dataSync()]));

    expect(maxDifference(await trainedParameters(1, 'mlp', 'cpu'), plain)).toBeLessThan(1e-5);
    expect(maxDifference(await trainedParameters(1, 'mlp', 'wasm'), plain)).toBeLessThan(1e-5);
  });
});

describe('a coordinator and workers in terminals of their own', () => {
  it('train what `train` trains', async () => {
    const out = `${temporaryFolder()}/run`;
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', '--dataset', folder, '--model', 'mlp'],
      ...['--batch-size', String(batchSize), '--epochs', '99', '--steps', String(steps), '--seed', '7'],
      ...['--out', out, '--metrics-port', '0'],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    // They arrive in the order that ranks do not follow.
    const workers = [start(['worker', '--connect', endpoint, '--id', 'b'])];
    await new Promise((resolve) => setTimeout(resolve, 300));
    workers.push(start(['worker', '--connect', endpoint, '--id', 'a']));
    for (const job of [coordinator, ...workers]) expect((await job.exit).code).toBe(0);
    expect(readSummary(out).workers.map(({ worker_id, rank }) => [worker_id, rank])).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
    expect(lastParameters(out)).toEqual(await trainedParameters(2, 'mlp'));
  });
});
