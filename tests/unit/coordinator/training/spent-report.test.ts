/** What members have spent on steps that are told of together. */
import { expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { createSpentReport, mergeSpent } from '../../../../src/coordinator/training/spent-report.ts';
import { spentBy } from './scripted-generation.ts';

function report() {
  const told: RunEvent[] = [];
  return { told, ...createSpentReport((event) => told.push(event)) };
}

it('is the sum over two spans, member by member, at the end of the second', () => {
  const seconds = { load: 1, compute: 2, communicate: 3, wait: 4, apply: 5, evaluate: 6, idle: 7 };
  const merged = mergeSpent(
    [{ workerId: 'a', at: 10, seconds, bytes: { sent: 1, received: 2 } }, spentBy(1)],
    [{ workerId: 'a', at: 12, seconds, bytes: { sent: 10, received: 20 } }, spentBy(2)],
  );
  const doubled = { load: 2, compute: 4, communicate: 6, wait: 8, apply: 10, evaluate: 12, idle: 14 };
  expect(merged).toEqual([
    { workerId: 'a', at: 12, seconds: doubled, bytes: { sent: 11, received: 22 } },
    spentBy(1),
    spentBy(2),
  ]);
});

it('is told once', () => {
  const { told, add, tell } = report();
  tell();
  add([spentBy(0, 2)], false);
  expect(told).toEqual([]);
  tell();
  tell();
  expect(told).toEqual([{ type: 'spent', members: [spentBy(0, 2)], redone: false }]);
});

it('is told where nobody has reported anything: the run got something done all the same', () => {
  const { told, add, tell } = report();
  add([], false);
  tell();
  expect(told).toEqual([{ type: 'spent', members: [], redone: false }]);
});

it('keeps apart what came to nothing', () => {
  const { told, add, tell } = report();
  for (const [compute, redone] of [
    [1, false],
    [2, true],
    [3, true],
    [4, false],
  ] as const) {
    add([spentBy(0, compute)], redone);
  }
  tell();
  const figures = told.map((event) =>
    event.type === 'spent' ? [event.members[0]?.seconds.compute, event.redone] : event,
  );
  expect(figures).toEqual([
    [1, false],
    [5, true],
    [4, false],
  ]);
});
