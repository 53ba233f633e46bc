import { expect, it } from 'vitest';
import { assignUntil } from '../../../../src/coordinator/training/assign-until.ts';

const ahead = { step: 10, assigned: 10, runsAhead: true, stepSeconds: 0.0125 };

it('assigns one step ahead where the coordinator commits each, and before it is known how long one takes', () => {
  expect(assignUntil({ ...ahead, runsAhead: false })).toBe(12);
  expect(assignUntil({ ...ahead, stepSeconds: undefined })).toBe(12);
});

it.each([
  [0.25, 2],
  [1, 2],
  [0.05, 5],
  [0.0125, 20],
  [0.001, 32],
  [0, 32],
])('assigns what ranks do in 250 ms, at least 2 steps and at most 32: of %f s, %i', (stepSeconds, steps) => {
  expect(assignUntil({ ...ahead, stepSeconds })).toBe(10 + steps);
});

it('assigns again when no more than half is left', () => {
  expect(assignUntil({ ...ahead, assigned: 21 })).toBe(21);
  expect(assignUntil({ ...ahead, assigned: 20 })).toBe(30);
});
