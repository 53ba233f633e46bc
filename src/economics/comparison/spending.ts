/** Where the time of a run's workers went, and where the money. */
import type { Summary, WorkerSummary } from '../record/summary.ts';

/**
 * The phases of a step, then what the ledger books besides; `other` is what is left.
 */
export const spendingCategories = [
  ...(['compute', 'communicate', 'wait', 'load', 'startup', 'evaluate', 'idle', 'wasted', 'other'] as const),
] as const;
export type SpendingCategory = (typeof spendingCategories)[number];
/** Seconds, or USD, by category. */
export type Spending = Readonly<Record<SpendingCategory, number>>;

/** A worker's life. It sums to the seconds that it was alive. */
export function workerSeconds({ seconds_by_category: booked }: WorkerSummary): Spending {
  return mapSpending((category) => booked[category]);
}

/** What a worker did in its steps. */
function phaseSeconds(worker: WorkerSummary): Spending {
  const { compute_seconds, communicate_seconds, wait_seconds, load_seconds } = worker;
  return {
    ...mapSpending(() => 0),
    compute: compute_seconds,
    communicate: communicate_seconds,
    wait: wait_seconds,
    load: load_seconds,
  };
}

/** What a worker cost, by what it did; 0 without a price. Each time is booked at its own price. */
export function workerCostUsd({ cost_usd_by_category: booked }: WorkerSummary): Spending {
  return mapSpending((category) => booked[category]);
}

/** What the run cost, by what its workers did. */
export function runCostUsd({ workers }: Summary): Spending {
  return addSpending(workers.map(workerCostUsd));
}

/** Seconds of one step of the mean worker; `other` is what the phases leave of the step. */
export function stepSeconds({ workers, steps, train_seconds }: Summary): Spending {
  const mean = scaleSpending(addSpending(workers.map(phaseSeconds)), 1 / (workers.length * steps));
  return { ...mean, other: Math.max(0, train_seconds / steps - sumSpending(mean)) };
}

export function meanSpending(list: readonly Spending[]): Spending {
  return scaleSpending(addSpending(list), 1 / list.length);
}

export function sumSpending(spending: Spending): number {
  return spendingCategories.reduce((sum, category) => sum + spending[category], 0);
}

/** The categories that something was spent on, in their order. */
export function usedCategories(list: readonly Spending[]): readonly SpendingCategory[] {
  return spendingCategories.filter((category) => list.some((spending) => spending[category] > 0));
}

function addSpending(list: readonly Spending[]): Spending {
  return mapSpending((category) => list.reduce((sum, spending) => sum + spending[category], 0));
}

function scaleSpending(spending: Spending, factor: number): Spending {
  return mapSpending((category) => spending[category] * factor);
}

function mapSpending(of: (category: SpendingCategory) => number): Spending {
  return Object.fromEntries(spendingCategories.map((category) => [category, of(category)])) as Spending;
}
