/** Our kernels as tfjs finds them on its backend `wasm`, against tfjs's own on `cpu`. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as layers from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/engine/engine.ts';
import { chooseFlavour, type UsableFlavour } from '../../../../src/engine/wasm/kernel-module.ts';
import { fuseWasmLayer } from '../../../../src/engine/wasm/op-by-op/wasm-layers.ts';
import { createOpByOpEngine } from '../../../../src/engine/wasm/wasm-engine.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import type { Layer } from '../../../../src/shared/model/zoo.ts';
import { relativeError } from '../../../support/compare-vectors.ts';
import { engineDataset } from '../../../support/engine-dataset.ts';

const tolerance = 2e-6;
let engine: Engine;

beforeAll(async () => {
  // Making an engine is what registers the kernels.
  const imageShape = [2, 2, 1] as const;
  engine = await createOpByOpEngine(
    {
      model: { name: 'softmax', inputShape: imageShape, classes: 2 },
      optimizer: { name: 'sgd', learningRate: 1 },
      seed: 1,
      dataset: engineDataset(imageShape, 2, 1, 1),
    },
    chooseFlavour() as UsableFlavour,
  );
});
afterAll(() => engine.dispose());

/** Nobody listens to its gradients. */
const fuse = (layer: Layer) => fuseWasmLayer(layer);

type Quad = [number, number, number, number];

/** Values and gradients of `f`, weighted so that no two outputs count the same, on one backend. */
async function evaluateOn(backend: 'wasm' | 'cpu', f: (...inputs: tf.Tensor[]) => tf.Tensor, shapes: number[][]) {
  await tf.setBackend(backend);
  const random = createRandom(3);
  const tensors = tf.tidy(() => {
    const inputs = shapes.map((shape) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return tf.tensor(
        Float32Array.from({ length: size }, () => 2 * random.float() - 1),
        shape,
      );
    });
    const y = f(...inputs);
    const weights = Float32Array.from({ length: y.size }, () => 2 * random.float() - 1);
    const weighted = (...x: tf.Tensor[]) => tf.sum(tf.mul(f(...x), tf.tensor(weights, y.shape))) as tf.Scalar;
    return [y, ...tf.grads(weighted)(inputs)];
  });
  const values = tensors.map((tensor) => tensor.dataSync<'float32'>());
  tf.dispose(tensors);
  return values;
}

async function expectAgreement(f: (...inputs: tf.Tensor[]) => tf.Tensor, shapes: number[][]): Promise<void> {
  const actual = await evaluateOn('wasm', f, shapes);
  const expected = await evaluateOn('cpu', f, shapes);
  expect(actual.length).toBe(expected.length);
  for (const [i, values] of expected.entries()) {
    expect(values.some((value) => value !== 0)).toBe(true);
    expect(relativeError(actual[i] ?? [], values)).toBeLessThan(tolerance);
  }
}

describe('tf.conv2d and its gradients', () => {
  const cases: [Quad, Quad, number | [number, number], 'valid' | 'same' | number][] = [
    [[2, 7, 6, 3], [3, 3, 3, 5], 1, 'valid'],
    [[2, 7, 6, 3], [3, 3, 3, 5], 1, 'same'],
    [[1, 8, 9, 8], [3, 2, 8, 16], [2, 3], 'same'],
    [[2, 6, 6, 4], [5, 5, 4, 8], 2, 'same'],
    [[2, 5, 5, 2], [3, 3, 2, 9], 1, 2],
    [[3, 4, 4, 9], [1, 1, 9, 7], 2, 'valid'],
  ];
  it.each(cases)('of %j by %j, strides %j, padding %j', (x, filter, strides, pad) =>
    expectAgreement(
      (images, kernel) => tf.conv2d(images as tf.Tensor4D, kernel as tf.Tensor4D, strides, pad),
      [x, filter],
    ),
  );

  it('of explicit padding that is not the same on all sides', () =>
    expectAgreement(
      (images, kernel) =>
        tf.conv2d(images as tf.Tensor4D, kernel as tf.Tensor4D, 2, [
          [0, 0],
          [2, 1],
          [0, 3],
          [0, 0],
        ] as never),
      [
        [2, 6, 5, 3],
        [3, 2, 3, 4],
      ],
    ));
});

describe('tf.maxPool and its gradient', () => {
  const cases: [Quad, number | [number, number], number | [number, number], 'valid' | 'same' | number][] = [
    [[2, 8, 6, 8], 2, 2, 'valid'],
    [[2, 7, 5, 4], 2, 2, 'valid'],
    [[2, 7, 5, 6], 2, 2, 'same'],
    [[1, 7, 8, 5], [3, 2], [1, 2], 'same'],
    [[1, 6, 6, 3], 3, 1, 1],
  ];
  it.each(cases)('of %j, window %j, strides %j, padding %j', (x, window, strides, pad) =>
    expectAgreement((images) => tf.maxPool(images as tf.Tensor4D, window, strides, pad), [x]),
  );
});

describe('fused layers', () => {
  const { conv2d, dense } = layers.layers;
  const cases = [
    ['Conv2D', () => conv2d({ filters: 5, kernelSize: 3, activation: 'relu' }), [2, 7, 6, 3]],
    [
      'Conv2D, same, strided',
      () => conv2d({ filters: 9, kernelSize: [3, 2], strides: 2, padding: 'same' }),
      [2, 7, 8, 4],
    ],
    ['Dense', () => dense({ units: 6, activation: 'relu' }), [5, 7]],
    ['Dense with another activation', () => dense({ units: 6, activation: 'tanh' }), [5, 7]],
    ['Dense over sequences', () => dense({ units: 10 }), [2, 3, 4]],
  ] as const;

  it.each(cases)('%s computes what the layer does, and its gradients', async (_, make, inputShape) => {
    const layer = make();
    await tf.setBackend('wasm');
    layer.build([...inputShape]);
    const fused = fuse(layer);
    const random = createRandom(9);
    layer.setWeights(
      layer.getWeights().map(({ shape, size }) =>
        tf.tensor(
          Float32Array.from({ length: size }, () => random.float() - 0.5),
          shape,
        ),
      ),
    );
    expect(fused).toBeDefined();
    const variables = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const evaluate = async (backend: 'wasm' | 'cpu', f: (x: tf.Tensor) => tf.Tensor) => {
      await tf.setBackend(backend);
      return tf.tidy(() => {
        const size = inputShape.reduce<number>((product, n) => product * n, 1);
        const x = tf.variable(
          tf.tensor(
            Float32Array.from({ length: size }, (__, i) => Math.sin(i)),
            [...inputShape],
          ),
        );
        const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(f(x))) as tf.Scalar, [x, ...variables]);
        return [value, ...[x, ...variables].map(({ name }) => grads[name] as tf.Tensor)].map((t) =>
          t.dataSync<'float32'>(),
        );
      });
    };
    const actual = await evaluate('wasm', fused ?? tf.relu);
    const expected = await evaluate('cpu', (x) => layer.apply(x) as tf.Tensor);
    expect(actual.length).toBe(4);
    for (const [i, values] of expected.entries())
      expect(relativeError(actual[i] ?? [], values)).toBeLessThan(tolerance);
  });

  it('dilates, which tfjs has no gradient for', async () => {
    const layer = conv2d({ filters: 4, kernelSize: 3, dilationRate: 2 });
    const dilated = await runLayer(layer, [1, 8, 8, 2]);
    // The same products by a filter of 5×5 with zeros between the taps.
    const wide = conv2d({ filters: 4, kernelSize: 5 });
    wide.build([1, 8, 8, 2]);
    const [filter, bias] = layer.getWeights() as [tf.Tensor4D, tf.Tensor1D];
    const spread = tf.buffer<tf.Rank.R4>([5, 5, 2, 4]);
    const taps = filter.arraySync();
    taps.forEach((row, p) => {
      row.forEach((tap, q) => {
        tap.forEach((channel, c) => {
          channel.forEach((weight, o) => {
            spread.set(weight, 2 * p, 2 * q, c, o);
          });
        });
      });
    });
    wide.setWeights([spread.toTensor(), bias]);
    const expected = await runLayer(wide, [1, 8, 8, 2]);
    expect(relativeError(dilated.y, expected.y)).toBeLessThan(tolerance);
    expect(relativeError(dilated.dx, expected.dx)).toBeLessThan(tolerance);
  });

  async function runLayer(layer: ReturnType<typeof conv2d>, shape: Quad) {
    await tf.setBackend('wasm');
    if (!layer.built) layer.build(shape);
    const fused = fuse(layer);
    if (fused === undefined) throw new Error('not fused');
    const x = tf.tensor(
      Float32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, (_, i) => Math.cos(i)),
      shape,
    );
    const dx = tf.grad((input: tf.Tensor) => tf.sum(tf.square(fused(input))))(x);
    return { y: fused(x).dataSync<'float32'>(), dx: dx.dataSync<'float32'>() };
  }

  it.each([
    ['no bias', () => dense({ units: 3, useBias: false }), [2, 4]],
    ['channels first', () => conv2d({ filters: 2, kernelSize: 1, dataFormat: 'channelsFirst' }), [1, 2, 3, 3]],
    ['layers of another kind', () => layers.layers.maxPooling2d({}), [1, 4, 4, 1]],
  ] as const)('leave %s to tfjs', async (_, make, shape) => {
    const layer = make();
    layer.build([...shape]);
    expect(fuse(layer)).toBeUndefined();
  });
});
