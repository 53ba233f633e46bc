/** Models of the duration of a step, fitted to measured fleets. Pure. */

import { meanOf, sumOf } from '../../shared/core/sums.ts';
import type { ComparedRun } from '../comparison/compared-fleets.ts';
import { createNaming } from '../comparison/kind-names.ts';
import { aliveSecondsOf, runSeconds } from '../comparison/run-times.ts';
import { countKinds, kindOf, type WorkerKind } from '../comparison/worker-kind.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import { meanEstimate } from '../models/confidence.ts';
import { fitMixedStepModel, type MixedStepModel, mixedStepSeconds } from '../models/mixed-step-model.ts';
import { fitStepModel, type ModelError, modelledStepSeconds, type StepModel } from '../models/step-model.ts';
import { fitOutsideSteps, type OutsideSteps, paidSeconds } from './outside-steps.ts';
import { foretoldSpread, type RunRatio, type RunSpread, repeatSpread } from './run-spread.ts';

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
  /** The points, each with the time of a step in its own runs. */
  readonly measured: readonly MeasuredPoint[];
  /** How far runs are from what is planned by the mean of their own point; undefined without repeats. */
  readonly repeatSpread: RunSpread | undefined;
  /** How far runs are from what the other points foretell; undefined where those are too few for that. */
  readonly foretoldSpread: RunSpread | undefined;
  readonly measuredWorkers: readonly number[];
  readonly batches: readonly number[];
  readonly outside: OutsideSteps;
}

/** A fleet with a batch size that was measured. */
export interface MeasuredPoint {
  /** Workers of each kind. */
  readonly counts: readonly number[];
  readonly batch: number;
  /** Duration of a step; the geometric mean over its runs. */
  readonly seconds: number;
  /** Number of its runs. */
  readonly runs: number;
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

/** A price that workers of a kind had. */
export interface KindPrice {
  readonly usdPerHour: number;
  /** Nobody had given it. */
  readonly assumed: boolean;
  /** The workers' label, which names who bills them and how; undefined where no rule is known. */
  readonly label: string | undefined;
}

export interface KindRuns {
  readonly kind: WorkerKind;
  /** The same for workers of all prices. */
  readonly name: string;
  readonly prices: readonly KindPrice[];
  /** Runs of this kind alone. */
  readonly runs: readonly ComparedRun[];
}

/** Groups workers by what they compute with: workers of all prices are one kind here. */
export function kindsOf(runs: readonly ComparedRun[]): readonly KindRuns[] {
  const groups = new Map<string, Omit<KindRuns, 'name'>>();
  for (const run of runs) {
    const alone = speedKeysOf(run).length === 1;
    for (const worker of run.summary.workers) {
      const kind = kindOf(worker);
      const group = groups.get(kind.speedKey) ?? { kind, prices: [], runs: [] };
      const { usdPerHour, priceAssumed: assumed } = kind;
      const label = worker.billing && worker.gpu;
      const known = group.prices.some(
        (price) => price.usdPerHour === usdPerHour && price.assumed === assumed && price.label === label,
      );
      const prices =
        usdPerHour === undefined || known ? group.prices : [...group.prices, { usdPerHour, assumed, label }];
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
  const { model, error, foretold } = fitStepModel(steps);
  const fitted = fittedTo(points, {
    unknowns: 3,
    foretold,
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
  const { model, error, foretold } = fitMixedStepModel(points);
  const fitted = fittedTo(points, {
    unknowns: kinds.length + 2,
    foretold,
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

interface Point extends Omit<MeasuredPoint, 'runs'> {
  readonly runs: readonly ComparedRun[];
}

/** One point for each fleet and batch. */
function pointsOf(runs: readonly ComparedRun[], countsOf: (run: ComparedRun) => readonly number[]): readonly Point[] {
  const points = new Map<string, Omit<Point, 'seconds'>>();
  for (const run of runs) {
    const batch = run.summary.global_batch_size;
    const counts = countsOf(run);
    const key = `${counts.join()} ${batch}`;
    points.set(key, { counts, batch, runs: [...(points.get(key)?.runs ?? []), run] });
  }
  return [...points.values()].map((point) => ({
    ...point,
    seconds: meanEstimate(point.runs.map(({ summary }) => summary.train_seconds / summary.steps)).value,
  }));
}

interface PointModel {
  /** Terms of the model of a step. */
  readonly unknowns: number;
  /** Seconds of a step of each point, as the other points predict it. */
  readonly foretold: readonly (number | undefined)[];
  /** Speed of a run's workers together, in workers of the first kind. */
  readonly speedOf: (run: ComparedRun) => number;
  /** Modelled seconds of a step. */
  readonly stepOf: (run: ComparedRun) => number;
}

function fittedTo(
  points: readonly Point[],
  { unknowns, foretold, speedOf, stepOf }: PointModel,
): Omit<FittedTo, 'error'> {
  const runs = points.flatMap((point) => point.runs);
  const outside = fitOutsideSteps(runs, speedOf);
  const ratiosOf = (stepSeconds: (run: ComparedRun) => number, around: OutsideSteps) => (run: ComparedRun) =>
    ratioToRun(run, stepSeconds(run), around, speedOf(run));
  const modelled = runs.map(ratiosOf(stepOf, outside));
  const costs = runs.map(costRatioOf(modelled)).filter((ratio) => ratio !== undefined);
  const others = points.map((point) =>
    fitOutsideSteps(
      runs.filter((run) => !point.runs.includes(run)),
      speedOf,
    ),
  );
  return {
    points: points.length,
    measured: points.map((point) => ({ ...point, runs: point.runs.length })),
    repeatSpread: repeatSpread(points.map((point) => point.runs.map(ratiosOf(() => point.seconds, outside)))),
    foretoldSpread: foretoldSpread(
      points.map((point, index) => {
        const seconds = foretold[index];
        return seconds === undefined ? [] : point.runs.map(ratiosOf(() => seconds, others[index] ?? outside));
      }),
      unknowns,
    ),
    measuredWorkers: distinct(points.map(({ counts }) => sumOf(counts))),
    batches: distinct(points.map(({ batch }) => batch)),
    outside,
    timeError: errorOf(modelled.map(({ time }) => time)),
    costError: costs.length === 0 ? undefined : errorOf(costs),
  };
}

/** Planned over measured, of one run: its duration, and the time that its workers are paid for. */
function ratioToRun({ summary }: ComparedRun, stepSeconds: number, outside: OutsideSteps, speed: number): RunRatio {
  const paid = paidSeconds(outside, {
    workers: summary.world_size,
    speed,
    stepSeconds: summary.steps * stepSeconds,
    evaluations: summary.epochs.length,
    testImages: summary.dataset.test,
  });
  return { time: (outside.leadSeconds + paid) / runSeconds(summary), paid: paid / aliveSecondsOf(summary) };
}

/** Planned over measured cost of each run; undefined for a free one. Workers that left before training do not count. */
function costRatioOf(modelled: readonly RunRatio[]) {
  return ({ summary }: ComparedRun, index: number): number | undefined => {
    const measuredUsd = summary.cost_usd_total - summary.former_workers_cost_usd;
    const paid = (modelled[index]?.paid ?? 0) * aliveSecondsOf(summary);
    return measuredUsd > 0 ? accruedCostUsd(summary.price_usd_per_hour ?? 0, paid) / measuredUsd : undefined;
  };
}

/** @param ratios modelled over measured */
function errorOf(ratios: readonly number[]): RunError {
  const errors = ratios.map((ratio) => Math.abs(ratio - 1));
  return { mean: meanOf(errors), worst: Math.max(...errors) };
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
