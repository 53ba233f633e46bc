import { expect, it } from 'vitest';
import { isStepSkipped } from '../../../../src/shared/collectives/collective.ts';

const partWith = (areFinite: boolean) => ({ from: 0, to: 8, lossSum: 1, correct: 2, areFinite });

it('skips a step as soon as one rank has something that is not finite', () => {
  expect(isStepSkipped([partWith(true), partWith(false), partWith(true)])).toBe(true);
  expect(isStepSkipped([partWith(true), partWith(true)])).toBe(false);
  // Only the coordinator knows the parts, and it does not let such a step be applied.
  expect(isStepSkipped([])).toBe(false);
});
