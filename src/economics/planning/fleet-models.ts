/** Models of the duration of a step, fitted to measured fleets. Pure. */
import type { ComparedRun } from '../comparison/compared-fleets.ts';
import { createNaming } from '../comparison/kind-names.ts';
import { countKinds, kindOf, type WorkerKind } from '../comparison/worker-kind.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import { meanEstimate } from '../models/confidence.ts';
import { fitMixedStepModel, type MixedStepModel, mixedStepSeconds } from '../models/mixed-step-model.ts';
import { fitStepModel, type ModelError, modelledStepSeconds, type StepModel } from '../models/step-model.ts';
import { fitOutsideSteps, type OutsideSteps, paidSeconds, runSeconds } from './outside-steps.ts';

/** How far modelled runs are from measured ones, as a fraction of the measured value. */
export interface RunError {
  readonly mean: number;
  readonly worst: number;
}

/** What a model was fitted to, and how well it fits. */
export interface FittedTo {
  /** Error of the duration of a step. */
  readonly error: ModelError;
  /** Error of the duration of whole runs, start-up and test passes included. */
  readonly timeError: RunError;
  /** Error of the cost of whole runs; undefined where none had a price. */
  readonly costError: RunError | undefined;
  readonly points: number;
  readonly measuredWorkers: readonly number[];
  readonly batches: readonly number[];
  readonly outside: OutsideSteps;
}

/** A model of fleets of equal workers. */
export interface KindModel extends FittedTo {
  readonly kind: string;
  readonly model: StepModel;
}

/** A model of fleets of several kinds, fitted to fleets of these kinds together and alone. */
export interface MixedModel extends FittedTo {
  readonly kinds: readonly string[];
  readonly model: MixedStepModel;
}

export interface KindRuns {
  readonly kind: WorkerKind;
  /** The same for workers of all prices. */
  readonly name: string;
  /** The prices that workers of this kind had, and whether nobody had given them. */
  readonly prices: readonly { readonly usdPerHour: number; readonly assumed: boolean }[];
  /** Runs of this kind alone. */
  readonly runs: readonly ComparedRun[];
}

/** Groups workers by what they compute with: workers of all prices are one kind here. */
export function kindsOf(runs: readonly ComparedRun[]): readonly KindRuns[] {
  const groups = new Map<string, Omit<KindRuns, 'name'>>();
  for (const run of runs) {
    const fleet = countKinds(run.summary.workers);
    const alone = speedKeysOf(run).length === 1;
    for (const { kind } of fleet) {
      const group = groups.get(kind.speedKey) ?? { kind, prices: [], runs: [] };
      const { usdPerHour, priceAssumed: assumed } = kind;
      const known = group.prices.some((price) => price.usdPerHour === usdPerHour && price.assumed === assumed);
      const prices = usdPerHour === undefined || known ? group.prices : [...group.prices, { usdPerHour, assumed }];
      const own = alone && !group.runs.includes(run) ? [...group.runs, run] : group.runs;
      groups.set(kind.speedKey, { kind, prices, runs: own });
    }
  }
  const priceless = ({ kind }: Pick<KindRuns, 'kind'>) => ({ ...kind, priceKey: kind.speedKey, usdPerHour: undefined });
  const { kindName } = createNaming([...groups.values()].map(priceless));
  return [...groups.values()].map((group) => ({ ...group, name: kindName(priceless(group)) }));
}

function speedKeysOf({ summary }: ComparedRun): readonly string[] {
  return [...new Set(countKinds(summary.workers).map(({ kind }) => kind.speedKey))];
}

/** Kinds that were measured together in one fleet, directly or through a third kind, and all runs of these kinds. */
export interface Mixture {
  readonly kinds: readonly KindRuns[];
  readonly runs: readonly ComparedRun[];
}

export function namesOf({ kinds }: Mixture): readonly string[] {
  return kinds.map(({ name }) => name);
}

export function mixturesOf(kinds: readonly KindRuns[], runs: readonly ComparedRun[]): readonly Mixture[] {
  let groups = kinds.map(({ kind }) => [kind.speedKey]);
  for (const run of runs) {
    const keys = speedKeysOf(run);
    const joined = groups.filter((group) => group.some((key) => keys.includes(key)));
    groups = [...groups.filter((group) => !joined.includes(group)), joined.flat()];
  }
  return groups
    .filter((group) => group.length > 1)
    .map((group) => ({
      kinds: kinds.filter(({ kind }) => group.includes(kind.speedKey)),
      runs: runs.filter((run) => speedKeysOf(run).every((key) => group.includes(key))),
    }));
}

export function modelKind({ name, runs }: KindRuns): KindModel {
  const points = pointsOf(runs, ({ summary }) => [summary.world_size]);
  const steps = points.map(({ counts: [workers = 0], batch, seconds }) => ({ workers, batch, seconds }));
  const { model, error } = fitStepModel(steps);
  const fitted = fittedTo(runs, points, {
    speedOf: ({ summary }) => summary.world_size,
    stepOf: ({ summary }) => modelledStepSeconds(model, summary.world_size, summary.global_batch_size),
  });
  return { kind: name, model, error, ...fitted };
}

export function modelMixture(mixture: Mixture): MixedModel {
  const { kinds, runs } = mixture;
  const countsOf = ({ summary }: ComparedRun) =>
    kinds.map(({ kind }) => summary.workers.filter((worker) => kindOf(worker).speedKey === kind.speedKey).length);
  const points = pointsOf(runs, countsOf);
  const { model, error } = fitMixedStepModel(points);
  const fitted = fittedTo(runs, points, {
    speedOf: (run) => speedOfCounts(model, countsOf(run)),
    stepOf: (run) => mixedStepSeconds(model, countsOf(run), run.summary.global_batch_size),
  });
  return { kinds: namesOf(mixture), model, error, ...fitted };
}

/** Speed of a fleet in workers of the first kind. @param counts workers of each kind */
export function speedOfCounts({ computePerSample }: MixedStepModel, counts: readonly number[]): number {
  const [first = 1] = computePerSample;
  return counts.reduce(
    (sum, count, kind) => sum + (count === 0 ? 0 : (count * first) / (computePerSample[kind] ?? 1)),
    0,
  );
}

interface Point {
  /** Workers of each kind. */
  readonly counts: readonly number[];
  readonly batch: number;
  readonly seconds: number;
}

/** One point for each fleet and batch; its seconds are the geometric mean over its runs. */
function pointsOf(runs: readonly ComparedRun[], countsOf: (run: ComparedRun) => readonly number[]): readonly Point[] {
  const points = new Map<string, { counts: readonly number[]; batch: number; seconds: readonly number[] }>();
  for (const run of runs) {
    const { global_batch_size: batch, train_seconds, steps } = run.summary;
    const counts = countsOf(run);
    const key = `${counts.join()} ${batch}`;
    points.set(key, { counts, batch, seconds: [...(points.get(key)?.seconds ?? []), train_seconds / steps] });
  }
  return [...points.values()].map((point) => ({ ...point, seconds: meanEstimate(point.seconds).value }));
}

interface RunModel {
  /** Speed of a run's workers together, in workers of the first kind. */
  readonly speedOf: (run: ComparedRun) => number;
  /** Modelled seconds of a step. */
  readonly stepOf: (run: ComparedRun) => number;
}

function fittedTo(
  runs: readonly ComparedRun[],
  points: readonly Point[],
  { speedOf, stepOf }: RunModel,
): Omit<FittedTo, 'error'> {
  const outside = fitOutsideSteps(runs, speedOf);
  const modelled = runs.map((run) => {
    const { summary } = run;
    const paid = paidSeconds(outside, {
      workers: summary.world_size,
      speed: speedOf(run),
      stepSeconds: summary.steps * stepOf(run),
      evaluations: summary.epochs.length,
      testImages: summary.dataset.test,
    });
    const measuredUsd = summary.cost_usd_total - summary.former_workers_cost_usd;
    return {
      time: (outside.leadSeconds + paid) / runSeconds(summary),
      cost: measuredUsd > 0 ? [accruedCostUsd(summary.price_usd_per_hour ?? 0, paid) / measuredUsd] : [],
    };
  });
  const costs = modelled.flatMap(({ cost }) => cost);
  return {
    points: points.length,
    measuredWorkers: distinct(points.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0))),
    batches: distinct(points.map(({ batch }) => batch)),
    outside,
    timeError: errorOf(modelled.map(({ time }) => time)),
    costError: costs.length === 0 ? undefined : errorOf(costs),
  };
}

/** @param ratios modelled over measured */
function errorOf(ratios: readonly number[]): RunError {
  const errors = ratios.map((ratio) => Math.abs(ratio - 1));
  return { mean: errors.reduce((sum, error) => sum + error, 0) / errors.length, worst: Math.max(...errors) };
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
