import { describe, expect, it } from 'vitest';
import type { StepPart } from '../../../src/shared/collectives/collective.ts';
import { maxReportedSteps } from '../../../src/shared/protocol/limits.ts';
import { beginReplica, noteRestored, noteStep } from '../../../src/worker/replica.ts';

const workers = ['w0', 'w1'];
const attemptAt = (step: number, generation = 2) => ({ generation, step, attempt: 0 });
const partsOf = (step: number, areFinite = true): readonly StepPart[] => [
  { from: 8 * step, to: 8 * step + 3, lossSum: 1.5, correct: 1, areFinite },
  { from: 8 * step + 3, to: 8 * step + 8, lossSum: 2, correct: 4, areFinite: true },
];

describe('what a worker knows of its replica', () => {
  it('is nothing at first', () => {
    expect(beginReplica()).toEqual({ applied: undefined, trained: undefined });
  });

  it('is what all ranks came to in each step, since the generation began', () => {
    const replica = beginReplica();
    noteStep(replica, attemptAt(0, 1), ['w0'], partsOf(0).slice(0, 1));
    noteStep(replica, attemptAt(1), workers, partsOf(1));
    noteStep(replica, attemptAt(2), workers, partsOf(2, false));
    expect(replica).toEqual({
      applied: { step: 3, generation: 2 },
      trained: {
        since: { step: 1, generation: 1 },
        generation: 2,
        workers,
        steps: [
          { bounds: [8, 11, 16], lossSum: 3.5, correct: 5 },
          { bounds: [16, 19, 24], lossSum: 0, correct: 0, skipped: true },
        ],
      },
    });
  });

  it('begins with the state as it was made', () => {
    const replica = beginReplica();
    noteStep(replica, attemptAt(0), workers, partsOf(0));
    expect(replica.trained?.since).toEqual({ step: 0, generation: 0 });
  });

  it('is of the last steps only, and says what the state before them was', () => {
    const replica = beginReplica();
    noteRestored(replica, { step: 5, generation: 1 });
    for (let step = 5; step < 5 + maxReportedSteps; step++) noteStep(replica, attemptAt(step), workers, partsOf(step));
    expect(replica.trained?.since).toEqual({ step: 5, generation: 1 });
    noteStep(replica, attemptAt(5 + maxReportedSteps), workers, partsOf(5 + maxReportedSteps));
    expect(replica.trained?.since).toEqual({ step: 6, generation: 2 });
    expect(replica.trained?.steps).toHaveLength(maxReportedSteps);
    expect(replica.trained?.steps[0]?.bounds[0]).toBe(48);
  });

  it('ends where it takes over a state, or where only the coordinator knows what the others came to', () => {
    const replica = beginReplica();
    noteStep(replica, attemptAt(0), workers, partsOf(0));
    noteRestored(replica, { step: 7, generation: 1 });
    expect(replica).toEqual({ applied: { step: 7, generation: 1 }, trained: undefined });
    noteStep(replica, attemptAt(7), workers, partsOf(7));
    noteStep(replica, attemptAt(8, 3), workers, undefined);
    expect(replica).toEqual({ applied: { step: 9, generation: 3 }, trained: undefined });
  });
});
