/** How a test pass ends. Its parts, and how another generation goes on with it, are in `train.test.ts`. */
import { expect, it } from 'vitest';
import { nothingTested, type TestTotals } from '../../../../src/coordinator/training/progress.ts';
import { runTestPass, type TestPass } from '../../../../src/coordinator/training/test-pass.ts';
import type { TrainContext } from '../../../../src/coordinator/training/train.ts';
import { trainingConfig } from '../../../support/settings.ts';
import { type Script, scriptGeneration } from './scripted-generation.ts';

interface Pass {
  readonly context?: Partial<TrainContext>;
  readonly isChangeDue?: () => boolean;
  readonly script?: Script;
}

/** Twenty images in three parts, of which two are asked for at first. */
async function runPass({ context, isChangeDue = () => false, script }: Pass = {}) {
  const { generation, time } = scriptGeneration(script);
  const tested: TestTotals[] = [];
  const pass = await runTestPass(
    generation,
    { training: trainingConfig({ batchSize: 4 }), trainCount: 10, testCount: 20 },
    { clock: time.clock, observe: () => {}, signal: new AbortController().signal, ...context },
    { before: nothingTested, shares: [2, 2], isChangeDue, onTested: (totals) => tested.push(totals) },
  );
  return { pass, tested: tested.map(({ images }) => images) };
}

/** Answers `false` the first time that it is asked, and `true` afterwards. */
function onceFalse(): () => boolean {
  let asked = 0;
  return () => ++asked > 1;
}

it.each<readonly [string, Pass, TestPass, readonly number[]]>([
  ['is complete', {}, { kind: 'complete' }, [8, 16, 20]],
  ['pauses for another generation', { isChangeDue: onceFalse() }, { kind: 'paused' }, [8, 16]],
  [
    'is cut off by an interruption',
    { context: { signal: AbortSignal.abort() } },
    { kind: 'cut-off', spentBudget: undefined },
    [],
  ],
  [
    'is cut off by a budget, also where another generation is due',
    { context: { findSpentBudget: () => 'the money is gone' }, isChangeDue: () => true },
    { kind: 'cut-off', spentBudget: 'the money is gone' },
    [],
  ],
])('a test pass %s', async (_, given, pass, tested) => {
  expect(await runPass(given)).toEqual({ pass, tested });
});

it('a test pass fails with the first part that does, and that the next one fails as well is no surprise', async () => {
  const onEvaluate = (from: number) => {
    throw new Error(`the part from ${from} on failed`);
  };
  await expect(runPass({ script: { onEvaluate } })).rejects.toThrow('the part from 0 on failed');
});
