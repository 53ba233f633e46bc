import { expect, it } from 'vitest';
import { addPhases, noPhaseSeconds, nothingSpent, spentBetween } from '../../../../src/shared/core/phases.ts';

// Powers of two, so that no sum of some of them is another.
const ones = { load: 1, compute: 2, communicate: 4, wait: 8, apply: 16 };
const tens = { load: 10, compute: 20, communicate: 40, wait: 80, apply: 160 };

it('adds phase by phase, or takes off', () => {
  expect(addPhases(tens, ones)).toEqual({ load: 11, compute: 22, communicate: 44, wait: 88, apply: 176 });
  expect(addPhases(tens, ones, -1)).toEqual({ load: 9, compute: 18, communicate: 36, wait: 72, apply: 144 });
  expect(addPhases(noPhaseSeconds, ones)).toEqual(ones);
});

it('finds what was spent between two readings of the same counters', () => {
  const before = { ...ones, evaluate: 32, idle: 64 };
  const after = { ...tens, evaluate: 320, idle: 640 };
  expect(spentBetween(before, after)).toEqual({ ...addPhases(tens, ones, -1), evaluate: 288, idle: 576 });
  expect(spentBetween(nothingSpent, after)).toEqual(after);
});
