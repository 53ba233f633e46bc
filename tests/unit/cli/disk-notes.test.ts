import { expect, it } from 'vitest';
import { noteDisk } from '../../../src/cli/disk-notes.ts';
import type { RunEvent } from '../../../src/coordinator/run-events.ts';

function warningsOf(...events: readonly RunEvent[]): readonly string[] {
  const warnings: string[] = [];
  const observe = noteDisk({ warn: (line) => warnings.push(line) });
  for (const event of events) observe(event);
  return warnings;
}

const saved = (step: number): RunEvent => ({ type: 'checkpoint-saved', step, seconds: 1, unixMs: 0 });
const failed = (step: number): RunEvent => ({ type: 'checkpoint-failed', step, reason: 'cannot write x: ENOSPC' });
const resumedAfter = (step: number): RunEvent => ({ type: 'resumed', step, samples: step, epoch: undefined });

it('checkpoints that cannot be written are told once, with the last good one, and so is the first that can', () => {
  expect(warningsOf(saved(10), failed(20), failed(30), saved(40), saved(50), failed(60))).toEqual([
    'no checkpoint at step 20: cannot write x: ENOSPC; training goes on, the last good one is step-10, and the next is tried',
    'checkpoints are written again: step-40',
    'no checkpoint at step 60: cannot write x: ENOSPC; training goes on, the last good one is step-50, and the next is tried',
  ]);
});

it.each([
  ['none was written before', []],
  ['none was written before', [resumedAfter(0)]],
  ['the last good one is step-7', [resumedAfter(7)]],
])('that %s is said', (last, before) => {
  expect(warningsOf(...before, failed(20))[0]).toContain(`training goes on, ${last}, and`);
});

it('lines that wait are told, and that they are written, with what was too much to keep', () => {
  const waiting: RunEvent = { type: 'lines-waiting', reason: 'cannot write x: ENOSPC' };
  expect(
    warningsOf(waiting, { type: 'lines-written', lostBytes: 0 }, waiting, { type: 'lines-written', lostBytes: 12 }),
  ).toEqual([
    'cannot write x: ENOSPC; training goes on, and the lines of the run wait in memory',
    'the files of the run are written again',
    'cannot write x: ENOSPC; training goes on, and the lines of the run wait in memory',
    'the files of the run are written again, without 12 bytes of lines that were too many to wait',
  ]);
});
