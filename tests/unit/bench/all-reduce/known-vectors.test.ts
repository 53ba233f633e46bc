import { describe, expect, it } from 'vitest';
import { createKnownVectors, period } from '../../../../src/bench/all-reduce/known-vectors.ts';

/** What each of three ranks hands in, and a plain sum of it in an order of ranks. */
function summed(
  floats: number,
  reduction: number,
  order: readonly number[],
  numerics: 'rank-order' | 'deterministic' = 'rank-order',
): Float32Array {
  const known = createKnownVectors(order.length, numerics);
  const parts = order.map((rank) => {
    const vector = new Float32Array(floats);
    known.fill(vector, rank, reduction);
    return vector;
  });
  const sum = new Float32Array(floats);
  for (const part of parts) for (let i = 0; i < floats; i++) sum[i] = (sum[i] ?? 0) + (part[i] ?? 0);
  return sum;
}

describe.each([1, 1000, 2 * period + 17])('vectors of %i floats', (floats) => {
  it('are known to be right when they are summed in rank order', () => {
    for (const reduction of [0, 1, 7]) {
      expect(createKnownVectors(3, 'rank-order').countWrong(summed(floats, reduction, [0, 1, 2]), reduction)).toBe(0);
    }
  });

  it('are wrong, each of them, where the sum is of another reduction, of too few ranks, or shifted', () => {
    const { countWrong } = createKnownVectors(3, 'rank-order');
    // A few floats may be equal by chance.
    const nearlyAll = floats * 0.99;
    expect(countWrong(summed(floats, 6, [0, 1, 2]), 7)).toBeGreaterThanOrEqual(nearlyAll);
    expect(countWrong(summed(floats, 7, [0, 1]), 7)).toBeGreaterThanOrEqual(nearlyAll);
    const shifted = summed(floats + 1, 7, [0, 1, 2]).subarray(1);
    expect(countWrong(shifted, 7)).toBeGreaterThanOrEqual(nearlyAll);
  });
});

describe('single floats', () => {
  it('are counted, NaN too, in every period', () => {
    const sum = summed(period + 10, 3, [0, 1, 2]);
    for (const at of [0, period - 1, period + 9]) sum[at] = Number.NaN;
    sum[period] = (sum[period] ?? 0) * (1 + 2 ** -23);
    expect(createKnownVectors(3, 'rank-order').countWrong(sum, 3)).toBe(4);
  });

  it('that are added in another order differ in their last bits, but where any order is right', () => {
    const coarse = createKnownVectors(16, 'deterministic');
    const backwards = Array.from({ length: 16 }, (_, place) => 15 - place);
    expect(coarse.countWrong(summed(period, 3, backwards, 'deterministic'), 3)).toBe(0);
    // They are still as good as random.
    expect(coarse.countWrong(summed(period, 2, backwards, 'deterministic'), 3)).toBeGreaterThan(0.99 * period);
    expect(createKnownVectors(3, 'rank-order').countWrong(summed(1000, 3, [2, 1, 0]), 3)).toBeGreaterThan(100);
  });
});
