import { expect, test } from 'vitest';
import { describeMixture } from '../../../../src/economics/comparison/one-fleet.ts';
import { comparedRun } from '../../../support/compared-runs.ts';

const worker = { backend: 'wasm', price: 0.4 };
const { summary } = comparedRun({ workers: [worker, worker, worker], rate: 1000, batch: 64 });
/** As if each worker had paid so many times its price. */
const paid = (...factors: readonly number[]) => ({
  ...summary,
  workers: summary.workers.map((row, rank) => ({ ...row, cost_usd: row.cost_usd * (factors[rank] ?? 1) })),
});

test('every change that was written down is named, with its step', () => {
  const fleet_changes = [
    { step: 40, change: 'w1 left' },
    { step: 1200, change: 'w2 came' },
  ];
  expect(describeMixture({ ...summary, fleet_changes })).toBe('after step 40 w1 left; after step 1,200 w2 came');
});

test('a price that changed shows in what was paid, beyond one per cent', () => {
  expect(describeMixture(paid(1, 1, 1))).toBeUndefined();
  expect(describeMixture(paid(1.009, 0.991))).toBeUndefined();
  // One per cent of the larger of the two.
  expect(describeMixture(paid(1.01005, 0.99005))).toBeUndefined();
  expect(describeMixture(paid(1.0102, 0.9899))).toBe('the price of w0, w1 changed during the run');
  expect(describeMixture(paid(1.02, 1, 0.98))).toBe('the price of w0, w2 changed during the run');
});
