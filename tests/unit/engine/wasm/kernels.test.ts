import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ConvolutionShape, chooseFlavour, simdFlavours } from '../../../../src/engine/wasm/kernel-module.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import { relativeError } from '../../../support/compare-vectors.ts';
import { guardIsIntact, type KernelMemory, openKernelMemory } from '../../../support/kernel-memory.ts';
import {
  type ConvolutionCase,
  convolutionGradients,
  convolutionSizes,
  convolve,
  maxPool,
  outSize,
  type PoolCase,
} from '../../../support/reference-layers.ts';
import { rounds, thorough } from '../../../support/thoroughness.ts';

describe.each(simdFlavours)('kernels with %s', (flavour) => {
  let memory: KernelMemory;

  beforeAll(async () => {
    expect(chooseFlavour(flavour)).toMatchObject({ usable: true });
    memory = await openKernelMemory(flavour);
  });

  describe('convolution', () => {
    it.each(namedConvolutions)('agrees with the definition: %s', (_, shape) => checkConvolution(shape, 1));

    it('agrees with the definition for any shape', () => {
      fc.assert(fc.property(anyConvolution, fc.nat(), checkConvolution), { numRuns: rounds(20, 100) });
    });

    function checkConvolution(shape: ConvolutionCase, seed: number): void {
      memory.clear();
      const random = createRandom(seed);
      const values = (length: number) => Float32Array.from({ length }, () => 2 * random.float() - 1);
      const sizes = convolutionSizes(shape);
      const [x, filter, bias, dy] = [
        values(sizes.x),
        values(sizes.filter),
        values(shape.outChannels),
        values(sizes.out),
      ];
      const at = { x: memory.put(x), filter: memory.put(filter), bias: memory.put(bias), dy: memory.put(dy) };
      const args: ConvolutionShape = [
        ...([shape.batch, shape.height, shape.width, shape.inChannels, ...shape.filter, shape.outChannels] as const),
        ...([sizes.outHeight, sizes.outWidth, ...shape.strides, ...shape.dilations] as const),
      ];
      const { kernels } = memory;
      const out = memory.room(sizes.out);
      const scratchBytes = Math.max(
        kernels.conv2dForwardScratchBytes(...args),
        kernels.conv2dBackpropInputScratchBytes(...args),
        kernels.conv2dBackpropFilterScratchBytes(...args),
      );
      const scratch = memory.room(scratchBytes / 4);
      const dx = memory.room(sizes.x);
      const dFilter = memory.room(sizes.filter);
      const dBias = memory.room(shape.outChannels);

      for (const relu of [false, true]) {
        kernels.conv2dForward(at.x, at.filter, at.bias, out, scratch, ...args, relu ? 1 : 0);
        const expected = convolve(shape, x, filter, bias, relu);
        const outBounds = convolve(shape, absolute(x), absolute(filter), absolute(bias), false);
        expectRounded(memory.read(out, sizes.out), expected, outBounds, sizes.filter);

        // The mask is of the kernel's own outputs: rounding may put one that is zero on the other side.
        const activation = relu ? memory.read(out, sizes.out).slice() : undefined;
        const gradients = convolutionGradients(shape, x, filter, dy, activation);
        const gradientBounds = convolutionGradients(shape, absolute(x), absolute(filter), absolute(dy), activation);
        const mask = relu ? out : 0;
        kernels.conv2dBackpropInput(at.dy, mask, at.filter, dx, scratch, ...args);
        expectRounded(memory.read(dx, sizes.x), gradients.x, gradientBounds.x, sizes.filter);
        kernels.conv2dBackpropFilter(at.x, at.dy, mask, dFilter, dBias, scratch, ...args);
        expectRounded(memory.read(dFilter, sizes.filter), gradients.filter, gradientBounds.filter, sizes.out);
        expectRounded(memory.read(dBias, shape.outChannels), gradients.bias, gradientBounds.bias, sizes.out);
      }

      kernels.conv2dForward(at.x, at.filter, 0, out, scratch, ...args, 0);
      const noBias = new Float32Array(shape.outChannels);
      const expected = convolve(shape, x, filter, noBias, false);
      const bounds = convolve(shape, absolute(x), absolute(filter), noBias, false);
      expectRounded(memory.read(out, sizes.out), expected, bounds, sizes.filter);

      for (const [address, floats] of [
        ...([
          [out, sizes.out],
          [dx, sizes.x],
          [dFilter, sizes.filter],
          [dBias, shape.outChannels],
        ] as const),
        [scratch, scratchBytes / 4] as const,
      ]) {
        expect(guardIsIntact(memory, address, floats)).toBe(true);
      }
    }
  });

  describe('max pooling', () => {
    it.each(namedPools)('agrees with the definition: %s', (_, shape) => checkPool(shape, 1));

    it('agrees with the definition for any window', () => {
      fc.assert(fc.property(anyPool, fc.nat(), checkPool), { numRuns: rounds(50, 200) });
    });

    function checkPool(shape: PoolCase, seed: number): void {
      memory.clear();
      const random = createRandom(seed);
      const sizes = {
        x: shape.batch * shape.height * shape.width * shape.channels,
        out: shape.batch * shape.out[0] * shape.out[1] * shape.channels,
      };
      // Few different values, so that windows have ties.
      const x = Float32Array.from({ length: sizes.x }, () => random.integer(4) - 2);
      const dy = Float32Array.from({ length: sizes.out }, () => random.integer(7) - 3);
      const out = memory.room(sizes.out);
      const dx = memory.room(sizes.x);
      const args = [
        ...([shape.batch, shape.height, shape.width, shape.channels, ...shape.window, ...shape.out] as const),
        ...([...shape.strides, ...shape.padding] as const),
      ] as const;
      const expected = maxPool(shape, x);
      const expectedGradient = new Float32Array(sizes.x);
      expected.from.forEach((from, i) => {
        expectedGradient[from] = (expectedGradient[from] ?? 0) + (dy[i] ?? 0);
      });

      const at = memory.put(x);
      memory.kernels.maxPoolForward(at, out, ...args);
      memory.kernels.maxPoolBackprop(at, memory.put(dy), dx, ...args);
      expect(Array.from(memory.read(out, sizes.out))).toEqual(expected.out);
      expect(relativeError(memory.read(dx, sizes.x), expectedGradient)).toBe(0);
      expect(guardIsIntact(memory, out, sizes.out)).toBe(true);
      expect(guardIsIntact(memory, dx, sizes.x)).toBe(true);
    }
  });

  it('pads images with zeros, and crops them again', () => {
    memory.clear();
    const x = Float32Array.from({ length: 2 * 3 * 2 * 3 }, (_, i) => i + 1);
    const [padded, cropped] = [memory.room(2 * 6 * 4 * 3), memory.room(x.length)];
    const args = [2, 3, 2, 3, 6, 4, 1, 2] as const;
    memory.kernels.padImages(memory.put(x), padded, ...args);
    const expected = Array.from({ length: 2 * 6 * 4 * 3 }, (_, i) => {
      const [channel, column, row, image] = [i % 3, Math.floor(i / 3) % 4, Math.floor(i / 12) % 6, Math.floor(i / 72)];
      const inside = row >= 1 && row < 4 && column >= 2;
      return inside ? ((image * 3 + row - 1) * 2 + column - 2) * 3 + channel + 1 : 0;
    });
    expect(Array.from(memory.read(padded, expected.length))).toEqual(expected);
    memory.kernels.cropImages(padded, cropped, ...args);
    expect(Array.from(memory.read(cropped, x.length))).toEqual(Array.from(x));
  });

  it('scales every byte to the float nearest to its 255th part', () => {
    memory.clear();
    const bytes = Uint8Array.from({ length: 259 }, (_, i) => i % 256);
    const out = memory.room(bytes.length);
    memory.kernels.scalePixels(memory.putBytes(bytes), out, bytes.length);
    expect(Array.from(memory.read(out, bytes.length))).toEqual(Array.from(bytes, (byte) => Math.fround(byte / 255)));
    expect(guardIsIntact(memory, out, bytes.length)).toBe(true);
  });

  it("takes Adam's steps", () => {
    const [beta1, beta2, learningRate, epsilon, samples] = [0.9, 0.999, 0.01, 1e-7, 3] as const;
    const random = createRandom(2);
    const length = 11;
    const normal = () => 2 * random.float() - 1;
    const reference = Array.from({ length }, () => ({ w: Math.fround(normal()), m: 0, v: 0 }));
    let parameters = Float32Array.from(reference, ({ w }) => w);
    let moments = [new Float32Array(length), new Float32Array(length)] as const;
    for (let step = 1; step <= 20; step++) {
      const sum = Float32Array.from({ length }, normal);
      const [correction1, correction2] = [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)];
      reference.forEach((state, i) => {
        const g = (sum[i] ?? 0) / samples;
        state.m = beta1 * state.m + (1 - beta1) * g;
        state.v = beta2 * state.v + (1 - beta2) * g * g;
        state.w -= (learningRate * state.m * correction1) / (Math.sqrt(state.v * correction2) + epsilon);
      });
      memory.clear();
      const [w, g, m, v] = [memory.put(parameters), memory.put(sum), memory.put(moments[0]), memory.put(moments[1])];
      const out = memory.room(length);
      memory.kernels.adamUpdate(
        ...([w, g, m, v, out, length, samples, beta1, 1 - beta1, beta2, 1 - beta2] as const),
        ...([correction1, correction2, learningRate, epsilon] as const),
      );
      expect(Array.from(memory.read(w, length))).toEqual(Array.from(parameters));
      expect(guardIsIntact(memory, out, length)).toBe(true);
      parameters = memory.read(out, length).slice();
      moments = [memory.read(m, length).slice(), memory.read(v, length).slice()];
      expect(
        relativeError(
          parameters,
          reference.map(({ w: expected }) => expected),
        ),
      ).toBeLessThan(1e-6);
      expect(
        relativeError(
          moments[0],
          reference.map(({ m: expected }) => expected),
        ),
      ).toBeLessThan(1e-6);
      expect(
        relativeError(
          moments[1],
          reference.map(({ v: expected }) => expected),
        ),
      ).toBeLessThan(1e-6);
    }
  });

  it('keeps no moments so small that processors are slow with them, but what is no number', () => {
    const least = 2 ** -100;
    const firsts = [0, 1e-40, -1e-40, least / 2, -least / 2, least, -least, Number.NaN, -2, -1e-40, 1e-44];
    const kept = [0, 0, 0, 0, 0, least, -least, Number.NaN, -2, 0, 0];
    const { length } = firsts;
    memory.clear();
    const moments = [firsts, firsts.map(Math.abs)].map((values) => memory.put(Float32Array.from(values)));
    const [m = 0, v = 0] = moments;
    const [w, g, out] = [
      memory.put(new Float32Array(length)),
      memory.put(new Float32Array(length)),
      memory.room(length),
    ];
    memory.kernels.adamUpdate(w, g, m, v, out, length, 1, 1, 0, 1, 0, 1, 1, 0.01, 1e-7);
    expect([...memory.read(m, length)]).toEqual(kept);
    expect([...memory.read(v, length)]).toEqual(kept.map(Math.abs));
  });

  it('takes steps down the gradient', () => {
    memory.clear();
    const [w, g] = [Float32Array.of(1, 2, 3, 4, 5, 6, 7), Float32Array.of(8, -8, 4, 0, 2, -4, 16)];
    const out = memory.room(7);
    memory.kernels.sgdUpdate(memory.put(w), memory.put(g), out, 7, 4, 0.5);
    expect(Array.from(memory.read(out, 7))).toEqual([0, 3, 2.5, 4, 4.75, 6.5, 5]);
    expect(guardIsIntact(memory, out, 7)).toBe(true);
  });
});

function absolute(values: Float32Array): Float32Array {
  return values.map(Math.abs);
}

/**
 * Sums of at most `terms` products in single precision are off by at most `terms · 2⁻²⁴` of the sum of the products'
 * magnitudes, in whatever order they are added (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).
 */
function expectRounded(actual: Float32Array, expected: Float64Array, magnitudes: Float64Array, terms: number): void {
  const limit = (terms + 2) * 2 ** -24;
  const wrong = Array.from(expected.keys()).filter((i) => {
    const error = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? 0));
    return !(error <= limit * (magnitudes[i] ?? 0));
  });
  expect(wrong.map((i) => [i, actual[i], expected[i]])).toEqual([]);
}

describe('the reference convolution', () => {
  it('has the gradients that central differences give', () => {
    const shape: ConvolutionCase = {
      batch: 2,
      height: 5,
      width: 6,
      inChannels: 2,
      filter: [2, 3],
      outChannels: 3,
      strides: [2, 1],
      dilations: [1, 2],
    };
    const random = createRandom(4);
    const values = (length: number) => Float64Array.from({ length }, () => 2 * random.float() - 1);
    const sizes = convolutionSizes(shape);
    const inputs = { x: values(sizes.x), filter: values(sizes.filter), bias: values(3) };
    const dy = values(sizes.out);
    const loss = () =>
      convolve(shape, inputs.x, inputs.filter, inputs.bias, true).reduce((sum, y, i) => sum + y * (dy[i] ?? 0), 0);
    const activation = convolve(shape, inputs.x, inputs.filter, inputs.bias, true);
    const gradients = convolutionGradients(shape, inputs.x, inputs.filter, dy, activation);
    for (const name of ['x', 'filter', 'bias'] as const) {
      const differences = inputs[name].map((value, i) => {
        const step = 1e-6;
        inputs[name][i] = value + step;
        const above = loss();
        inputs[name][i] = value - step;
        const below = loss();
        inputs[name][i] = value;
        return (above - below) / (2 * step);
      });
      expect(relativeError(gradients[name], differences)).toBeLessThan(1e-7);
    }
  });
});

const ones = [1, 1] as const;

const namedConvolutions: [string, ConvolutionCase][] = (
  [
    // A second for the definition. `npm run check` has the CNN's gradients in tests/unit/engine/plain-tfjs.test.ts.
    ...(thorough
      ? ([
          ['the first of the CNN', 2, 28, 28, 1, [3, 3], 32, ones, ones],
          ['the second of the CNN', 2, 13, 13, 32, [3, 3], 64, ones, ones],
        ] as const)
      : []),
    ['many small images', 70, 5, 5, 8, [3, 3], 12, ones, ones],
    ['a dense layer', 1, 1, 33, 20, ones, 10, ones, ones],
    ['a single product', 1, 1, 1, 1, ones, 1, ones, ones],
    ['strides and dilation', 2, 11, 12, 4, [3, 2], 9, [2, 3], [2, 3]],
    ['channels not in fours', 2, 9, 7, 3, [2, 3], 5, [1, 2], [2, 1]],
  ] as const
).map(([name, batch, height, width, inChannels, filter, outChannels, strides, dilations]) => [
  name,
  { batch, height, width, inChannels, filter, outChannels, strides, dilations },
]);

const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

const anyConvolution: fc.Arbitrary<ConvolutionCase> = fc
  .record({
    batch: fc.integer({ min: 1, max: 4 }),
    inChannels: fc.integer({ min: 1, max: 13 }),
    filter: pair(1, 3),
    outChannels: fc.integer({ min: 1, max: 19 }),
    strides: pair(1, 3),
    dilations: pair(1, 2),
    extra: pair(0, 5),
  })
  .map(({ extra, ...shape }) => ({
    ...shape,
    height: (shape.filter[0] - 1) * shape.dilations[0] + 1 + extra[0],
    width: (shape.filter[1] - 1) * shape.dilations[1] + 1 + extra[1],
  }));

function pool(
  [batch, height, width, channels]: readonly [number, number, number, number],
  window: readonly [number, number],
  strides: readonly [number, number],
  padding: readonly [number, number] = [0, 0],
  /** Rows and columns of padding on both sides together. */
  paddings: readonly [number, number] = padding,
): PoolCase {
  const out = [
    outSize(height + paddings[0], window[0], strides[0]),
    outSize(width + paddings[1], window[1], strides[1]),
  ] as const;
  return { batch, height, width, channels, window, strides, padding, out };
}

const namedPools: [string, PoolCase][] = [
  ['the first of the CNN', pool([2, 26, 26, 32], [2, 2], [2, 2])],
  ['a row and a column left over', pool([2, 11, 11, 64], [2, 2], [2, 2])],
  ['channels not in fours', pool([2, 8, 6, 7], [2, 2], [2, 2])],
  ['windows that overlap', pool([1, 6, 7, 8], [3, 3], [1, 2])],
  ['windows of four that overlap', pool([1, 5, 5, 4], [2, 2], [1, 1])],
  ['gaps between windows', pool([1, 9, 9, 5], [2, 2], [3, 3])],
  ['padding', pool([2, 5, 5, 6], [3, 3], [2, 2], [1, 1], [2, 2])],
];

const anyPool: fc.Arbitrary<PoolCase> = fc
  .record({
    size: fc.tuple(...[3, 8, 8, 9].map((max) => fc.integer({ min: 1, max }))),
    window: pair(1, 3),
    strides: pair(1, 3),
    padding: pair(0, 2),
    after: pair(0, 2),
  })
  .map(({ size, window, strides, padding, after }) => {
    // Less padding than window, so that no window is all outside.
    const inside = (amount: number, axis: 0 | 1) => Math.min(amount, window[axis] - 1);
    const before = [inside(padding[0], 0), inside(padding[1], 1)] as const;
    const total = [before[0] + inside(after[0], 0), before[1] + inside(after[1], 1)] as const;
    const [batch, height, width, channels] = size as [number, number, number, number];
    const large = [batch, Math.max(height, window[0]), Math.max(width, window[1]), channels] as const;
    return pool(large, window, strides, before, total);
  });
