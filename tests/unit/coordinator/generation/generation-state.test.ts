import { describe, expect, it } from 'vitest';
import {
  acceptVote,
  assignStep,
  beginGenerationState,
  commitStep,
  findAttempt,
  type GenerationState,
  noteContribution,
  openRequest,
  takeUsage,
  type Vote,
} from '../../../../src/coordinator/generation/generation-state.ts';
import { protocolVersion } from '../../../../src/shared/protocol/limits.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';

const terms = {
  nonFinite: undefined,
  missingBuckets: 0,
  isCompared: false,
  mayKnowNorm: false,
  mayBeNonFinite: false,
};

/** Generation 3 of two ranks, begun at second 100, with these steps assigned in this order. */
function assigned(steps: readonly number[], attempt = 0): GenerationState {
  return steps.reduce(
    (state, step) => assignStep(state, { generation: 3, step, attempt }, [8, 8], true, 101),
    beginGenerationState(3, [undefined, undefined], 100),
  );
}

function voteFor(step: number): Vote {
  return {
    v: protocolVersion,
    run: 'run',
    type: 'vote',
    generation: 3,
    step,
    attempt: 0,
    samples: 8,
    lossSum: 16,
    correct: 2,
    usage: nothingUsed,
  };
}

function afterVote(state: GenerationState, rank: number, step: number): GenerationState {
  const accepted = acceptVote(state, rank, voteFor(step), terms, 102);
  if ('refusal' in accepted) throw new Error(accepted.refusal.reason);
  return accepted.state;
}

const activities = ({ members }: GenerationState) => members.map(({ activity }) => activity);

it('a generation begins with members that do nothing and have used nothing', () => {
  const state = beginGenerationState(3, [undefined, undefined], 100);
  const idle = {
    activity: 'idle',
    since: 100,
    usage: nothingUsed,
    usageAt: 100,
    told: nothingUsed,
    applied: undefined,
  };
  expect(state).toEqual({
    number: 3,
    members: [idle, idle],
    attempts: [],
    assignedSteps: 0,
    isAborted: false,
    requests: new Map(),
    requestCount: 0,
  });
  expect(takeUsage(state)).toEqual({ state, told: [] });
});

describe('a message about an attempt', () => {
  const state = commitStep(assigned([6, 7], 2), 6, 102);

  it.each([
    [
      { generation: 3, step: 7, attempt: 2 },
      { current: { step: 7, attempt: 2, shares: [8, 8], votes: [undefined, undefined] } },
    ],
    [
      { generation: 3, step: 7, attempt: 1 },
      { refusal: { kind: 'stale', reason: 'a vote for attempt 1 of step 8, which is at 2' } },
    ],
    [
      { generation: 2, step: 7, attempt: 2 },
      { refusal: { kind: 'stale', reason: 'a vote for generation 2, this is 3' } },
    ],
    [
      { generation: 3, step: 6, attempt: 2 },
      { refusal: { kind: 'stale', reason: 'a vote for step 7, which is not under way' } },
    ],
  ])('that is under way is found, and one that is over is stale: %o', (attempt, found) => {
    expect(findAttempt(state, attempt, 'a vote')).toEqual(found);
  });

  it.each([
    [{ generation: 3, step: 7, attempt: 3 }, 'it is for attempt 3 of step 8, which is at 2'],
    [{ generation: 4, step: 7, attempt: 2 }, 'it is for generation 4, this is 3'],
    [{ generation: 3, step: 8, attempt: 2 }, 'it is for step 9, which is not under way'],
  ])('is wrong before the attempt has begun: %o', (attempt, problem) => {
    expect(findAttempt(state, attempt, 'a vote')).toEqual({
      refusal: { kind: 'wrong', reason: `it sent a vote: ${problem}`, code: 'run-failed' },
    });
  });
});

describe('what a rank does', () => {
  it('is communicating from its first contribution, if it was computing', () => {
    const contributed = noteContribution(assigned([0]), 1);
    expect(activities(contributed)).toEqual(['compute', 'communicate']);
    const { state } = openRequest(assigned([]), 'evaluated', [0, 1], 'evaluate', 101);
    expect(noteContribution(state, 0)).toBe(state);
  });

  it.each(['computing', 'communicating'])('is waiting after a vote, when it was %s', (before) => {
    const state = before === 'computing' ? assigned([0]) : noteContribution(assigned([0]), 1);
    expect(activities(afterVote(state, 1, 0))).toEqual(['compute', 'wait']);
  });

  it('stays what it was after a vote for a step ahead of the one to be committed, in whatever order they were assigned', () => {
    for (const steps of [
      [0, 1],
      [1, 0],
    ]) {
      const ahead = afterVote(assigned(steps), 0, 1);
      expect(activities(ahead)).toEqual(['compute', 'compute']);
      expect(activities(afterVote(ahead, 0, 0))).toEqual(['wait', 'compute']);
    }
  });

  it('stays an evaluation after a vote that comes while it evaluates', () => {
    const { state } = openRequest(assigned([0]), 'evaluated', [0], 'evaluate', 101);
    expect(activities(afterVote(state, 0, 0))).toEqual(['evaluate', 'compute']);
  });
});

it('a vote without the checksum that all must send is wrong', () => {
  const accepted = acceptVote(assigned([50]), 0, voteFor(50), { ...terms, isCompared: true }, 102);
  expect(accepted).toEqual({
    refusal: {
      kind: 'wrong',
      reason: 'it sent a wrong vote for step 51: parametersChecksum must be there, got none',
      code: 'run-failed',
    },
  });
});
