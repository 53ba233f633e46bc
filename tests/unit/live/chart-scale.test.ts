import { describe, expect, test } from 'vitest';
import { logarithmicScale, position, ratioScale, scaleFromZero, ticks } from '../../../src/live-page/chart-scale.ts';

const linear = (from: number, to: number) => ({ from, to, logarithmic: false });

describe('ticks', () => {
  test.each([
    [0, 1, [0, 0.5, 1]],
    [0, 3, [0, 1, 2, 3]],
    [0.9, 1, [0.9, 0.95, 1]],
    [0, 938, [0, 500]],
    [0, 40_000, [0, 10_000, 20_000, 30_000, 40_000]],
  ])('from %d to %d are round', (from, to, expected) => {
    expect(ticks(linear(from, to), 4)).toEqual(expected);
  });

  test('of a narrow logarithmic scale are 1, 2 and 5; of a wide one powers of ten', () => {
    expect(ticks({ from: 0.1, to: 2, logarithmic: true }, 4)).toEqual([0.1, 0.2, 0.5, 1, 2]);
    expect(ticks({ from: 0.001, to: 5, logarithmic: true }, 4)).toEqual([0.001, 0.01, 0.1, 1]);
    expect(ticks({ from: 1e-9, to: 1, logarithmic: true }, 4)).toEqual([1e-9, 1e-7, 1e-5, 0.001, 0.1]);
  });
});

describe('scales', () => {
  test('of losses end at round values around them, and bear what no logarithm has', () => {
    expect(logarithmicScale([2.3, 0.07])).toEqual({ from: 0.05, to: 5, logarithmic: true });
    expect(logarithmicScale([1, 0.1])).toEqual({ from: 0.1, to: 1, logarithmic: true });
    expect(logarithmicScale([0.5])).toEqual({ from: 0.5, to: 5, logarithmic: true });
    const spoiled = logarithmicScale([0, Number.NaN, Number.POSITIVE_INFINITY, 0.3]);
    expect(spoiled).toEqual({ from: 0.2, to: 0.5, logarithmic: true });
    expect(logarithmicScale([])).toMatchObject({ from: 0.1, to: 1 });
  });

  test('of speeds begin at 0', () => {
    expect(scaleFromZero([5_730])).toEqual(linear(0, 6_000));
    expect(scaleFromZero([])).toEqual(linear(0, 1));
  });

  test('of accuracies end at 1 and begin below nine tenths of them', () => {
    expect(ratioScale([0.1, ...Array.from({ length: 19 }, () => 0.93)])).toEqual(linear(0.92, 1));
    expect(ratioScale([0.1])).toEqual(linear(0, 1));
    expect(ratioScale([])).toEqual(linear(0, 1));
    expect(ratioScale([0.999, 1])).toEqual(linear(0.98, 1));
  });
});

test('values lie where they should', () => {
  expect(position(linear(10, 20), 15)).toBe(0.5);
  expect(position({ from: 0.01, to: 100, logarithmic: true }, 1)).toBeCloseTo(0.5, 12);
  expect(position({ from: 0.01, to: 100, logarithmic: true }, 0)).toBe(Number.NEGATIVE_INFINITY);
});
