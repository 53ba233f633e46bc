/** When a run reached a test accuracy, and at what cost: to the end of the test pass that first showed it. Pure. */

import { meanOf, sumOf } from '../../shared/core/sums.ts';
import { accruedCostUsd, type BillingRule, billedCostUsd } from '../ledger/cost.ts';
import { unknownBilling } from '../prices/billing-rules.ts';
import type { Summary, WorkerSummary } from '../record/summary.ts';
import { leadSecondsOf, startupSecondsOf } from './run-times.ts';

export interface ReachedAccuracy {
  /** Passes over the training data, in parts where `--steps` cut the last one short. */
  readonly epochs: number;
  /** From the start of the run, start-up and test passes included. */
  readonly seconds: number;
  /** Accrued by all workers. */
  readonly usd: number;
  /** What providers would bill if the workers ended there. */
  readonly billedUsd: number;
}

/** @returns undefined when no test pass of the run reached the accuracy */
export function reachedAccuracy(summary: Summary, accuracy: number): ReachedAccuracy | undefined {
  const last = summary.epochs.findIndex(({ test_accuracy }) => test_accuracy >= accuracy);
  if (last < 0) return undefined;
  const epochs = summary.epochs.slice(0, last + 1);
  const lead = leadSecondsOf(summary);
  // Common accuracies were written down when they were reached, to the second and cent.
  const recorded = summary.time_to_accuracy.find((one) => one.accuracy === accuracy);
  const seconds =
    recorded?.seconds ??
    lead +
      startupSecondsOf(summary) +
      sumOf(epochs.map(({ seconds: trained, evaluate_seconds }) => trained + evaluate_seconds));
  const alive = Math.max(0, seconds - lead);
  const sum = (costOf: (worker: WorkerSummary, price: number) => number) =>
    sumOf(summary.workers.map((worker) => costOf(worker, worker.price_usd_per_hour ?? 0)));
  return {
    epochs: sumOf(epochs.map(({ samples }) => samples)) / summary.dataset.train,
    seconds,
    usd: recorded?.cost_usd ?? sum((_, price) => accruedCostUsd(price, alive)),
    billedUsd: sum((worker, price) => billedCostUsd(alive, price, recordedRule(worker))),
  };
}

function recordedRule({ billing }: WorkerSummary): BillingRule {
  return billing === undefined
    ? unknownBilling
    : { granularitySeconds: billing.granularity_seconds, minimumSeconds: billing.minimum_seconds };
}

/** Epochs that runs needed to an accuracy. */
export interface EpochsNeeded {
  readonly mean: number;
  readonly fewest: number;
  readonly most: number;
  /** Runs that these figures are of. */
  readonly runs: number;
}

/** @returns undefined for no runs */
export function epochsNeeded(reached: readonly Pick<ReachedAccuracy, 'epochs'>[]): EpochsNeeded | undefined {
  if (reached.length === 0) return undefined;
  const epochs = reached.map((one) => one.epochs);
  return {
    mean: meanOf(epochs),
    fewest: Math.min(...epochs),
    most: Math.max(...epochs),
    runs: epochs.length,
  };
}
