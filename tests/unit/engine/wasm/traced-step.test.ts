/** Traced steps of stacks of layers that the zoo does not have, against the same in double precision. */
import * as layers from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseFlavour, simdFlavours, type UsableFlavour } from '../../../../src/engine/wasm/kernel-module.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import type { Layer } from '../../../../src/shared/model/zoo.ts';
import { relativeError } from '../../../support/compare-vectors.ts';
import { rounds } from '../../../support/thoroughness.ts';
import { exactStep, type StepCase, tracedStep } from '../../../support/traced-model.ts';

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

/** Changes every number a little. */
function disturbance(seed: number): (exact: Float64Array) => Float64Array {
  const random = createRandom(seed);
  return (exact) => exact.map((value) => value * (1 + 1e-6 * (2 * random.float() - 1)));
}

function largestDifference(a: ArrayLike<number>, b: Float64Array): number {
  return b.reduce((most, value, i) => Math.max(most, Math.abs((a[i] ?? Number.NaN) - value)), 0);
}

/**
 * Expects of every tensor of the step that single precision is as near to the exact result as that is to the results of
 * slightly other numbers, and a few roundings of the result itself. A tolerance relative to the result alone would be
 * wrong: terms that cancel, as in a network with one output, leave any relative error.
 */
async function check(step: StepCase): Promise<void> {
  const compute = await exactStep(step);
  const tensorsOf = ({ outputs, gradients }: ReturnType<typeof compute>) => [outputs, ...gradients];
  const exact = tensorsOf(compute());
  const disturbed = [1, 2, 3, 4].map((seed) => tensorsOf(compute(disturbance(seed))));
  const tolerances = exact.map((tensor, i) => {
    const moved = Math.max(...disturbed.map((tensors) => largestDifference(tensors[i] ?? [], tensor)));
    const largest = largestDifference(new Float64Array(tensor.length), tensor);
    return 8 * moved + 2 ** -22 * largest;
  });
  for (const flavour of flavours) {
    const { outputs, gradients } = await tracedStep(flavour, step);
    expect(gradients.length).toBe(exact.slice(1).reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const [i, tensor] of exact.entries()) {
      const actual = i === 0 ? outputs : gradients.subarray(offset, offset + tensor.length);
      offset += i === 0 ? 0 : tensor.length;
      const place = `tensor ${i} of the step with ${flavour.device}`;
      expect(largestDifference(actual, tensor), place).toBeLessThanOrEqual(tolerances[i] ?? 0);
    }
  }
}

const flavours = simdFlavours.map((name) => chooseFlavour(name) as UsableFlavour);

describe('traced steps', () => {
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
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    for (const flavour of flavours) {
      const { outputs, gradients } = await tracedStep(flavour, step);
      const loss = dot(step.values(outputs.length), outputs);
      expect(relativeError([dot(step.values(gradients.length), gradients)], [loss])).toBeLessThan(1e-5);
    }
  });

  it('agree for any stack of layers', async () => {
    await fc.assert(
      fc.asyncProperty(anyStack, fc.integer({ min: 1, max: 5 }), fc.nat(), ({ imageShape, make }, batch, seed) =>
        check(stepCase(imageShape, batch, seed, make)),
      ),
      { numRuns: rounds(6, 100) },
    );
  });

  it('name the operation that they do not have', async () => {
    const inputShape = [4, 4, 1];
    const step = stepCase(inputShape, 2, 3, () => [
      flatten({ inputShape }),
      batchNormalization(),
      dense({ units: 2, activation: 'relu' }),
    ]);
    for (const flavour of flavours) {
      await expect(tracedStep(flavour, step)).rejects.toThrow(/^\w+: it cannot be traced$/);
    }
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
