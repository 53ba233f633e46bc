/** How a run ended, from how its training did. Pure. */
import type { RunStatus } from '../economics/record/run-record.ts';
import { PennygradError } from '../shared/core/errors.ts';
import type { ReplicaComparison } from './training/replicas.ts';
import { FailureWithCheckpoint } from './training/salvage.ts';
import type { TrainOutcome } from './training/train.ts';

export interface RunEnd {
  readonly status: RunStatus;
  /** In words; undefined for a run that did all that it was asked for. */
  readonly reason?: string;
  readonly replicas?: ReplicaComparison | undefined;
  /** What ended the run early, which decides the exit code. */
  readonly error: PennygradError | undefined;
}

/** Training returned: the replicas were compared at the last checkpoint, which has every step. */
export function endOfTraining({ end, steps, replicas }: TrainOutcome): RunEnd {
  switch (end.kind) {
    case 'completed':
      return { status: 'completed', replicas, error: undefined };
    case 'target':
      return { status: 'completed', reason: end.reason, replicas, error: undefined };
    case 'interrupted':
      return endedEarly(interrupted(`interrupted after step ${steps}`), replicas);
    case 'budget':
      return endedEarly(new PennygradError('budget-reached', `${end.reason} after step ${steps}`), replicas);
    default:
      return end satisfies never;
  }
}

/** Training threw. */
export function endOfFailure(failure: Error): RunEnd {
  const error =
    failure instanceof PennygradError
      ? failure
      : new PennygradError('run-failed', `unexpected: ${failure.message}`, { cause: failure });
  const isInterruption = error.code === 'interrupted' || error.code === 'budget-reached';
  return { status: isInterruption ? 'interrupted' : 'failed', reason: error.message, error };
}

/**
 * What was trained last is not on the disk, whatever else the end says. A run that had failed before keeps its failure.
 * @param failure why the newest checkpoint could not be written
 */
export function endWithoutCheckpoint(end: RunEnd, failure: PennygradError): RunEnd {
  const code = end.status === 'failed' && end.error !== undefined ? end.error.code : 'run-failed';
  const before = end.error instanceof FailureWithCheckpoint ? end.error.failure.message : end.reason;
  const reason = before === undefined ? failure.message : `${failure.message}; before that: ${before}`;
  return { ...end, status: 'failed', reason, error: new PennygradError(code, reason, { cause: failure }) };
}

/** @param phase in which no step is trained, as in 'before training began' */
export function spentWhileWaiting(reason: string, phase: string): PennygradError {
  return new PennygradError('budget-reached', `${reason} ${phase}`);
}

export function interrupted(message: string): PennygradError {
  return new PennygradError('interrupted', message);
}

function endedEarly(failure: PennygradError, replicas: ReplicaComparison | undefined): RunEnd {
  const error = new FailureWithCheckpoint(failure, 'the checkpoint has it');
  return { status: 'interrupted', reason: error.message, replicas, error };
}
