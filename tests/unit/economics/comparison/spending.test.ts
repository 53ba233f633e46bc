import { expect, test } from 'vitest';
import { meanSpending, runCostUsd, stepSeconds, sumSpending } from '../../../../src/economics/comparison/spending.ts';
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
