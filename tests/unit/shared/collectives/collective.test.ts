import { describe, expect, it } from 'vitest';
import { isSameAttempt, isStepSkipped, keyOf } from '../../../../src/shared/collectives/collective.ts';

const partWith = (areFinite: boolean) => ({ from: 0, to: 8, lossSum: 1, correct: 2, areFinite });

it('skips a step as soon as one rank has something that is not finite', () => {
  expect(isStepSkipped([partWith(true), partWith(false), partWith(true)])).toBe(true);
  expect(isStepSkipped([partWith(true), partWith(true)])).toBe(false);
  // Only the coordinator knows the parts, and it does not let such a step be applied.
  expect(isStepSkipped([])).toBe(false);
});

describe('an attempt', () => {
  const attempt = { generation: 1, step: 11, attempt: 2 };
  const others = [
    { ...attempt, generation: 2 },
    { ...attempt, step: 1 },
    { ...attempt, attempt: 1 },
    // The same digits, one after another.
    { generation: 11, step: 1, attempt: 2 },
    { generation: 1, step: 1, attempt: 12 },
  ];

  it('is the same only if generation, step and number are', () => {
    expect(isSameAttempt(attempt, { ...attempt })).toBe(true);
    for (const other of others) expect(isSameAttempt(attempt, other)).toBe(false);
  });

  it('has a key of its own in maps', () => {
    expect(keyOf({ ...attempt })).toBe(keyOf(attempt));
    expect(new Set([attempt, ...others].map(keyOf)).size).toBe(1 + others.length);
  });
});
