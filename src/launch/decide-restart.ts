/** Whether a local worker whose process has ended is started again, and how soon. */
import { exitCodes } from '../shared/core/errors.ts';

/** Before the first restart, in milliseconds. Each further one waits twice as long as the one before. */
const firstDelayMs = 100;
const longestDelayMs = 5000;

/** A worker that lived so long, in seconds, got past its start: its next restart is as soon as a first one. */
const settledSeconds = 60;

export interface RestartRules {
  /** How often each worker is started again. A long life does not give any back, so a run starts finitely many processes. */
  readonly restarts: number;
  /** The run ends when it loses a worker. */
  readonly lossEndsRun: boolean;
}

/** How a life of a worker ended. */
export interface EndedLife {
  /** Exit code; null after a signal, and for a process that could not be started. */
  readonly code: number | null;
  readonly seconds: number;
  /** The run no longer needs workers. */
  readonly stopping: boolean;
  /** Its machine was taken away, and another is there after this time, in milliseconds; undefined if it was not. */
  readonly replacedAfterMs?: number | undefined;
}

export interface PastRestarts {
  readonly count: number;
  /** How long the last one waited. */
  readonly delayMs: number;
}

export const neverRestarted: PastRestarts = { count: 0, delayMs: 0 };

export type RestartDecision =
  | {
      readonly kind: 'restart';
      readonly reason: string;
      readonly delayMs: number;
      /** How often the worker may still be started again after this. */
      readonly left: number;
    }
  /** It was preempted, which is not its fault: it is started again without using up a restart. */
  | { readonly kind: 'return'; readonly reason: string; readonly delayMs: number }
  /** It would have been started again, but has been too often. */
  | { readonly kind: 'exhausted'; readonly reason: string }
  /** It is not meant to come back. */
  | { readonly kind: 'leave'; readonly reason: string };

export function isStartedAgain(
  decision: RestartDecision,
): decision is Extract<RestartDecision, { kind: 'restart' | 'return' }> {
  return decision.kind === 'restart' || decision.kind === 'return';
}

export function decideRestart(life: EndedLife, past: PastRestarts, rules: RestartRules): RestartDecision {
  if (life.stopping) return { kind: 'leave', reason: 'the run stops' };
  if (life.replacedAfterMs !== undefined && (life.code === exitCodes.done || !rules.lossEndsRun)) {
    return { kind: 'return', reason: 'its machine was taken away', delayMs: life.replacedAfterMs };
  }
  if (life.code === exitCodes.done) return { kind: 'leave', reason: 'it left by itself' };
  if (life.code === exitCodes.usage) return { kind: 'leave', reason: 'its input is bad, and would be again' };
  if (rules.lossEndsRun) return { kind: 'leave', reason: 'the run ends with it' };
  const left = rules.restarts - past.count - 1;
  if (left < 0) return { kind: 'exhausted', reason: `no restart is left of --restarts ${rules.restarts}` };
  if (past.count === 0) return { kind: 'restart', reason: 'its first restart', delayMs: firstDelayMs, left };
  if (life.seconds >= settledSeconds) {
    return { kind: 'restart', reason: `it lived ${settledSeconds} s or longer`, delayMs: firstDelayMs, left };
  }
  const delayMs = Math.min(2 * past.delayMs, longestDelayMs);
  return { kind: 'restart', reason: `it lived less than ${settledSeconds} s`, delayMs, left };
}
