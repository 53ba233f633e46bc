/** What becomes of a step that may not be finite. Pure. */
import { mostSkippedInRow } from '../../settings/training-settings.ts';

/** What a step has taught the model: nothing, where it was skipped. @param skipped why it was */
export function learnedFrom(
  { samples, lossSum, correct }: { readonly samples: number; readonly lossSum: number; readonly correct: number },
  skipped: string | undefined,
) {
  return skipped === undefined ? { loss: lossSum / samples, correct } : { loss: Number.NaN, correct: 0, skipped };
}

export type SkipDecision =
  | { readonly kind: 'apply' }
  /** No replica applies it. */
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'stop'; readonly reason: string };

/**
 * @param problem whose part is not finite; undefined where all is
 * @param inRow steps just before that were skipped
 */
export function decideSkip(problem: string | undefined, step: number, inRow: number): SkipDecision {
  if (problem === undefined) return { kind: 'apply' };
  if (inRow < mostSkippedInRow) return { kind: 'skip', reason: problem };
  const reason =
    `step ${step + 1} is not finite, and neither were the ${inRow} before it, which --skip-nonfinite skipped: ${problem}; ` +
    'try a smaller --lr';
  return { kind: 'stop', reason };
}
