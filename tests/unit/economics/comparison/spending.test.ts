import { expect, test } from 'vitest';
import {
  meanSpending,
  runCostUsd,
  stepSeconds,
  sumSpending,
  usedCategories,
} from '../../../../src/economics/comparison/spending.ts';
import { byCategory } from '../../../../src/economics/ledger/ledger.ts';
import { comparedRun } from '../../../support/compared-runs.ts';

/** Two workers alive for 65 s, 60 s of them in steps. */
const { summary } = comparedRun({
  workers: [{ backend: 'wasm', price: 0.36 }, { backend: 'cpu' }],
  rate: 1000,
  batch: 60,
});

test('money goes where the time of priced workers goes, and sums to the cost of the run', () => {
  expect(runCostUsd(summary).compute).toBeCloseTo(48e-4, 12);
  expect(sumSpending(runCostUsd(summary))).toBeCloseTo(summary.cost_usd_total, 12);
});

test('a step of the mean worker is as long as the steps of the run', () => {
  const step = stepSeconds(summary);
  expect(sumSpending(step)).toBeCloseTo(0.06, 12);
  expect(step.compute).toBeCloseTo(0.048, 12);
  expect(meanSpending([step, { ...step, compute: 0 }]).compute).toBeCloseTo(0.024, 12);
});

test('what the phases leave of a step is other, and never less than nothing', () => {
  const computing = (seconds: number) => ({
    ...summary,
    workers: summary.workers.map((worker) => ({ ...worker, compute_seconds: seconds })),
  });
  // 1000 steps in 60 s, of which 9 and 3 s are not computing.
  expect(stepSeconds(computing(18)).other).toBeCloseTo(0.03, 12);
  expect(stepSeconds(computing(90)).other).toBe(0);
});

test('the categories in use are those that anything was spent on, in their order', () => {
  const nothing = byCategory(() => 0);
  const some = [
    { ...nothing, startup: 1 },
    { ...nothing, startup: 2, compute: 3 },
  ];
  expect(usedCategories(some)).toEqual(['compute', 'startup']);
  expect(usedCategories([nothing])).toEqual([]);
});
