import { expect, test } from 'vitest';
import { drawComputeSeconds } from '../../../../src/economics/simulation/compute-spread.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import { meanOf } from '../../../../src/shared/core/sums.ts';

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
