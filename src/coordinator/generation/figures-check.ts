/** Checks what a member says that its samples came to, against what it was told to compute. Pure. */
import { largestFloat32 } from '../../shared/core/first-beyond.ts';
import { diverged, type Refusal, wrong } from './refusal.ts';

export interface Figures {
  readonly samples: number;
  readonly lossSum: number;
  readonly correct: number;
}

/** A loss of nearly 0 may be rounded to less than that. Relative to the number of samples. */
const roundingBelowZero = 1e-5;

/**
 * @param asked samples that the member was told to take
 * @param what it sent, as in 'a wrong vote for step 3'
 * @param where as in 'at step 3'
 * @returns undefined where the figures are possible
 */
export function checkFigures(
  { samples, lossSum, correct }: Figures,
  asked: number,
  what: string,
  where: string,
): Refusal | undefined {
  if (samples !== asked) return wrong(what, `samples must be ${asked}, got ${samples}`);
  if (correct > samples) return wrong(what, `correct must be at most ${samples}, got ${correct}`);
  if (!Number.isFinite(lossSum)) return diverged(`the loss became ${lossSum} ${where}`);
  if (lossSum < -roundingBelowZero * samples || lossSum > largestFloat32 * samples) {
    return wrong(what, `lossSum must be from 0 to ${largestFloat32 * samples}, got ${lossSum}`);
  }
  return undefined;
}
