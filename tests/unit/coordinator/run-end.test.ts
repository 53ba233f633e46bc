import { describe, expect, test } from 'vitest';
import { endOfFailure, endOfTraining, endWithoutCheckpoint } from '../../../src/coordinator/run-end.ts';
import { FailureWithCheckpoint } from '../../../src/coordinator/training/salvage.ts';
import type { TrainEnd } from '../../../src/coordinator/training/train.ts';
import { exitCodeOf, PennygradError } from '../../../src/shared/core/errors.ts';

const replicas = { identical: true, difference: 0 };
const endOf = (end: TrainEnd) => endOfTraining({ end, steps: 7, replicas });

describe('the end of a run whose training returned', () => {
  test('is complete without a reason when everything was trained', () => {
    expect(endOf({ kind: 'completed' })).toEqual({ status: 'completed', replicas, error: undefined });
  });

  test('is complete at the target accuracy, and says so', () => {
    const reason = '--target-accuracy 0.9 is reached after epoch 1';
    expect(endOf({ kind: 'target', reason })).toEqual({ status: 'completed', reason, replicas, error: undefined });
  });

  test.each([
    [{ kind: 'interrupted' } as const, 'interrupted after step 7; the checkpoint has it', 130],
    [{ kind: 'budget', reason: '--budget-usd 5 is reached' } as const, '--budget-usd 5 is reached after step 7; ', 5],
  ])('is an interruption that can be resumed: %o', (end, reason, exitCode) => {
    const { status, error, ...rest } = endOf(end);
    expect(status).toBe('interrupted');
    expect(rest.replicas).toBe(replicas);
    expect(rest.reason).toContain(reason);
    expect(error?.message).toBe(rest.reason);
    expect(exitCodeOf(error)).toBe(exitCode);
  });
});

describe('the end of a run whose training threw', () => {
  test.each([
    ['quorum-lost', 'failed', 4],
    ['run-failed', 'failed', 3],
    ['diverged', 'failed', 3],
    ['interrupted', 'interrupted', 130],
    ['budget-reached', 'interrupted', 5],
  ] as const)('by %s is %s', (code, status, exitCode) => {
    const failure = new PennygradError(code, 'why');
    expect(endOfFailure(failure)).toEqual({ status, reason: 'why', error: failure });
    expect(exitCodeOf(failure)).toBe(exitCode);
  });

  test('by something unforeseen is a failure that keeps its cause', () => {
    const failure = new TypeError('x is undefined');
    const { status, reason, error } = endOfFailure(failure);
    expect({ status, reason }).toEqual({ status: 'failed', reason: 'unexpected: x is undefined' });
    expect(error).toMatchObject({ code: 'run-failed', cause: failure });
  });
});

describe('the end of a run whose last checkpoint is not on the disk', () => {
  const failure = new PennygradError('run-failed', 'cannot write step-7: ENOSPC');

  test.each([
    ['was complete', endOf({ kind: 'completed' }), 'cannot write step-7: ENOSPC', 3],
    [
      'could have been resumed',
      endOf({ kind: 'interrupted' }),
      'cannot write step-7: ENOSPC; before that: interrupted after step 7',
      3,
    ],
    [
      'has what it trained in that checkpoint',
      endOfFailure(
        new FailureWithCheckpoint(new PennygradError('quorum-lost', 'w1 left'), 'the checkpoint has step 7'),
      ),
      'cannot write step-7: ENOSPC; before that: w1 left',
      4,
    ],
    [
      'had lost its workers',
      endOfFailure(new PennygradError('quorum-lost', 'w1 left')),
      'cannot write step-7: ENOSPC; before that: w1 left',
      4,
    ],
  ])('is a failure that says so first, though it %s', (_, end, reason, exitCode) => {
    const { error, ...rest } = endWithoutCheckpoint(end, failure);
    expect(rest).toMatchObject({ status: 'failed', reason });
    expect(rest.replicas).toBe(end.replicas);
    expect([error?.message, exitCodeOf(error)]).toEqual([reason, exitCode]);
  });
});
