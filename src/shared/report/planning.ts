/** Fleets that were not measured, foretold by a model of those that were. Pure. */
import { meanEstimate } from '../core/confidence.ts';
import { accruedCostUsd } from '../core/cost.ts';
import { badInput, messageOf, PennygradError } from '../core/errors.ts';
import { paretoFront } from '../core/scaling.ts';
import { fitStepModel, type ModelError, modelledStepSeconds, type StepModel } from '../core/step-model.ts';
import { type ComparedRun, comparableRuns } from './comparison.ts';
import { countKinds, type WorkerKind } from './worker-kind.ts';

/** A price at which workers of a kind are to be had. */
export interface Offer {
  readonly label: string;
  readonly usdPerHour: number;
}

export interface PlanOptions {
  readonly epochs: number;
  /** Fleets of up to so many workers; undefined: twice as many as were measured. */
  readonly mostWorkers: number | undefined;
  readonly targetSeconds: number | undefined;
  readonly budgetUsd: number | undefined;
  readonly offersOf: (kind: WorkerKind) => readonly Offer[];
}

/** A way to train: equal workers, all the work from start-up to the last test pass. */
export interface PlannedWay {
  readonly kind: string;
  readonly offer: string;
  readonly workers: number;
  readonly globalBatchSize: number;
  /** Of all workers. */
  readonly usdPerHour: number;
  readonly seconds: number;
  readonly usd: number;
  /** More workers than were measured. */
  readonly extrapolated: boolean;
}

export interface KindModel {
  readonly kind: string;
  readonly model: StepModel;
  readonly error: ModelError;
  readonly points: number;
  readonly measuredWorkers: readonly number[];
  readonly batches: readonly number[];
  readonly startupSeconds: number;
  /** A test pass. */
  readonly evaluateSeconds: number;
}

export interface Plan {
  readonly basis: 'modelled';
  readonly models: readonly KindModel[];
  /** Kinds that have no model, and why. */
  readonly left: readonly { readonly kind: string; readonly reason: string }[];
  /** What no other way beats in time and cost, fastest first. */
  readonly front: readonly PlannedWay[];
  /** The cheapest way within the target time, or the fastest under the budget; undefined when nothing was asked for. */
  readonly chosen: PlannedWay | undefined;
}

/**
 * @throws bad-input when no kind of worker has enough points for a model or any price, or nothing meets what was asked
 */
export function planRuns(runs: readonly ComparedRun[], options: PlanOptions): Plan {
  const [first, ...others] = comparableRuns(runs);
  const { train } = first.summary.dataset;
  const kinds = kindsOf([first, ...others]);
  const left: { kind: string; reason: string }[] = [];
  const models = kinds.flatMap((group) => {
    try {
      return [{ group, fitted: modelKind(group) }];
    } catch (error) {
      if (!(error instanceof PennygradError)) throw error;
      left.push({ kind: group.kind.name, reason: messageOf(error) });
      return [];
    }
  });
  if (models.length === 0) {
    const [reason] = left;
    throw badInput(
      reason === undefined ? 'only fleets of equal workers can be modelled' : `${reason.kind}: ${reason.reason}`,
    );
  }
  const ways = models.flatMap(({ group, fitted }) => waysOf(fitted, offersFor(group, options), train, options));
  if (ways.length === 0) throw badInput('none of the modelled workers has a price: give one with --price');
  const front = paretoFront(ways);
  return { basis: 'modelled', models: models.map(({ fitted }) => fitted), left, front, chosen: choose(front, options) };
}

interface KindRuns {
  readonly kind: WorkerKind;
  /** Prices that workers of this kind were run at. */
  readonly prices: readonly number[];
  readonly runs: readonly ComparedRun[];
}

/** Runs of equal workers, by what those compute with. */
function kindsOf(runs: readonly ComparedRun[]): readonly KindRuns[] {
  const groups = new Map<string, KindRuns>();
  for (const run of runs) {
    const [only, ...more] = countKinds(run.summary.workers);
    if (only === undefined || more.length > 0) continue;
    const { kind } = only;
    const group = groups.get(kind.speedKey) ?? { kind, prices: [], runs: [] };
    const prices = kind.usdPerHour === undefined ? group.prices : [...new Set([...group.prices, kind.usdPerHour])];
    groups.set(kind.speedKey, { kind, prices, runs: [...group.runs, run] });
  }
  return [...groups.values()];
}

function modelKind({ kind, runs }: KindRuns): KindModel {
  const points = new Map<string, { workers: number; batch: number; seconds: readonly number[] }>();
  for (const { summary } of runs) {
    const [workers, batch] = [summary.world_size, summary.global_batch_size];
    const key = `${workers} ${batch}`;
    const seconds = [...(points.get(key)?.seconds ?? []), summary.train_seconds / summary.steps];
    points.set(key, { workers, batch, seconds });
  }
  const steps = [...points.values()].map((point) => ({ ...point, seconds: meanEstimate(point.seconds).value }));
  const evaluations = runs.flatMap(({ summary }) => summary.epochs.map(({ evaluate_seconds }) => evaluate_seconds));
  return {
    kind: kind.name,
    ...fitStepModel(steps),
    points: steps.length,
    measuredWorkers: distinct(steps.map(({ workers }) => workers)),
    batches: distinct(steps.map(({ batch }) => batch)),
    startupSeconds: mean(runs.flatMap(({ summary }) => summary.seconds_to_first_step ?? [])),
    evaluateSeconds: mean(evaluations),
  };
}

function offersFor({ kind, prices }: KindRuns, { offersOf }: PlanOptions): readonly Offer[] {
  const offers = offersOf(kind);
  return offers.length > 0 ? offers : prices.map((usdPerHour) => ({ label: 'as measured', usdPerHour }));
}

function waysOf(
  fitted: KindModel,
  offers: readonly Offer[],
  train: number,
  options: PlanOptions,
): readonly PlannedWay[] {
  const measured = Math.max(...fitted.measuredWorkers);
  const counts = Array.from({ length: options.mostWorkers ?? 2 * measured }, (_, index) => index + 1);
  return fitted.batches.flatMap((globalBatchSize) =>
    counts
      .filter((workers) => workers <= globalBatchSize)
      .flatMap((workers) => {
        const steps = Math.ceil(train / globalBatchSize);
        const training = steps * modelledStepSeconds(fitted.model, workers, globalBatchSize);
        const seconds = fitted.startupSeconds + options.epochs * (training + fitted.evaluateSeconds);
        return offers.map(({ label, usdPerHour }) => ({
          ...{ kind: fitted.kind, offer: label, workers, globalBatchSize, seconds },
          usdPerHour: workers * usdPerHour,
          usd: accruedCostUsd(workers * usdPerHour, seconds),
          extrapolated: workers > measured,
        }));
      }),
  );
}

function choose(front: readonly PlannedWay[], { targetSeconds, budgetUsd }: PlanOptions): PlannedWay | undefined {
  const [fastest, cheapest] = [front[0], front.at(-1)];
  if (targetSeconds === undefined && budgetUsd === undefined) return undefined;
  const within = front.filter(
    ({ seconds, usd }) =>
      seconds <= (targetSeconds ?? Number.POSITIVE_INFINITY) && usd <= (budgetUsd ?? Number.POSITIVE_INFINITY),
  );
  // Fastest first: the last that is in time is the cheapest.
  const chosen = targetSeconds === undefined ? within[0] : within.at(-1);
  if (chosen === undefined) {
    throw badInput(
      `nothing modelled meets that: the fastest way takes ${fastest?.seconds.toPrecision(3)} s and the cheapest costs ` +
        `$${cheapest?.usd.toPrecision(2)}; raise --target-seconds or --budget-usd, or train fewer --epochs`,
    );
  }
  return chosen;
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** 0 where nothing was measured. */
function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
