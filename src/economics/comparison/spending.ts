/** What the time and the money of a run's workers were spent on. */
import { type ByCategory, byCategory, type LedgerCategory, ledgerCategories } from '../ledger/ledger.ts';
import type { Summary, WorkerSummary } from '../record/summary.ts';

/** Seconds, or USD, by category. */
export type Spending = ByCategory;

/** What a worker's time in steps was spent on. */
function phaseSeconds(worker: WorkerSummary): Spending {
  const { compute_seconds, communicate_seconds, wait_seconds, load_seconds } = worker;
  return {
    ...byCategory(() => 0),
    compute: compute_seconds,
    communicate: communicate_seconds,
    wait: wait_seconds,
    load: load_seconds,
  };
}

/** What a run cost, by what its workers' time was spent on. */
export function runCostUsd({ workers }: Summary): Spending {
  return addSpending(workers.map(({ cost_usd_by_category }) => cost_usd_by_category));
}

/** Seconds of one step, mean over the workers; `other` is the part of the step that no phase explains. */
export function stepSeconds({ workers, steps, train_seconds }: Summary): Spending {
  const mean = scaleSpending(addSpending(workers.map(phaseSeconds)), 1 / (workers.length * steps));
  return { ...mean, other: Math.max(0, train_seconds / steps - sumSpending(mean)) };
}

export function meanSpending(list: readonly Spending[]): Spending {
  return scaleSpending(addSpending(list), 1 / list.length);
}

export function sumSpending(spending: Spending): number {
  return ledgerCategories.reduce((sum, category) => sum + spending[category], 0);
}

/** The categories that anything was spent on, in the order of the ledger. */
export function usedCategories(list: readonly Spending[]): readonly LedgerCategory[] {
  return ledgerCategories.filter((category) => list.some((spending) => spending[category] > 0));
}

function addSpending(list: readonly Spending[]): Spending {
  return byCategory((category) => list.reduce((sum, spending) => sum + spending[category], 0));
}

function scaleSpending(spending: Spending, factor: number): Spending {
  return byCategory((category) => spending[category] * factor);
}
