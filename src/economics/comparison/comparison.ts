/** What several runs say when they are laid side by side. Pure: from summaries to figures. */

import { badInput } from '../../shared/core/errors.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import { type Estimate, meanEstimate, ratioEstimate } from '../models/confidence.ts';
import { cheapest, costPerThousandUsd, paretoFront, replacementPrice } from '../models/scaling.ts';
import { describeRules } from '../record/billing-text.ts';
import type { Summary } from '../record/summary.ts';
import {
  type ComparedRun,
  type FleetRuns,
  groupRuns,
  kindsIn,
  priceOf,
  ratesOf,
  workersOf,
} from './compared-fleets.ts';
import { type Growth, growthsOf } from './growth.ts';
import { createNaming, type Naming } from './kind-names.ts';
import { type Marginal, marginalsOf } from './marginal.ts';
import { describeMixture } from './one-fleet.ts';
import { meanSpending, runCostUsd, type Spending, stepSeconds } from './spending.ts';
import type { WorkerKind } from './worker-kind.ts';

export type { ComparedRun } from './compared-fleets.ts';

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

/** The price at which one worker of a kind trains a sample for what it costs on another. */
export interface BreakEven {
  readonly kind: string;
  readonly reference: string;
  readonly referenceUsdPerHour: number;
  readonly globalBatchSize: number;
  readonly breakEvenUsdPerHour: Estimate;
  readonly usdPerHour: number | undefined;
}

export interface Comparison {
  readonly dataset: { readonly name: string; readonly train: number };
  readonly model: { readonly name: string; readonly parameters: number };
  readonly points: readonly ComparedPoint[];
  /** Names the cheapest and the fastest point's place in `points`; undefined without prices. */
  readonly cheapest: number | undefined;
  readonly fastest: number;
  readonly breakEvens: readonly BreakEven[];
  /** What workers bring that are added one by one, where fleets with fewer were measured. */
  readonly growths: readonly Growth[];
  /** What a reader must know to trust the figures. */
  readonly notes: readonly string[];
}

/**
 * Runs with the same workers, prices and batch are repeats of one point.
 * @param furtherNotes what the runs themselves do not say
 * @throws bad-input when there is nothing to compare, or the runs trained different things
 */
export function compareRuns(runs: readonly ComparedRun[], furtherNotes: readonly string[] = []): Comparison {
  const used = comparableRuns(runs);
  const first = used[0].summary;

  const groups = groupRuns(used);
  const naming = createNaming(kindsIn(groups));
  const points = groups.map((group) => describePoint(group, groups, naming));
  const ways = points.flatMap(({ secondsPerEpoch, costPerEpochUsd }, index) =>
    costPerEpochUsd === undefined ? [] : [{ index, seconds: secondsPerEpoch, usd: costPerEpochUsd }],
  );
  const front = new Set(paretoFront(ways).map(({ index }) => index));
  const fastest = points.reduce(
    (best, { secondsPerEpoch }, index) => (secondsPerEpoch < (points[best]?.secondsPerEpoch ?? 0) ? index : best),
    0,
  );
  return {
    dataset: { name: first.dataset.name, train: first.dataset.train },
    model: first.model,
    points: points.map((point, index) => ({ ...point, onFront: front.has(index) })),
    cheapest: cheapest(ways)?.index,
    fastest,
    breakEvens: breakEvensOf(groups, naming),
    growths: growthsOf(
      groups,
      points.map(({ marginals }) => marginals),
      naming,
    ),
    notes: [...notesOf(runs, used, points), ...furtherNotes],
  };
}

/**
 * The runs that were completed, by one fleet at one price.
 * @throws bad-input when there are none, or they trained different things
 */
export function comparableRuns(runs: readonly ComparedRun[]): readonly [ComparedRun, ...ComparedRun[]] {
  const [first, ...others] = runs.filter((run) => whyLeftOut(run) === undefined);
  if (first === undefined) {
    const [reason, ...more] = runs.map((run) => `${run.folder}, ${whyLeftOut(run)}`);
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
    throw badInput(`none of the runs can be compared: ${reason}${others}`);
  }
  const used = [first, ...others] as const;
  requireSame('dataset', used, ({ dataset }) => dataset.name);
  requireSame('number of images', used, ({ dataset }) => `${dataset.train} + ${dataset.test}`);
  requireSame('data', used, ({ dataset }) => describeData(dataset));
  requireSame('model', used, ({ model }) => `${model.name} of ${model.parameters} parameters`);
  return used;
}

/** Why a run is no measurement of a fleet; undefined where it is one. */
export function whyLeftOut({ summary }: ComparedRun): string | undefined {
  if (summary.status !== 'completed') return `which is ${summary.status}`;
  if (summary.samples_per_second === 0) return 'which trained no step';
  const mixture = describeMixture(summary);
  return mixture === undefined ? undefined : `which was not one fleet at one price: ${mixture}`;
}

/** `mnist of SHA-256 440fcabf…, 2669…`: its files in the order of their names. */
function describeData({ name, sha256 }: Summary['dataset']): string {
  const sums = Object.keys(sha256)
    .sort()
    .map((file) => `${sha256[file]?.slice(0, 8)}…`);
  return sums.length === 0 ? name : `${name} of SHA-256 ${sums.join(' ')}`;
}

function requireSame(what: string, runs: readonly ComparedRun[], of: (summary: Summary) => string): void {
  const values = [...new Set(runs.map(({ summary }) => of(summary)))];
  if (values.length > 1) {
    throw badInput(`the runs differ in ${what}: ${values.join(', ')}; their costs do not compare, name runs of one`);
  }
}

function describePoint(group: FleetRuns, groups: readonly FleetRuns[], naming: Naming): Omit<ComparedPoint, 'onFront'> {
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

/** Every kind that was measured alone, against the dearest that was, at the same batch. */
function breakEvensOf(groups: readonly FleetRuns[], { kindName }: Naming): readonly BreakEven[] {
  const alone = groups.flatMap((group) => {
    const kind = group.fleet[0]?.kind;
    return workersOf(group) === 1 && kind !== undefined ? [{ kind, batch: group.batch, rates: ratesOf(group) }] : [];
  });
  return [...new Set(alone.map(({ batch }) => batch))].flatMap((batch) => {
    const here = alone.filter((one) => one.batch === batch);
    const dearest = [...here].sort((a, b) => (b.kind.usdPerHour ?? -1) - (a.kind.usdPerHour ?? -1))[0];
    const price = dearest?.kind.usdPerHour;
    if (dearest === undefined || price === undefined) return [];
    return here
      .filter(({ kind }) => kind.speedKey !== dearest.kind.speedKey)
      .map(({ kind, rates }) => ({
        kind: kindName(kind),
        reference: kindName(dearest.kind),
        referenceUsdPerHour: price,
        globalBatchSize: batch,
        breakEvenUsdPerHour: ratioEstimate(
          rates,
          dearest.rates,
          replacementPrice({ usdPerHour: price, samplesPerSecond: 1 }, 1),
        ),
        usdPerHour: kind.usdPerHour,
      }));
  });
}

function notesOf(
  runs: readonly ComparedRun[],
  used: readonly ComparedRun[],
  points: readonly Pick<ComparedPoint, 'globalBatchSize' | 'runs' | 'usdPerHour'>[],
): readonly string[] {
  const hosts = new Set(used.flatMap(({ summary }) => summary.workers.map(({ host }) => host)));
  const machines = [...new Set(used.map(machinesOf))];
  const fallback = used.find(({ summary }) => summary.dataset.fallback_reason !== undefined);
  return [
    ...runs.flatMap((run) => {
      const reason = whyLeftOut(run);
      return reason === undefined ? [] : [`left out: ${run.folder}, ${reason}`];
    }),
    ...(fallback === undefined ? [] : ['the data are generated digits, not MNIST']),
    ...(points.some((point) => point.usdPerHour === undefined)
      ? ['workers without a price have no costs: pass --price to train, or use reprice']
      : []),
    ...(points.some((point) => point.usdPerHour !== undefined)
      ? [`billed: ${describeRules(used.flatMap(({ summary }) => summary.workers))}`]
      : []),
    ...(points.some((point) => point.runs.length < 3)
      ? ['one run has no confidence interval, and two a very wide one: repeat three times or more']
      : []),
    ...(new Set(points.map(({ globalBatchSize }) => globalBatchSize)).size > 1
      ? ['batches of different sizes learn differently: an epoch of one is not worth an epoch of the other']
      : []),
    ...(used.some(({ summary }) => summary.workers.some(({ emulated_speed }) => emulated_speed !== undefined))
      ? ['emulated workers are real ones that wait after computing, as long as a slower card would still compute']
      : []),
    ...(machines.length > 1 && used.some((run) => !sharesMachines(run, used))
      ? [
          `the runs are of different machines (${machines.slice(0, mostMachines).join('; ')}${machines.length > mostMachines ? '; …' : ''}): how those differ is in every figure`,
        ]
      : []),
    ...(hosts.size === 1 && used.some(({ summary }) => summary.world_size > 1)
      ? ['all workers shared one machine: they also share its cores and memory, as workers of their own would not']
      : []),
  ];
}

/** Named in a note; every container has a name of its own. */
const mostMachines = 5;

/** `alpha, beta` */
function machinesOf({ summary }: ComparedRun): string {
  return [...new Set(summary.workers.map(({ host }) => host))].sort().join(', ');
}

/**
 * Whether the machines of a run are those of the repeats of it, and among or around those of every other run: a fleet on
 * two machines compares with one on the first of them.
 */
function sharesMachines(run: ComparedRun, others: readonly ComparedRun[]): boolean {
  const own = machinesOf(run).split(', ');
  return others.every((other) => {
    const theirs = machinesOf(other).split(', ');
    const [few, many] = own.length < theirs.length ? [own, theirs] : [theirs, own];
    return few.every((host) => many.includes(host));
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
