/** Why a generation does not take a member's message. */
import type { ErrorCode } from '../../shared/core/errors.ts';

export type Refusal = Stale | Wrong;

/** It was right once: it belongs to something that is over. It is dropped. */
export interface Stale {
  readonly kind: 'stale';
  readonly reason: string;
}

/** No worker that does its part sends this. The run ends and names the member; the reason completes "it was lost:". */
export interface Wrong {
  readonly kind: 'wrong';
  readonly reason: string;
  readonly code: ErrorCode;
}

export function stale(reason: string): Stale {
  return { kind: 'stale', reason };
}

/** @param problem names the field, what it must be and what it is */
export function wrong(what: string, problem: string): Wrong {
  return { kind: 'wrong', reason: `it sent ${what}: ${problem}`, code: 'run-failed' };
}

/** What it computed is not finite. @param what for example: `the loss became NaN at step 12` */
export function diverged(what: string): Wrong {
  return { kind: 'wrong', reason: `${what}; try a smaller --lr`, code: 'diverged' };
}
