import { expect, it } from 'vitest';
import { meanOf, medianOf, sumOf, sumOfSquares } from '../../../../src/shared/core/sums.ts';

it.each([
  [[], 0, 0, 0],
  [[7], 7, 7, 7],
  [[9, 1], 10, 5, 5],
  [[10, 9, 2], 21, 7, 9],
  // As text 10 would come before 2.
  [[10, 2, 9, 3], 24, 6, 6],
  [[5, -1, 100, 2, 4], 110, 22, 4],
])('of %j the sum is %d, the mean %d and the median %d', (values, sum, mean, median) => {
  expect([sumOf(values), meanOf(values), medianOf(values)]).toEqual([sum, mean, median]);
});

it('leaves what it takes the median of in its order', () => {
  const values = [3, 1, 2];
  medianOf(values);
  expect(values).toEqual([3, 1, 2]);
});

it('adds squares up in double precision', () => {
  expect(sumOfSquares(new Float32Array(0))).toBe(0);
  expect(sumOfSquares(Float32Array.of(3, -4, 12))).toBe(169);
  // In float32 the 1 would be lost.
  expect(sumOfSquares(Float32Array.of(8192, 1, 8192))).toBe(2 ** 27 + 1);
});
