import { expect, it } from 'vitest';
import { findDivergence, largestLoss } from '../../../../src/coordinator/training/divergence.ts';

const after = (testLoss: number, outerLr?: number) => findDivergence({ testLoss, epoch: 1 }, 938, { lr: 0.5, outerLr });

it.each([0, 0.03, Math.log(256), 300, largestLoss])('a test loss of %f is no reason to end a run', (testLoss) => {
  expect(after(testLoss)).toBeUndefined();
});

it.each([
  [largestLoss * 1.001, '1.0e+4'],
  [8e30, '8.0e+30'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
  [Number.NaN, 'NaN'],
])('a test loss of %f is, and the reason names the step and the way on', (testLoss, shown) => {
  expect(after(testLoss)).toBe(
    `training has diverged: the test loss is ${shown} after step 938, in epoch 2, and guessing would give 6 at most; ` +
      'start a new run with a --lr below 0.5',
  );
});

it('may be the fault of an outer update that goes beyond the mean', () => {
  expect(after(1e5, 2)).toMatch(/start a new run with a --lr below 0\.5, or an --outer-lr below 2$/);
  expect(after(1e5, 1)).toMatch(/--lr below 0\.5$/);
});
