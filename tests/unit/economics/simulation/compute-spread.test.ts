import { expect, test } from 'vitest';
import { drawComputeSeconds, spreadOfSum } from '../../../../src/economics/simulation/compute-spread.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import { meanOf, sumOf } from '../../../../src/shared/core/sums.ts';

test('without a spread all take the mean', () => {
  expect(drawComputeSeconds(0.25, 0, 3, createRandom(1))).toEqual([0.25, 0.25, 0.25]);
});

test('times have the mean, and their logarithms the spread and no skew', () => {
  const drawn = drawComputeSeconds(0.2, 0.5, 100_000, createRandom(7));
  const logs = drawn.map(Math.log);
  const centre = meanOf(logs);
  const deviation = Math.sqrt(meanOf(logs.map((log) => (log - centre) ** 2)));
  expect(meanOf(drawn)).toBeCloseTo(0.2, 2);
  expect(deviation).toBeCloseTo(0.5, 2);
  expect(meanOf(logs.map((log) => ((log - centre) / deviation) ** 3))).toBeCloseTo(0, 1);
  // In a normal distribution, 2.5 % are more than 1.96 deviations above the mean.
  expect(logs.filter((log) => log > centre + 1.96 * deviation).length / logs.length).toBeCloseTo(0.025, 2);
});

test('the same seed draws the same times', () => {
  const draw = (seed: number) => drawComputeSeconds(1, 0.1, 5, createRandom(seed));
  expect(draw(3)).toEqual(draw(3));
  expect(draw(3)).not.toEqual(draw(4));
  expect(new Set(draw(3)).size).toBe(5);
});

test.each([
  [0.15, 16],
  [0.5, 4],
])('the sum of times with a spread of %f, %i of them, spreads as drawn sums do', (spread, count) => {
  const random = createRandom(11);
  const sums = Array.from({ length: 20_000 }, () => sumOf(drawComputeSeconds(1 / count, spread, count, random)));
  const deviation = Math.sqrt(meanOf(sums.map((sum) => (sum - 1) ** 2)));
  // Of a log-normal distribution around 1.
  expect(Math.sqrt(Math.expm1(spreadOfSum(spread, count) ** 2)) / deviation).toBeCloseTo(1, 1);
  expect(meanOf(sums)).toBeCloseTo(1, 2);
});

test('one time alone spreads as it does', () => {
  expect(spreadOfSum(0.15, 1)).toBeCloseTo(0.15, 12);
  expect(spreadOfSum(0, 16)).toBe(0);
});
