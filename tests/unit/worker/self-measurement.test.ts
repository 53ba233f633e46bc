import { expect, it } from 'vitest';
import { measureSpeed } from '../../../src/worker/self-measurement.ts';

/** An engine that takes so many milliseconds for a batch, by its size; the first time a second longer. */
function measure(millisecondsFor: (size: number) => number, trainCount = 1000) {
  let [now, calls] = [100, 0];
  const sizes: number[] = [];
  const engine = {
    parameterCount: 1,
    async computeGradients(indices: Uint32Array) {
      sizes.push(indices.length);
      now += millisecondsFor(indices.length) / 1000 + (calls++ === 0 ? 1 : 0);
      return { lossSum: 0, correct: 0 };
    },
  };
  return measureSpeed(engine, trainCount, { now: () => now }).then((speed) => ({ speed, sizes }));
}

it('measures a fast engine with ever larger batches, after what it does only once', async () => {
  const { speed, sizes } = await measure((size) => size / 10);
  expect(sizes).toEqual([1, 1, 2, 4, 8, 16, 32, 64]);
  expect(speed).toBeCloseTo(10_000);
});

it('measures a slow one with two samples, since each takes long', async () => {
  const { speed, sizes } = await measure((size) => 500 * size);
  expect(sizes).toEqual([1, 1]);
  expect(speed).toBeCloseTo(2);
});

it('stops as soon as a batch takes long enough', async () => {
  expect((await measure((size) => 10 * size)).sizes).toEqual([1, 1, 2, 4]);
});

it('takes no more samples than there are', async () => {
  expect((await measure((size) => size / 10, 5)).sizes).toEqual([1, 1, 2, 4, 5]);
});

it('says nothing where the clock saw no time pass but at first', async () => {
  expect((await measure(() => 0, 1)).speed).toBeUndefined();
});
