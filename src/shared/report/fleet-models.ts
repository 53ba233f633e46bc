/** Models of how long steps take, fitted to measured fleets. Pure. */
import { meanEstimate } from '../core/confidence.ts';
import { fitMixedStepModel, type MixedStepModel } from '../core/mixed-step-model.ts';
import { fitStepModel, type ModelError, type StepModel } from '../core/step-model.ts';
import type { ComparedRun } from './compared-fleets.ts';
import { countKinds, kindOf, type WorkerKind } from './worker-kind.ts';

/** What a model rests on, and what it leaves out. */
export interface FittedTo {
  readonly error: ModelError;
  readonly points: number;
  readonly measuredWorkers: readonly number[];
  readonly batches: readonly number[];
  readonly startupSeconds: number;
  /** A test pass. */
  readonly evaluateSeconds: number;
}

/** Of workers that are all alike. */
export interface KindModel extends FittedTo {
  readonly kind: string;
  readonly model: StepModel;
}

/** Of kinds that were measured together; fleets of one of them alone are among its points. */
export interface MixedModel extends FittedTo {
  readonly kinds: readonly string[];
  readonly model: MixedStepModel;
}

export interface KindRuns {
  readonly kind: WorkerKind;
  /** Prices that workers of this kind were run at. */
  readonly prices: readonly number[];
  /** Of fleets of equals. */
  readonly runs: readonly ComparedRun[];
}

/** Kinds by what they compute with. */
export function kindsOf(runs: readonly ComparedRun[]): readonly KindRuns[] {
  const groups = new Map<string, KindRuns>();
  for (const run of runs) {
    const fleet = countKinds(run.summary.workers);
    const alone = speedKeysOf(run).length === 1;
    for (const { kind } of fleet) {
      const group = groups.get(kind.speedKey) ?? { kind, prices: [], runs: [] };
      const prices = kind.usdPerHour === undefined ? group.prices : [...new Set([...group.prices, kind.usdPerHour])];
      const own = alone && !group.runs.includes(run) ? [...group.runs, run] : group.runs;
      groups.set(kind.speedKey, { kind, prices, runs: own });
    }
  }
  return [...groups.values()];
}

function speedKeysOf({ summary }: ComparedRun): readonly string[] {
  return [...new Set(countKinds(summary.workers).map(({ kind }) => kind.speedKey))];
}

/** Kinds that fleets join, directly or through others, and all runs of them. */
export interface Mixture {
  readonly kinds: readonly KindRuns[];
  readonly runs: readonly ComparedRun[];
}

export function namesOf({ kinds }: Mixture): readonly string[] {
  return kinds.map(({ kind }) => kind.name);
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

export function modelKind({ kind, runs }: KindRuns): KindModel {
  const points = pointsOf(runs, ({ summary }) => [summary.world_size]);
  const steps = points.map(({ counts: [workers = 0], batch, seconds }) => ({ workers, batch, seconds }));
  return { kind: kind.name, ...fitStepModel(steps), ...fittedTo(runs, points) };
}

export function modelMixture({ kinds, runs }: Mixture): MixedModel {
  const points = pointsOf(runs, ({ summary }) =>
    kinds.map(({ kind }) => summary.workers.filter((worker) => kindOf(worker).speedKey === kind.speedKey).length),
  );
  return { kinds: kinds.map(({ kind }) => kind.name), ...fitMixedStepModel(points), ...fittedTo(runs, points) };
}

interface Point {
  /** Workers of each kind. */
  readonly counts: readonly number[];
  readonly batch: number;
  readonly seconds: number;
}

/** Seconds of a step of each fleet and batch: the geometric mean of its runs. */
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

function fittedTo(runs: readonly ComparedRun[], points: readonly Point[]): Omit<FittedTo, 'error'> {
  const evaluations = runs.flatMap(({ summary }) => summary.epochs.map(({ evaluate_seconds }) => evaluate_seconds));
  return {
    points: points.length,
    measuredWorkers: distinct(points.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0))),
    batches: distinct(points.map(({ batch }) => batch)),
    startupSeconds: mean(runs.flatMap(({ summary }) => summary.seconds_to_first_step ?? [])),
    evaluateSeconds: mean(evaluations),
  };
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** 0 where nothing was measured. */
function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
