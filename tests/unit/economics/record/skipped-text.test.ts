import { expect, it } from 'vitest';
import { describeSkipped } from '../../../../src/economics/record/skipped-text.ts';
import { summarize } from '../../../../src/economics/record/summarize.ts';
import { runRecord } from '../../../support/run-records.ts';

it.each([
  [1876, 1, ['1 of 1,876 steps was skipped as not finite; its samples changed nothing']],
  [1876, 3, ['3 of 1,876 steps were skipped as not finite; their samples changed nothing']],
  [1876, 0, []],
  [1876, undefined, []],
])('of %d steps %s that were skipped are told', (steps, skippedSteps, lines) => {
  expect(describeSkipped(summarize(runRecord({ steps, skippedSteps })))).toEqual(lines);
});
