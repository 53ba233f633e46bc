/** The test pass after an epoch, asked for in parts, so that it has progress, a deadline for each part, and can be cut off. */
import type { Interval } from '../../shared/core/sampling.ts';
import type { Generation } from '../generation/generation.ts';
import type { TestTotals } from './progress.ts';
import type { TrainContext, TrainSettings } from './train.ts';

/** Parts are asked for this many ahead, so that a worker never waits for its next one. */
const askedAhead = 1;

/** A forward pass is a third of a step's work, so whoever keeps the deadline of a step keeps that of a part. */
const batchesPerPart = 2;

/** How far the pass came. */
export type TestPass =
  | { readonly kind: 'complete' }
  /** By an interruption, or by a budget that is used up. */
  | { readonly kind: 'cut-off'; readonly spentBudget: string | undefined }
  /** Another generation is to go on with it. */
  | { readonly kind: 'paused' };

export interface TestRange {
  /** What the pass has so far. */
  readonly before: TestTotals;
  /** Weights by rank. */
  readonly shares: readonly number[];
  /** Whether another generation should begin. Asked before every part. */
  readonly isChangeDue: () => boolean;
  /** Called after every part. */
  readonly onTested: (totals: TestTotals) => void;
}

export async function runTestPass(
  generation: Generation,
  { testCount, training: { batchSize } }: TrainSettings,
  { clock, observe, signal, findSpentBudget = () => undefined }: TrainContext,
  { before, shares, isChangeDue, onTested }: TestRange,
): Promise<TestPass> {
  const parts = cut(before.images, testCount, batchesPerPart * batchSize);
  const asked: ReturnType<Generation['evaluate']>[] = [];
  let totals = before;
  let beganAt = clock.now();
  for (const [answered, { to }] of parts.entries()) {
    const spentBudget = findSpentBudget();
    const isCutOff = signal.aborted || spentBudget !== undefined;
    const asksMore = !isCutOff && !isChangeDue();
    for (const part of asksMore ? parts.slice(asked.length, answered + 1 + askedAhead) : []) {
      const evaluating = generation.evaluate('test', part, shares);
      // The part before it may fail first.
      evaluating.catch(() => {});
      asked.push(evaluating);
    }
    const evaluated = await asked[answered];
    if (evaluated === undefined) return isCutOff ? { kind: 'cut-off', spentBudget } : { kind: 'paused' };
    const now = clock.now();
    totals = {
      images: to,
      lossSum: totals.lossSum + evaluated.lossSum,
      correct: totals.correct + evaluated.correct,
      seconds: totals.seconds + now - beganAt,
    };
    beganAt = now;
    onTested(totals);
    observe({ type: 'spent', members: generation.takeSpent(), redone: false });
  }
  return { kind: 'complete' };
}

function cut(from: number, to: number, size: number): readonly Interval[] {
  return Array.from({ length: Math.ceil((to - from) / size) }, (_, part) => ({
    from: from + part * size,
    to: Math.min(from + (part + 1) * size, to),
  }));
}
