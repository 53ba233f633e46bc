/** The figures of one fleet with one batch size. Pure. */

import { meanOf } from '../../shared/core/sums.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import { type Estimate, type Interval, meanEstimate, ratioEstimate } from '../models/confidence.ts';
import { costPerThousandUsd } from '../models/scaling.ts';
import { hasWholeEpoch } from '../record/extrapolated-epoch.ts';
import { type FleetRuns, priceOf, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';
import { type Marginal, marginalsOf } from './marginal.ts';
import { meanSpending, runCostUsd, type Spending, stepSeconds } from './spending.ts';
import type { WorkerKind } from './worker-kind.ts';

/** A scaling efficiency, relative to what the fleet's workers do alone. */
export interface Efficiency extends Estimate {
  /** Batch size of the workers alone. */
  readonly baselineBatch: number;
}

/** One fleet with one batch size, measured once or repeatedly. */
export interface ComparedPoint {
  /** `2 × wasm`. */
  readonly name: string;
  readonly workers: number;
  readonly globalBatchSize: number;
  /** The folders of the runs. */
  readonly runs: readonly string[];
  readonly samplesPerSecond: Estimate;
  /** T1 / (N · TN) at the same global batch. */
  readonly strong: Efficiency | undefined;
  /** R_N / (N · R_1) at the same batch per worker. */
  readonly weak: Efficiency | undefined;
  /** In the last test pass, mean over the runs. */
  readonly testAccuracy: number | undefined;
  readonly secondsPerEpoch: number;
  /** 95 % confidence interval of `secondsPerEpoch`; undefined without repeats. */
  readonly secondsPerEpochInterval: Interval | undefined;
  /** Set if some of the runs trained no whole epoch. What an epoch takes and costs is then extrapolated from a part of one. */
  readonly epochExtrapolated?: true | undefined;
  /** Price of the whole fleet. Like all costs, undefined unless every worker has a price. */
  readonly usdPerHour: number | undefined;
  /** Set if nobody gave the price of some of its workers. All costs then rest on an assumption. */
  readonly priceAssumed?: true | undefined;
  readonly costPerThousandUsd: number | undefined;
  /** Training alone: the seconds of an epoch at the fleet's price. */
  readonly costPerEpochUsd: number | undefined;
  /** 95 % confidence interval of `costPerEpochUsd`; undefined without repeats. */
  readonly costPerEpochIntervalUsd: Interval | undefined;
  /** A whole run with start-up and test passes, mean over the runs. */
  readonly costOfRunUsd: number | undefined;
  /**
   * What providers would bill for a whole run, mean over the runs: each worker's time is rounded up by its provider's rule.
   */
  readonly billedOfRunUsd: number | undefined;
  /** No other point is both faster and cheaper beyond the confidence intervals. */
  readonly onFront: boolean;
  /** Seconds of a step, mean over the workers. */
  readonly stepSeconds: Spending;
  /** USD of a whole run by what it was spent on. Together with `formerCostUsd` it sums to `costOfRunUsd`. */
  readonly costUsd: Spending | undefined;
  /** USD of a whole run spent on workers that left before training; what they spent their time on is unknown. */
  readonly formerCostUsd: number | undefined;
  readonly marginals: readonly Marginal[];
}

export function describePoint(
  group: FleetRuns,
  groups: readonly FleetRuns[],
  naming: Naming,
): Omit<ComparedPoint, 'onFront'> {
  const { fleet, batch, runs } = group;
  const summaries = runs.map(({ summary }) => summary);
  const samplesPerSecond = meanEstimate(ratesOf(group));
  const workers = workersOf(group);
  const usdPerHour = priceOf(fleet);
  const priced = <Value>(of: (price: number) => Value) => (usdPerHour === undefined ? undefined : of(usdPerHour));
  const samples = summaries[0]?.dataset.train ?? 0;
  const secondsPerEpoch = samples / samplesPerSecond.value;
  const { interval: rates } = samplesPerSecond;
  const seconds = rates && ([samples / rates[1], samples / rates[0]] as const);
  const accuracies = summaries.flatMap(({ test_accuracy }) => (test_accuracy === null ? [] : [test_accuracy]));
  return {
    name: naming.fleetName(fleet),
    workers,
    globalBatchSize: batch,
    runs: runs.map(({ folder }) => folder),
    samplesPerSecond,
    strong: efficiency(group, groups, batch),
    weak: fleet.length === 1 ? efficiency(group, groups, batch / workers) : undefined,
    testAccuracy: accuracies.length === 0 ? undefined : meanOf(accuracies),
    secondsPerEpoch,
    secondsPerEpochInterval: seconds,
    epochExtrapolated: summaries.every(hasWholeEpoch) ? undefined : true,
    usdPerHour,
    priceAssumed: fleet.some(({ kind }) => kind.priceAssumed) ? true : undefined,
    costPerThousandUsd: priced((price) =>
      costPerThousandUsd({ usdPerHour: price, samplesPerSecond: samplesPerSecond.value }),
    ),
    costPerEpochUsd: priced((price) => accruedCostUsd(price, secondsPerEpoch)),
    costPerEpochIntervalUsd: priced(
      (price) => seconds && ([accruedCostUsd(price, seconds[0]), accruedCostUsd(price, seconds[1])] as const),
    ),
    costOfRunUsd: priced(() => meanOf(summaries.map(({ cost_usd_total }) => cost_usd_total))),
    billedOfRunUsd: priced(() => meanOf(summaries.map(({ billed_usd_total }) => billed_usd_total))),
    stepSeconds: meanSpending(summaries.map(stepSeconds)),
    costUsd: priced(() => meanSpending(summaries.map(runCostUsd))),
    formerCostUsd: priced(() => meanOf(summaries.map(({ former_workers_cost_usd }) => former_workers_cost_usd))),
    marginals: marginalsOf(group, groups, naming),
  };
}

/**
 * The fleet's rate relative to the sum of its workers' rates alone at `batch` samples a step. For equal workers this is
 * R_N / (N · R_1), which equals T1 / (N · TN) when `batch` is the fleet's own.
 * @returns undefined for a single worker, and where one of the kinds was not measured alone
 */
function efficiency(group: FleetRuns, groups: readonly FleetRuns[], batch: number): Efficiency | undefined {
  if (workersOf(group) === 1) return undefined;
  const alone = group.fleet.map(({ kind, count }) => ({ count, rates: ratesAlone(groups, kind, batch) }));
  const rounds = Math.min(...alone.map(({ rates }) => rates.length));
  if (rounds === 0) return undefined;
  const sums = Array.from({ length: rounds }, (_, round) =>
    alone.reduce((sum, { count, rates }) => sum + count * (rates[round] ?? 0), 0),
  );
  return { ...ratioEstimate(ratesOf(group), sums), baselineBatch: batch };
}

/** Samples per second of one worker of a kind, whatever it cost. */
function ratesAlone(groups: readonly FleetRuns[], { speedKey }: WorkerKind, batch: number): readonly number[] {
  return groups
    .filter((group) => group.batch === batch && workersOf(group) === 1 && group.fleet[0]?.kind.speedKey === speedKey)
    .flatMap(ratesOf);
}
