/** The figures of one fleet with one batch size. Pure. */
import { accruedCostUsd } from '../ledger/cost.ts';
import { type Estimate, meanEstimate, ratioEstimate } from '../models/confidence.ts';
import { costPerThousandUsd } from '../models/scaling.ts';
import { type FleetRuns, priceOf, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';
import { type Marginal, marginalsOf } from './marginal.ts';
import { meanSpending, runCostUsd, type Spending, stepSeconds } from './spending.ts';
import type { WorkerKind } from './worker-kind.ts';

/** An efficiency, against what the fleet's workers do alone. */
export interface Efficiency extends Estimate {
  /** Samples a step of the workers alone. */
  readonly baselineBatch: number;
}

/** A fleet with a batch size: one run, or repeats of it. */
export interface ComparedPoint {
  /** `2 × wasm`. */
  readonly name: string;
  readonly workers: number;
  readonly globalBatchSize: number;
  /** Their folders. */
  readonly runs: readonly string[];
  readonly samplesPerSecond: Estimate;
  /** T1 / (N · TN), of the same global batch. */
  readonly strong: Efficiency | undefined;
  /** R_N / (N · R_1), of the same batch a worker. */
  readonly weak: Efficiency | undefined;
  /** Of the last whole epoch, the mean over the runs. */
  readonly testAccuracy: number | undefined;
  readonly secondsPerEpoch: number;
  /** Of the whole fleet; undefined unless every worker has a price, as are all costs. */
  readonly usdPerHour: number | undefined;
  readonly costPerThousandUsd: number | undefined;
  /** Of training alone: an epoch's seconds at the fleet's price. */
  readonly costPerEpochUsd: number | undefined;
  /** Of a whole run, start-up and test passes included. */
  readonly costOfRunUsd: number | undefined;
  /** The same as providers would bill it, the mean over the runs: each worker's time rounded up by the provider's rule. */
  readonly billedOfRunUsd: number | undefined;
  /** Nothing else here is both faster and cheaper. */
  readonly onFront: boolean;
  /** Seconds of a step of the mean worker. */
  readonly stepSeconds: Spending;
  /** USD of a whole run by what it was spent on; with `formerCostUsd` it sums to `costOfRunUsd`. */
  readonly costUsd: Spending | undefined;
  /** USD of a whole run that went to workers which left before training; what they did is not known. */
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
  const secondsPerEpoch = (summaries[0]?.dataset.train ?? 0) / samplesPerSecond.value;
  const accuracies = summaries.flatMap(({ test_accuracy }) => (test_accuracy === null ? [] : [test_accuracy]));
  return {
    name: naming.fleetName(fleet),
    workers,
    globalBatchSize: batch,
    runs: runs.map(({ folder }) => folder),
    samplesPerSecond,
    strong: efficiency(group, groups, batch),
    weak: fleet.length === 1 && batch % workers === 0 ? efficiency(group, groups, batch / workers) : undefined,
    testAccuracy: accuracies.length === 0 ? undefined : mean(accuracies),
    secondsPerEpoch,
    usdPerHour,
    costPerThousandUsd: priced((price) =>
      costPerThousandUsd({ usdPerHour: price, samplesPerSecond: samplesPerSecond.value }),
    ),
    costPerEpochUsd: priced((price) => accruedCostUsd(price, secondsPerEpoch)),
    costOfRunUsd: priced(() => mean(summaries.map(({ cost_usd_total }) => cost_usd_total))),
    billedOfRunUsd: priced(() => mean(summaries.map(({ billed_usd_total }) => billed_usd_total))),
    stepSeconds: meanSpending(summaries.map(stepSeconds)),
    costUsd: priced(() => meanSpending(summaries.map(runCostUsd))),
    formerCostUsd: priced(() => mean(summaries.map(({ former_workers_cost_usd }) => former_workers_cost_usd))),
    marginals: marginalsOf(group, groups, naming),
  };
}

/**
 * The fleet's rate against the sum of what its workers do alone with `batch` samples a step: for equal workers
 * R_N / (N · R_1), which is T1 / (N · TN) when the batch is the fleet's own. Undefined for a worker alone, and where one
 * of the kinds was not measured alone.
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

/** Rates of one worker of a kind, whatever it cost. */
function ratesAlone(groups: readonly FleetRuns[], { speedKey }: WorkerKind, batch: number): readonly number[] {
  return groups
    .filter((group) => group.batch === batch && workersOf(group) === 1 && group.fleet[0]?.kind.speedKey === speedKey)
    .flatMap(ratesOf);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
