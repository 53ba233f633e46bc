/** docs/reliability.md says what is explored; `crash-points.test.ts` compares the numbers that only running them tells. */
import { expect, it } from 'vitest';
import { docsFigures } from './docs-figures.ts';
import { invariants } from './invariants.ts';
import { manySchedules } from './schedule.ts';

it('the documentation names each invariant, and how many schedules are drawn', () => {
  const { invariants: named, schedules, runs, states } = docsFigures();
  expect(named).toEqual(Object.keys(invariants));
  expect(schedules).toBe(manySchedules);
  expect([runs, states].every(Number.isFinite)).toBe(true);
});
