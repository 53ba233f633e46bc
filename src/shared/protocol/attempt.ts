/** Tries at steps, by which messages and vectors are told from stale ones. Pure. */
import type { Attempt } from './messages.ts';

export function isSameAttempt(a: Attempt, b: Attempt): boolean {
  return a.generation === b.generation && a.step === b.step && a.attempt === b.attempt;
}

/** For maps by attempt. */
export function keyOf({ generation, step, attempt }: Attempt): string {
  return `${generation}/${step}/${attempt}`;
}

/** Attempts are made in this order, by any rank. */
export function isBefore(a: Attempt, b: Attempt): boolean {
  if (a.generation !== b.generation) return a.generation < b.generation;
  return a.step === b.step ? a.attempt < b.attempt : a.step < b.step;
}
