/** What becomes of a step that may not be finite. Pure. */
import { mostSkippedInRow } from '../../settings/training-settings.ts';

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
