import { describe, expect, it } from 'vitest';
import type { RecordedRun } from '../../../../src/coordinator/run-events.ts';
import { findUnrecorded, type StepReport } from '../../../../src/coordinator/training/catch-up.ts';

const usage = {
  seconds: { compute: 0, communicate: 0, wait: 0, load: 0, apply: 0, evaluate: 0, idle: 0 },
  bytes: { sent: 0, received: 0 },
};

const report = (step: number, generation: number): StepReport => ({
  step,
  generation,
  samples: 8,
  lossSum: 4,
  correct: 3,
});

/** The record has one step for each of `generations`, which committed it. */
function find(generations: readonly number[], reports: readonly StepReport[]) {
  const asked: (readonly [number, boolean])[] = [];
  const { step = 0, generation = 0 } = reports.at(-1) ?? {};
  const found = findUnrecorded([{ workerId: 'a', kept: { applied: { step, generation }, usage, reports } }], {
    savedStep: 0,
    recordAt(at, isFollowed) {
      asked.push([at, isFollowed]);
      if (at > generations.length) return undefined;
      return { step: at, generation: generations[at - 1] ?? 0 } as RecordedRun;
    },
    batchOf: (at) => ({ from: 8 * at, to: 8 * at + 8 }),
  });
  return { steps: found?.steps.map((one) => one.step), from: found?.record.step, asked };
}

describe('steps that a worker has and no coordinator has on record', () => {
  it('follow the last one on record, of which it is said that a step follows it', () => {
    const { steps, from, asked } = find([1, 1], [report(2, 1), report(3, 1), report(4, 1)]);
    expect([steps, from]).toEqual([[3, 4], 2]);
    expect(asked).toEqual([
      [4, false],
      [3, true],
      [2, true],
    ]);
  });

  it('follow a step of an earlier generation that the worker has reported', () => {
    expect(find([1, 1], [report(2, 1), report(3, 2)]).steps).toEqual([3]);
  });

  it('do not follow a step that others have trained since', () => {
    expect(find([1, 2], [report(2, 1), report(3, 1)]).steps).toBeUndefined();
    expect(find([1, 2], [report(3, 3)]).steps).toBeUndefined();
  });
});
