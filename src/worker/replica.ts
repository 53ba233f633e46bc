/** What a worker knows of its replica, through all generations: which state it has, and what the last steps came to. */
import { isStepSkipped, type StepPart } from '../shared/collectives/collective.ts';
import type { ErrorFeedback } from '../shared/collectives/compression/error-feedback.ts';
import { asMade } from '../shared/protocol/applied.ts';
import { maxReportedSteps } from '../shared/protocol/limits.ts';
import type { Applied, Attempt, Trained } from '../shared/protocol/messages.ts';

export interface Replica {
  /** What it has applied or taken over; undefined where it is as it was made. */
  applied: Applied | undefined;
  /** The steps that led there, as far as this worker can tell what they came to. */
  trained: Trained | undefined;
  /** What compression has left out of its gradients; undefined where they travel as they are. */
  readonly feedback?: ErrorFeedback | undefined;
}

export function beginReplica(feedback?: ErrorFeedback): Replica {
  return { applied: undefined, trained: undefined, feedback };
}

/**
 * The replica has applied a step, or skipped it as all others did.
 * @param workers of the generation, in rank order
 * @param parts by rank; undefined where only the coordinator knows them
 */
export function noteStep(
  replica: Replica,
  { step, generation }: Attempt,
  workers: readonly string[],
  parts: readonly StepPart[] | undefined,
): void {
  const before = replica.applied ?? asMade;
  replica.applied = { step: step + 1, generation };
  if (parts === undefined) {
    replica.trained = undefined;
    return;
  }
  const { trained } = replica;
  const { since, steps } = trained?.generation === generation ? trained : { since: before, steps: [] };
  const all = [...steps, describeStep(parts)];
  const dropped = Math.max(0, all.length - maxReportedSteps);
  replica.trained = {
    since: dropped === 0 ? since : { step: since.step + dropped, generation },
    generation,
    workers,
    steps: all.slice(dropped),
  };
}

/** The replica has taken over another one's state. */
export function noteRestored(replica: Replica, applied: Applied): void {
  replica.applied = applied;
  replica.trained = undefined;
}

/** @param parts in rank order: each begins where the one before ends */
function describeStep(parts: readonly StepPart[]): Trained['steps'][number] {
  const bounds = [parts[0]?.from ?? 0, ...parts.map(({ to }) => to)];
  if (isStepSkipped(parts)) return { bounds, lossSum: 0, correct: 0, skipped: true };
  return {
    bounds,
    lossSum: parts.reduce((sum, { lossSum }) => sum + lossSum, 0),
    correct: parts.reduce((sum, { correct }) => sum + correct, 0),
  };
}
