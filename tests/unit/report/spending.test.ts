import { expect, test } from 'vitest';
import {
  meanSpending,
  runCostUsd,
  stepSeconds,
  sumSpending,
  usedCategories,
  workerCostUsd,
  workerSeconds,
} from '../../../src/shared/report/spending.ts';
import { comparedRun } from '../../support/compared-runs.ts';

/** Two workers alive for 65 s, 60 s of them in steps. */
const { summary } = comparedRun({
  workers: [{ backend: 'wasm', price: 0.36 }, { backend: 'cpu' }],
  rate: 1000,
  batch: 60,
});
const [priced] = summary.workers;
if (priced === undefined) throw new Error('the run has no worker');

test('a worker without a ledger spent its life on the phases and on what is left', () => {
  expect(workerSeconds(priced)).toMatchObject({ compute: 48, communicate: 9, wait: 3, load: 0, other: 5, startup: 0 });
  expect(sumSpending(workerSeconds(priced))).toBe(65);
  expect(usedCategories([workerSeconds(priced)])).toEqual(['compute', 'communicate', 'wait', 'other']);
});

test('a ledger beats the phases, and prices each time for itself', () => {
  const booked = { ...priced, seconds_by_category: { compute: 40, startup: 25 }, cost_usd_by_category: { compute: 2 } };
  expect(workerSeconds(booked)).toMatchObject({ compute: 40, startup: 25, communicate: 0, other: 0 });
  expect(workerCostUsd(booked)).toMatchObject({ compute: 2, startup: 0 });
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
