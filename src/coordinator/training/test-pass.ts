/** The test pass after an epoch, asked for in parts, so that it has progress, a deadline for each part, and can be cut off. */
import type { Interval } from '../../shared/core/sampling.ts';
import type { Generation } from '../generation/generation.ts';
import type { TrainContext, TrainSettings } from './train.ts';

/** Parts are asked for this many ahead, so that a worker never waits for its next one. */
const askedAhead = 1;

/** A forward pass is a third of a step's work, so whoever keeps the deadline of a step keeps that of a part. */
const batchesPerPart = 2;

export type TestPass =
  | { readonly kind: 'complete'; readonly lossSum: number; readonly correct: number }
  /** By an interruption, or by a budget that is used up. */
  | { readonly kind: 'cut-off'; readonly spentBudget: string | undefined };

/** @param shares weights by rank */
export async function runTestPass(
  generation: Generation,
  { testCount, training: { batchSize } }: TrainSettings,
  { observe, signal, findSpentBudget = () => undefined }: TrainContext,
  shares: readonly number[],
): Promise<TestPass> {
  const parts = cut(testCount, batchesPerPart * batchSize);
  const asked: ReturnType<Generation['evaluate']>[] = [];
  let [lossSum, correct] = [0, 0];
  for (let answered = 0; answered < parts.length; answered++) {
    const spentBudget = findSpentBudget();
    const isCutOff = signal.aborted || spentBudget !== undefined;
    for (const part of isCutOff ? [] : parts.slice(asked.length, answered + 1 + askedAhead)) {
      const evaluating = generation.evaluate('test', part, shares);
      // The part before it may fail first.
      evaluating.catch(() => {});
      asked.push(evaluating);
    }
    const evaluated = await asked[answered];
    if (evaluated === undefined) return { kind: 'cut-off', spentBudget };
    lossSum += evaluated.lossSum;
    correct += evaluated.correct;
    observe({ type: 'spent', members: generation.takeSpent(), redone: false });
  }
  return { kind: 'complete', lossSum, correct };
}

function cut(count: number, size: number): readonly Interval[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, part) => ({
    from: part * size,
    to: Math.min((part + 1) * size, count),
  }));
}
