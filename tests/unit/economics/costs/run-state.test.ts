import { expect, test } from 'vitest';
import { decideRunState, type RunEvidence } from '../../../../src/economics/costs/run-state.ts';
import { parseSince } from '../../../../src/economics/costs/since.ts';

const ended: RunEvidence = { lock: 'none', summary: 'completed', lastCause: 'end' };

test.each([
  ['completed', {}],
  ['failed', { summary: 'failed' }],
  // It failed before a worker was ready.
  ['failed', { summary: 'failed', lastCause: undefined }],
  ['running', { lock: 'held', summary: undefined, lastCause: 'interim' }],
  // Resumed: the summary is that of the sitting before.
  ['running', { lock: 'held', summary: 'interrupted', lastCause: 'end' }],
  ['killed', { lock: 'left', summary: undefined, lastCause: 'interim' }],
  ['killed', { lock: 'left', summary: 'interrupted' }],
  ['killed', { summary: undefined, lastCause: 'interim' }],
  // Killed between its last accounts and its summary.
  ['killed', { summary: undefined }],
  // Killed after it was resumed, and its lock was removed since.
  ['killed', { summary: 'interrupted', lastCause: 'checkpoint' }],
] as const)('a run is %s by %j', (state, evidence) => {
  expect(decideRunState({ ...ended, ...evidence })).toBe(state);
});

const now = Date.UTC(2026, 10, 29, 12);

test.each([
  ['2026-11-01', '2026-11-01T00:00:00.000Z'],
  ['90m', '2026-11-29T10:30:00.000Z'],
  ['24h', '2026-11-28T12:00:00.000Z'],
  ['7d', '2026-11-22T12:00:00.000Z'],
  ['0.5d', '2026-11-29T00:00:00.000Z'],
  ['4w', '2026-11-01T12:00:00.000Z'],
  ['1.125h', '2026-11-29T10:52:30.000Z'],
])('since %s is since %s', (text, moment) => {
  expect(new Date(parseSince(text, now) ?? 0).toISOString()).toBe(moment);
});

test.each(['', 'monday', '2026-02-30', '7', 'd', '-7d', '7 d', '7days', '1.1234h', '7y', '1e3d', '2026-11-01T00:00'])(
  'since %j is refused',
  (text) => {
    expect(parseSince(text, now)).toBeUndefined();
  },
);
