/** Captured steps of stacks of layers that the zoo does not have, against tfjs's `cpu` backend. */
import * as layers from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseFlavour, simdFlavours, type UsableFlavour } from '../../../../src/engine/wasm/kernel-module.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import type { Layer } from '../../../../src/shared/model/zoo.ts';
import { relativeError } from '../../../support/compare-vectors.ts';
import { plainStep, type StepCase, tracedStep } from '../../../support/traced-model.ts';

const { conv2d, dense, flatten, maxPooling2d, averagePooling2d, activation, reshape, batchNormalization } =
  layers.layers;
type Activation = 'linear' | 'relu' | 'tanh' | 'sigmoid' | 'elu' | 'swish';
const activations: readonly Activation[] = ['linear', 'relu', 'tanh', 'sigmoid', 'elu', 'swish'];

function stepCase(imageShape: readonly number[], batch: number, seed: number, make: () => Layer[]): StepCase {
  const random = createRandom(seed);
  const size = imageShape.reduce((product, n) => product * n, 1);
  const images = Uint8Array.from({ length: batch * size }, () => Math.floor(random.float() * 256));
  const values = (length: number) => {
    const numbers = createRandom(seed + length);
    // Small, so that no activation is so saturated that its slope is all rounding.
    return Float32Array.from({ length }, () => 0.3 * (numbers.float() - 0.5));
  };
  return { layers: make, imageShape, images, batch, values };
}

describe.each(simdFlavours)('captured steps with %s', (flavour) => {
  const usable = chooseFlavour(flavour) as UsableFlavour;

  async function check(step: StepCase): Promise<void> {
    const [actual, expected] = [await tracedStep(usable, step), await plainStep(step)];
    expect(relativeError(actual.outputs, expected.outputs)).toBeLessThan(1e-5);
    expect(relativeError(actual.gradients, expected.gradients)).toBeLessThan(1e-5);
  }

  it.each(activations)('have the activation %s', async (name) => {
    const inputShape = [10, 9, 2];
    await check(
      stepCase(inputShape, 3, 1, () => [
        conv2d({ inputShape, filters: 8, kernelSize: 3, activation: name, biasInitializer: 'zeros' }),
        conv2d({ filters: 16, kernelSize: 3, activation: name }),
        flatten(),
        dense({ units: 7, activation: name }),
      ]),
    );
  });

  it('pool by averages, and reshape', async () => {
    const inputShape = [7, 7, 3];
    await check(
      stepCase(inputShape, 2, 2, () => [
        averagePooling2d({ inputShape, poolSize: 3, strides: 2 }),
        reshape({ targetShape: [3, 3, 3] }),
        conv2d({ filters: 5, kernelSize: [1, 3], strides: [1, 2] }),
        activation({ activation: 'tanh' }),
        flatten(),
        dense({ units: 3 }),
      ]),
    );
  });

  it('spread the gradient of an average at the edge over what it is the average of', async () => {
    // tfjs's own gradient divides by the whole window there. Outputs are linear in the parameters here, so parameters ·
    // gradient is the loss itself.
    const inputShape = [5, 7, 1];
    const step = stepCase(inputShape, 2, 4, () => [
      conv2d({ inputShape, filters: 3, kernelSize: 2 }),
      averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
      flatten(),
    ]);
    const { outputs, gradients } = await tracedStep(usable, step);
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    const loss = dot(step.values(outputs.length), outputs);
    expect(relativeError([dot(step.values(gradients.length), gradients)], [loss])).toBeLessThan(1e-5);
  });

  it('agree for any stack of layers', async () => {
    await fc.assert(
      fc.asyncProperty(anyStack, fc.integer({ min: 1, max: 5 }), fc.nat(), ({ imageShape, make }, batch, seed) =>
        check(stepCase(imageShape, batch, seed, make)),
      ),
      { numRuns: 25 },
    );
  });

  it('name the operation that they do not have', async () => {
    const inputShape = [4, 4, 1];
    const step = stepCase(inputShape, 2, 3, () => [
      flatten({ inputShape }),
      batchNormalization(),
      dense({ units: 2, activation: 'relu' }),
    ]);
    await expect(tracedStep(usable, step)).rejects.toThrow(/^\w+: captured steps do not have it$/);
  });
});

const anyConvolution = fc.record({
  filters: fc.constantFrom(1, 3, 8, 16),
  kernelSize: fc.constantFrom(1, 2, 3),
  strides: fc.constantFrom(1, 2),
  padding: fc.constant('same' as const),
  // Smooth ones only: at the kink of a rectifier two right answers may differ by a whole gradient.
  activation: fc.constantFrom<Activation>('linear', 'tanh', 'sigmoid', 'swish'),
});

/** Up to three convolutions with or without pooling, then up to two dense layers. */
const anyStack = fc
  .record({
    height: fc.integer({ min: 6, max: 13 }),
    width: fc.integer({ min: 6, max: 13 }),
    channels: fc.constantFrom(1, 2, 8),
    blocks: fc.array(fc.record({ convolution: anyConvolution, pool: fc.constantFrom('none', 'average') }), {
      maxLength: 3,
    }),
    units: fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1, maxLength: 2 }),
  })
  .map(({ height, width, channels, blocks, units }) => {
    const imageShape = [height, width, channels];
    const make = (): Layer[] => [
      reshape({ inputShape: imageShape, targetShape: imageShape }),
      ...blocks.flatMap(({ convolution, pool }, i) => [
        conv2d({ ...convolution, ...(i > 0 && { strides: 1 }) }),
        ...(pool === 'average' && i === 0 ? [averagePooling2d({ poolSize: 2 })] : []),
        conv2d({ ...convolution, padding: 'same', strides: 1 }),
      ]),
      ...(blocks.length === 0 ? [maxPooling2d({ poolSize: 2 })] : []),
      flatten(),
      ...units.map((count, i) => dense({ units: count, activation: i === 0 ? 'linear' : 'sigmoid' })),
    ];
    const text = JSON.stringify({ imageShape, blocks, units });
    return { imageShape, make, [fc.toStringMethod]: () => text };
  });
