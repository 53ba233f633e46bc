/** Predicts fleets that were not measured with models of fleets that were. Pure. */
import { badInput, messageOf, PennygradError } from '../../shared/core/errors.ts';
import { comparableRuns, whyLeftOut } from '../comparison/comparable-runs.ts';
import type { ComparedRun } from '../comparison/compared-fleets.ts';
import type { WorkerKind } from '../comparison/worker-kind.ts';
import { accruedCostUsd } from '../ledger/cost.ts';
import { mixedStepSeconds } from '../models/mixed-step-model.ts';
import { modelledStepSeconds } from '../models/step-model.ts';
import { uncertainFront, type WayRatio } from '../models/uncertain-choice.ts';
import type { Summary } from '../record/summary.ts';
import {
  type FittedTo,
  type KindModel,
  type KindRuns,
  kindsOf,
  type MixedModel,
  type Mixture,
  mixturesOf,
  modelKind,
  modelMixture,
  namesOf,
  speedOfCounts,
} from './fleet-models.ts';
import { paidSeconds } from './outside-steps.ts';

/** A price at which workers of a kind can be rented. */
export interface Offer {
  readonly label: string;
  readonly usdPerHour: number;
}

export interface PlanOptions {
  readonly epochs: number;
  /** Largest fleet to consider; undefined: twice the largest that was measured. */
  readonly mostWorkers: number | undefined;
  readonly targetSeconds: number | undefined;
  readonly budgetUsd: number | undefined;
  readonly offersOf: (kind: WorkerKind) => readonly Offer[];
}

/** One way to do the whole run, from start-up to the last test pass. */
export interface PlannedWay {
  /** `wasm`, or `wasm + cpu` for a mixed fleet. */
  readonly kind: string;
  /** `1 × wasm + 2 × cpu` */
  readonly fleet: string;
  /** Where its prices come from. */
  readonly offer: string;
  readonly workers: number;
  readonly globalBatchSize: number;
  /** All workers together. */
  readonly usdPerHour: number;
  /** Counted from the start of the coordinator. Workers cost money only from their own start on. */
  readonly seconds: number;
  readonly usd: number;
  /** The fleet has more workers than any that was measured. */
  readonly extrapolated: boolean;
}

export interface Plan {
  readonly basis: 'modelled';
  readonly models: readonly KindModel[];
  readonly mixed: readonly MixedModel[];
  /** Kinds without a model, and why. */
  readonly left: readonly { readonly kind: string; readonly reason: string }[];
  /** Runs that no model was fitted to, and why. */
  readonly leftRuns: readonly { readonly folder: string; readonly reason: string }[];
  /** The ways that no other beats in both time and cost, fastest first. */
  readonly front: readonly PlannedWay[];
  /** The cheapest way within the target time, or the fastest within the budget; undefined when neither was given. */
  readonly chosen: PlannedWay | undefined;
}

/**
 * Kinds that were measured together in one fleet are planned together, in any combination. A kind with enough points of
 * its own has a model of its own, for fleets of that kind alone.
 * @throws bad-input when no kind has enough points for a model, none has a price, or no way meets the target and the budget
 */
export function planRuns(runs: readonly ComparedRun[], options: PlanOptions): Plan {
  const used = comparableRuns(runs);
  const { dataset } = used[0].summary;
  const kinds = kindsOf(used);
  const left: { kind: string; reason: string }[] = [];
  const attempt = <Model>(name: string, model: () => Model): readonly Model[] => {
    try {
      return [model()];
    } catch (error) {
      if (!(error instanceof PennygradError)) throw error;
      left.push({ kind: name, reason: messageOf(error) });
      return [];
    }
  };
  const mixed = mixturesOf(kinds, used).flatMap((mixture) =>
    attempt(namesOf(mixture).join(' + '), () => ({ mixture, fitted: modelMixture(mixture) })),
  );
  const together = new Set(mixed.flatMap(({ mixture }) => mixture.kinds));
  const equal = kinds.flatMap((group) => {
    if (group.runs.length === 0) return [];
    const before = left.length;
    const models = attempt(group.name, () => ({ group, fitted: modelKind(group) }));
    // A kind without a model of its own is not left out when it is planned together with others.
    if (together.has(group)) left.splice(before);
    return models;
  });
  if (equal.length + mixed.length === 0) {
    const [reason] = left;
    throw badInput(reason === undefined ? 'none of the runs can be modelled' : `${reason.kind}: ${reason.reason}`);
  }
  const own = new Set(equal.map(({ group }) => group));
  const ways = [
    ...equal.flatMap(({ group, fitted }) => waysOf(fitted, offersFor(group, options), dataset, options)),
    ...mixed.flatMap(({ mixture, fitted }) => mixedWaysOf(mixture, fitted, own, dataset, options)),
  ];
  if (ways.length === 0) throw badInput('none of the modelled workers has a price: set one with --price');
  const front = uncertainFront(ways, ratioOfWays).toSorted((a, b) => a.seconds - b.seconds);
  return {
    basis: 'modelled',
    models: equal.map(({ fitted }) => fitted),
    mixed: mixed.map(({ fitted }) => fitted),
    left,
    front,
    chosen: choose(front, options),
    leftRuns: runs.flatMap((run) => {
      const reason = whyLeftOut(run);
      return reason === undefined ? [] : [{ folder: run.folder, reason }];
    }),
  };
}

function ratioOfWays(way: PlannedWay, other: PlannedWay): WayRatio {
  return {
    seconds: { value: way.seconds / other.seconds, interval: undefined },
    usd: { value: way.usd / other.usd, interval: undefined },
  };
}

function offersFor({ kind, prices }: KindRuns, { offersOf }: PlanOptions): readonly Offer[] {
  const offers = offersOf(kind);
  return offers.length > 0
    ? offers
    : prices.map(({ usdPerHour, assumed }) => ({ label: assumed ? 'as assumed' : 'as measured', usdPerHour }));
}

function waysOf(
  fitted: KindModel,
  offers: readonly Offer[],
  dataset: Summary['dataset'],
  options: PlanOptions,
): readonly PlannedWay[] {
  const { most, extrapolated } = reachOf(fitted, options);
  const counts = Array.from({ length: most }, (_, index) => index + 1);
  return fitted.batches.flatMap((globalBatchSize) =>
    counts
      .filter((workers) => workers <= globalBatchSize)
      .flatMap((workers) => {
        const step = modelledStepSeconds(fitted.model, workers, globalBatchSize);
        const fleet = { workers, speed: workers, stepSeconds: step, globalBatchSize };
        const { seconds, paid } = totalSeconds(fitted, fleet, dataset, options);
        return offers.map(({ label, usdPerHour }) => ({
          kind: fitted.kind,
          fleet: `${workers} × ${fitted.kind}`,
          offer: label,
          workers,
          globalBatchSize,
          seconds,
          usdPerHour: workers * usdPerHour,
          usd: accruedCostUsd(workers * usdPerHour, paid),
          extrapolated: extrapolated(workers),
        }));
      }),
  );
}

/**
 * Fleets of the kinds in any combination, each worker at its kind's lowest price.
 * @param modelled kinds with a model of their own, which covers fleets of that kind alone
 */
function mixedWaysOf(
  { kinds }: Mixture,
  fitted: MixedModel,
  modelled: ReadonlySet<KindRuns>,
  dataset: Summary['dataset'],
  options: PlanOptions,
): readonly PlannedWay[] {
  const offers = kinds.map((kind) => offersFor(kind, options).toSorted((a, b) => a.usdPerHour - b.usdPerHour)[0]);
  const { most, extrapolated } = reachOf(fitted, options);
  const fleets = fleetsUpTo(most, kinds.length).filter((counts) => {
    const used = counts.flatMap((count, at) => (count > 0 ? [at] : []));
    const [first] = used.map((at) => kinds[at]);
    const isOwn = used.length === 1 && first !== undefined && modelled.has(first);
    return used.every((at) => offers[at] !== undefined) && !isOwn;
  });
  return fitted.batches.flatMap((globalBatchSize) =>
    fleets.flatMap((counts): readonly PlannedWay[] => {
      const workers = counts.reduce((sum, count) => sum + count, 0);
      if (workers > globalBatchSize) return [];
      const step = mixedStepSeconds(fitted.model, counts, globalBatchSize);
      const fleet = { workers, speed: speedOfCounts(fitted.model, counts), stepSeconds: step, globalBatchSize };
      const { seconds, paid } = totalSeconds(fitted, fleet, dataset, options);
      const used = counts.flatMap((count, at) =>
        count > 0 ? [{ count, name: fitted.kinds[at], offer: offers[at] }] : [],
      );
      const usdPerHour = used.reduce((sum, { count, offer }) => sum + count * (offer?.usdPerHour ?? 0), 0);
      return [
        {
          kind: used.map(({ name }) => name).join(' + '),
          fleet: used.map(({ count, name }) => `${count} × ${name}`).join(' + '),
          offer: [...new Set(used.map(({ offer }) => offer?.label))].join(' + '),
          workers,
          globalBatchSize,
          usdPerHour,
          seconds,
          usd: accruedCostUsd(usdPerHour, paid),
          extrapolated: extrapolated(workers),
        },
      ];
    }),
  );
}

/** Every combination of counts of `kinds` kinds that sums to 1 up to `most`. */
function fleetsUpTo(most: number, kinds: number): readonly (readonly number[])[] {
  const grow = (counts: readonly number[], left: number): readonly (readonly number[])[] =>
    counts.length === kinds
      ? [counts]
      : Array.from({ length: left + 1 }, (_, count) => grow([...counts, count], left - count)).flat();
  return grow([], most).filter((counts) => counts.some((count) => count > 0));
}

/** The largest fleet to plan, and whether a fleet of a size is larger than any that was measured. */
function reachOf({ measuredWorkers }: FittedTo, { mostWorkers }: PlanOptions) {
  const measured = Math.max(...measuredWorkers);
  return { most: mostWorkers ?? 2 * measured, extrapolated: (workers: number) => workers > measured };
}

/** Duration of the whole run on a fleet, and the part of it that each worker is paid for. */
function totalSeconds(
  { outside }: FittedTo,
  fleet: {
    readonly workers: number;
    readonly speed: number;
    readonly stepSeconds: number;
    readonly globalBatchSize: number;
  },
  { train, test }: Summary['dataset'],
  { epochs }: PlanOptions,
): { readonly seconds: number; readonly paid: number } {
  const paid = paidSeconds(outside, {
    workers: fleet.workers,
    speed: fleet.speed,
    stepSeconds: epochs * Math.ceil(train / fleet.globalBatchSize) * fleet.stepSeconds,
    evaluations: epochs,
    testImages: test,
  });
  return { seconds: outside.leadSeconds + paid, paid };
}

function choose(front: readonly PlannedWay[], { targetSeconds, budgetUsd }: PlanOptions): PlannedWay | undefined {
  const [fastest, cheapest] = [front[0], front.at(-1)];
  if (targetSeconds === undefined && budgetUsd === undefined) return undefined;
  const within = front.filter(
    ({ seconds, usd }) =>
      seconds <= (targetSeconds ?? Number.POSITIVE_INFINITY) && usd <= (budgetUsd ?? Number.POSITIVE_INFINITY),
  );
  // The front is ordered fastest first, so the last way within the target time is the cheapest.
  const chosen = targetSeconds === undefined ? within[0] : within.at(-1);
  if (chosen === undefined) {
    throw badInput(
      `no modelled fleet meets that: the fastest takes ${fastest?.seconds.toPrecision(3)} s and the cheapest costs ` +
        `$${cheapest?.usd.toPrecision(2)}; raise --target-seconds or --budget-usd, or train fewer --epochs`,
    );
  }
  return chosen;
}
