/** The simulation beside what was measured. `tests/unit/docs/foretold-steps.test.ts` holds the documentation to it. */
import { describe, expect, test } from 'vitest';
import { measuredProcessor } from '../../../../src/economics/simulation/measured-costs.ts';
import { gradientBuckets } from '../../../../src/shared/collectives/buckets.ts';
import { lengthsOf } from '../../../../src/shared/collectives/cost-model.ts';
import { fittedCosts, measured, reductionError, stepError, steps } from '../../../support/measured-exchanges.ts';

const benched = measured.reductions.filter(({ set }) => set !== 'prototype');

test('messages cost what fits the bench of the star', () => {
  const { star } = fittedCosts();
  expect(measuredProcessor.secondsPerMessage / star.secondsPerMessage).toBeCloseTo(1, 1);
  expect(measuredProcessor.secondsPerByte / star.secondsPerByte).toBeCloseTo(1, 1);
});

describe('what is foretold is off by less than 15 %', () => {
  test.each(benched)('for the $algorithm of $floats floats', (point) => {
    expect(Math.abs(reductionError(point))).toBeLessThan(0.15);
  });

  test.each(steps.others)('for a step of $workers workers: $set, $what, $bitsPerSecond', (point) => {
    expect(Math.abs(stepError(point))).toBeLessThan(0.15);
  });

  test('but not where streams share a link unevenly for several buckets: steps are longer there', () => {
    expect(steps.uneven).toHaveLength(3);
    for (const point of steps.uneven) {
      expect(stepError(point)).toBeLessThan(-0.15);
      expect(stepError(point)).toBeGreaterThan(-0.2);
    }
  });

  test('nor for the star in an hour in which the machine was slower than when its costs were measured', () => {
    expect(steps.busy.map((point) => Math.abs(stepError(point)) < 0.15)).toEqual([false, true]);
  });
});

test('the buckets of the steps are those of the models', () => {
  const sizes: Readonly<Record<string, readonly number[]>> = {
    mlp: [100_352, 128, 1280, 10],
    'mlp, 100 × 100 pixels': [1_280_000, 128, 1280, 10],
  };
  const cnn = [288, 32, 18_432, 64, 36_864, 64, 36_864, 64, 640, 10];
  expect(measured.steps.map(({ buckets }) => buckets.join())).toEqual(
    measured.steps.map(({ what }) => lengthsOf(gradientBuckets(sizes[what] ?? cnn)).join()),
  );
});
