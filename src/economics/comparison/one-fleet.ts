/** Whether a run's rate and cost are those of one fleet at one price, which comparing and repricing suppose. Pure. */

import { formatCount } from '../../shared/core/number-format.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import type { Summary, WorkerSummary } from '../record/summary.ts';

/** What a worker's cost may be off its price × time by rounding, as a part of it. */
const tolerance = 0.01;

/** In words, how the run's fleet or prices changed while it trained; undefined where they did not, as far as is known. */
export function describeMixture({ fleet_changes: changes = [], workers }: Summary): string | undefined {
  if (changes.length > 0) {
    return changes.map(({ step, change }) => `after step ${formatCount(step)} ${change}`).join('; ');
  }
  // Older versions did not write changes down, but a price that changed shows in what was paid.
  const repriced = workers.filter(isPaidOtherwise).map(({ worker_id }) => worker_id);
  return repriced.length === 0 ? undefined : `the price of ${repriced.join(', ')} changed on the way`;
}

function isPaidOtherwise({ cost_usd, price_usd_per_hour: price = 0, alive_seconds }: WorkerSummary): boolean {
  const usd = accruedCostUsd(price, alive_seconds);
  return Math.abs(cost_usd - usd) > tolerance * Math.max(cost_usd, usd);
}
