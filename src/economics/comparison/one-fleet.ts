/** Whether a run kept its workers and prices throughout, as comparing and repricing require. Pure. */

import { formatCount } from '../../shared/core/number-format.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import type { Summary, WorkerSummary } from '../record/summary.ts';

/** How far rounding may take a worker's cost from price × time, as a fraction of the cost. */
const tolerance = 0.01;

/** @returns in words how the run's workers or prices changed while it trained; undefined when no change is known */
export function describeMixture({ fleet_changes: changes = [], workers }: Summary): string | undefined {
  if (changes.length > 0) {
    return changes.map(({ step, change }) => `after step ${formatCount(step)} ${change}`).join('; ');
  }
  // Older versions did not record changes, but a price that changed shows in what was paid.
  const repriced = workers.filter(isPaidOtherwise).map(({ worker_id }) => worker_id);
  return repriced.length === 0 ? undefined : `the price of ${repriced.join(', ')} changed during the run`;
}

function isPaidOtherwise({ cost_usd, price_usd_per_hour: price = 0, alive_seconds }: WorkerSummary): boolean {
  const usd = accruedCostUsd(price, alive_seconds);
  return Math.abs(cost_usd - usd) > tolerance * Math.max(cost_usd, usd);
}
