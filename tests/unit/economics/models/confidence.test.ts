import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Estimate,
  isBelow,
  meanEstimate,
  ratioEstimate,
  ratioOfEstimates,
  spreadEstimate,
} from '../../../../src/economics/models/confidence.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

const values = (minLength: number) => fc.array(logUniform(1e-3, 1e6), { minLength, maxLength: 8 });

describe('meanEstimate', () => {
  test('of logarithms 0, 1, 2 is e, within t(2) = 4.303 standard errors of 1/√3', () => {
    const { value, interval } = meanEstimate([1, Math.E, Math.E ** 2]);
    expect(value).toBeCloseTo(Math.E, 12);
    expect(interval?.[0]).toBeCloseTo(Math.exp(1 - 4.303 / Math.sqrt(3)), 12);
    expect(interval?.[1]).toBeCloseTo(Math.exp(1 + 4.303 / Math.sqrt(3)), 12);
  });

  test('of one value has no interval', () => {
    expect(meanEstimate([5])).toEqual({ value: expect.closeTo(5, 12), interval: undefined });
  });
});

test.each([
  [1, 12.706],
  [2, 4.303],
  [9, 2.262],
  [29, 2.045],
  [30, 2.042],
  // Between the rows of a table the one above holds.
  [39, 2.042],
  [40, 2.021],
  [59, 2.021],
  [60, 2.0],
  [119, 2.0],
  [120, 1.98],
  [500, 1.98],
])('with %d degrees of freedom the interval reaches %d standard errors to both sides', (degrees, t) => {
  const logs = Array.from({ length: degrees + 1 }, (_, index) => index % 7);
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / degrees;
  const [low, high] = meanEstimate(logs.map(Math.exp)).interval ?? [0, 0];
  expect(Math.log(high / low) / 2 / Math.sqrt(variance / logs.length)).toBeCloseTo(t, 9);
});

describe('ratioEstimate', () => {
  test("agrees with Welch's test worked by hand: means 2 and 1, variances 1 and 4, three repeats of each", () => {
    const exp = (logs: readonly number[]) => logs.map(Math.exp);
    const { value, interval } = ratioEstimate(exp([1, 2, 3]), exp([-1, 1, 3]));
    expect(value).toBeCloseTo(Math.E, 12);
    // s² = 1/3 + 4/3; degrees (5/3)² / ((1/3)²/2 + (4/3)²/2) = 2.94, for which t(2) stands.
    const halfWidth = 4.303 * Math.sqrt(5 / 3);
    expect(interval?.[1]).toBeCloseTo(Math.exp(1 + halfWidth), 9);
  });

  test('contains its value, scales with the scale, and needs two of each for an interval', () => {
    fc.assert(
      fc.property(values(2), values(2), (a, b) => {
        const { value, interval } = ratioEstimate(a, b);
        expect(interval).toBeDefined();
        const [low, high] = interval ?? [Number.NaN, Number.NaN];
        expect(low <= value * (1 + 1e-9) && value <= high * (1 + 1e-9)).toBe(true);
        expect(ratioEstimate(a, b, 0.5).value / value).toBeCloseTo(0.5, 9);
      }),
    );
    expect(ratioEstimate([1, 2], [3]).interval).toBeUndefined();
    expect(ratioEstimate([3], [1, 2]).interval).toBeUndefined();
    expect(ratioEstimate([3], [4]).interval).toBeUndefined();
    expect(ratioEstimate([2, 2], [4, 4]).interval).toEqual([expect.closeTo(0.5, 12), expect.closeTo(0.5, 12)]);
  });

  test('covers the true ratio in about 95 of 100 experiments of five noisy repeats', () => {
    const random = createRandom(7);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
    const draw = (mean: number, spread: number) => Array.from({ length: 5 }, () => mean * Math.exp(spread * normal()));
    let covered = 0;
    for (let experiment = 0; experiment < 2000; experiment++) {
      const [low, high] = ratioEstimate(draw(3, 0.05), draw(2, 0.15)).interval ?? [0, 0];
      if (low <= 1.5 && 1.5 <= high) covered += 1;
    }
    // Rounding the degrees of freedom down makes it cover a little more often than it says.
    expect(covered / 2000).toBeGreaterThan(0.935);
    expect(covered / 2000).toBeLessThan(0.985);
  });
});

describe('ratioOfEstimates', () => {
  test('adds the distances of the ends in quadrature on logarithms, each end by itself', () => {
    const a: Estimate = { value: 6, interval: [6 / Math.exp(0.3), 6 * Math.exp(0.4)] };
    const b: Estimate = { value: 2, interval: [2 / Math.exp(0.3), 2 * Math.exp(1.2)] };
    const { value, interval } = ratioOfEstimates(a, b);
    expect(value).toBe(3);
    expect(Math.log((interval?.[0] ?? 0) / 3)).toBeCloseTo(-Math.hypot(0.3, 1.2), 12);
    expect(Math.log((interval?.[1] ?? 0) / 3)).toBeCloseTo(0.5, 12);
  });

  test('has no interval unless both have', () => {
    const known: Estimate = { value: 6, interval: [5, 7] };
    const unknown: Estimate = { value: 3, interval: undefined };
    expect(ratioOfEstimates(known, unknown)).toEqual({ value: 2, interval: undefined });
    expect(ratioOfEstimates(unknown, known)).toEqual({ value: 0.5, interval: undefined });
  });
});

test('an estimate is below a limit if its interval is; without one, if its value is', () => {
  expect(isBelow({ value: 1, interval: [0.5, 2] }, 2)).toBe(false);
  expect(isBelow({ value: 1, interval: [0.5, 2] }, 2.1)).toBe(true);
  expect(isBelow({ value: 1, interval: undefined }, 1)).toBe(false);
  expect(isBelow({ value: 1, interval: undefined }, 1.1)).toBe(true);
});

test('a spread has no interval without a degree of freedom', () => {
  expect(spreadEstimate(2, 0.1, 0)).toEqual({ value: 2, interval: undefined });
  expect(spreadEstimate(2, 0.1, 1).interval?.[1]).toBeCloseTo(2 * Math.exp(1.2706), 9);
});
