/** The engines against the same computation written in plain tfjs, on its `cpu` backend. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { simdFlavours } from '../../../src/engine/wasm/kernel-module.ts';
import { wasmProvider } from '../../../src/engine/wasm/wasm-provider.ts';
import type { ModelName } from '../../../src/shared/model/model-spec.ts';
import { relativeError } from '../../support/compare-vectors.ts';
import { engineDataset } from '../../support/engine-dataset.ts';
import { thorough } from '../../support/thoroughness.ts';

// tfjs takes seconds for the convolutions of a few images of MNIST's size. traced-step.test.ts has sums over several.
const [height, width] = thorough ? [28, 28] : [18, 19];
const pixels = height * width;
const dataset = engineDataset([height, width, 1], 10, 8, 1);

function create(name: ModelName, flavour?: string): Promise<Engine> {
  return wasmProvider(flavour).create({
    model: { name, inputShape: dataset.imageShape, classes: dataset.classes },
    optimizer: { name: 'adam', learningRate: 0.01 },
    seed: 5,
    dataset,
  });
}

/** Loss and gradients of the CNN for some training samples, by tfjs alone. */
async function plainGradients(engine: Engine, indices: readonly number[]) {
  const { weightSpecs } = engine.artifacts();
  const parameters = await engine.getParameters();
  await tf.setBackend('cpu');
  const weights = split(parameters, weightSpecs).map((part, i) => tf.tensor(part, [...(weightSpecs[i]?.shape ?? [])]));
  const bytes = indices.flatMap((i) => Array.from(dataset.train.images.subarray(i * pixels, (i + 1) * pixels)));
  const images = tf.tensor4d(
    Float32Array.from(bytes, (byte) => byte / 255),
    [indices.length, height, width, 1],
  );
  const classes = indices.map((i) => dataset.train.labels[i] ?? -1);
  const labels = tf.oneHot(tf.tensor1d(classes, 'int32'), 10);
  const loss = (...[k1, b1, k2, b2, k3, b3, k4, b4, k5, b5]: tf.Tensor[]) => {
    const convolve = (x: tf.Tensor4D, kernel?: tf.Tensor, bias?: tf.Tensor) =>
      tf.relu(tf.add(tf.conv2d(x, kernel as tf.Tensor4D, 1, 'valid'), bias as tf.Tensor)) as tf.Tensor4D;
    const dense = (x: tf.Tensor, kernel?: tf.Tensor, bias?: tf.Tensor) =>
      tf.add(tf.matMul(x, kernel as tf.Tensor), bias as tf.Tensor);
    const first = tf.maxPool(convolve(images, k1, b1), 2, 2, 'valid');
    const second = tf.maxPool(convolve(first, k2, b2), 2, 2, 'valid');
    const flat = tf.reshape(convolve(second, k3, b3), [indices.length, -1]);
    const logits = dense(tf.relu(dense(flat, k4, b4)), k5, b5);
    return tf.losses.softmaxCrossEntropy(labels, logits, undefined, undefined, tf.Reduction.SUM) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss)(weights);
  return { loss: value.dataSync(), gradients: grads.map((gradient) => gradient.dataSync()) };
}

it("engines have the CNN's gradients", async () => {
  const indices = thorough ? [6, 1, 3] : [6];
  const engines = await Promise.all(simdFlavours.map((flavour) => create('cnn', flavour)));
  const expected = await plainGradients(engines[0] as Engine, indices);
  expect(expected.gradients.length).toBe(10);
  for (const engine of engines) {
    const gradients = new Float32Array(engine.parameterCount);
    const { lossSum } = await engine.computeGradients(Uint32Array.from(indices), gradients);
    expect(relativeError([lossSum], expected.loss)).toBeLessThan(1e-6);
    const ours = split(gradients, engine.artifacts().weightSpecs);
    for (const [i, gradient] of expected.gradients.entries()) {
      expect(relativeError(ours[i] ?? [], gradient)).toBeLessThan(1e-5);
    }
    engine.dispose();
  }
});

describe.each(simdFlavours)('wasm engine with %s', (flavour) => {
  it('takes the steps of tf.train.adam', async () => {
    const engine = await create('softmax', flavour);
    const start = await engine.getParameters();
    const sums = [1, 2, 3, 4, 5].map((step) => start.map((_, i) => Math.sin(step * i) * 10 ** -(i % 7)));
    for (const sum of sums) await engine.applyGradients(sum, 4);
    const ours = await engine.getParameters();
    engine.dispose();

    await tf.setBackend('cpu');
    const variable = tf.variable(tf.tensor1d(start));
    const optimizer = tf.train.adam(0.01, 0.9, 0.999, 1e-7);
    for (const sum of sums) optimizer.applyGradients({ [variable.name]: tf.div(tf.tensor1d(sum), 4) });
    // tfjs keeps 1 − β2ᵗ in single precision, which is off by 3 parts in 100,000 at first.
    expect(relativeError(ours, variable.dataSync())).toBeLessThan(1e-5);
  });
});

function split(flat: Float32Array, specs: readonly { readonly shape: readonly number[] }[]): Float32Array[] {
  let offset = 0;
  return specs.map(({ shape }) => {
    const size = shape.reduce((product, n) => product * n, 1);
    offset += size;
    return flat.slice(offset - size, offset);
  });
}
