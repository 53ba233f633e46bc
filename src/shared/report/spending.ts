/** Where the time of a run's workers went, and where the money. */
import { accruedCostUsd } from '../core/cost.ts';
import type { Summary, WorkerSummary } from './summary.ts';

/** `other` is start-up, test passes, saving and whatever else a worker was alive for. */
export const spendingCategories = ['compute', 'communicate', 'wait', 'load', 'other'] as const;
export type SpendingCategory = (typeof spendingCategories)[number];
/** Seconds, or USD, by category. */
export type Spending = Readonly<Record<SpendingCategory, number>>;

/** A worker's life. It sums to the seconds that it was alive. */
export function workerSeconds(worker: WorkerSummary): Spending {
  const { compute_seconds, communicate_seconds, wait_seconds, load_seconds, alive_seconds } = worker;
  return {
    compute: compute_seconds,
    communicate: communicate_seconds,
    wait: wait_seconds,
    load: load_seconds,
    other: Math.max(0, alive_seconds - compute_seconds - communicate_seconds - wait_seconds - load_seconds),
  };
}

/** What the run cost, by what its workers did. */
export function runCostUsd({ workers }: Summary): Spending {
  return addSpending(workers.map((w) => scaleSpending(workerSeconds(w), accruedCostUsd(w.price_usd_per_hour ?? 0, 1))));
}

/** Seconds of one step of the mean worker; `other` is what the phases leave of the step. */
export function stepSeconds({ workers, steps, train_seconds }: Summary): Spending {
  const mean = scaleSpending(addSpending(workers.map(workerSeconds)), 1 / (workers.length * steps));
  const { compute, communicate, wait, load } = mean;
  return { ...mean, other: Math.max(0, train_seconds / steps - compute - communicate - wait - load) };
}

export function meanSpending(list: readonly Spending[]): Spending {
  return scaleSpending(addSpending(list), 1 / list.length);
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
