/** Plans runs of fleets, from measurements of their own or from models of other fleets. Pure. */
import { badInput, messageOf, PennygradError } from '../../shared/core/errors.ts';
import { formatPercent } from '../../shared/core/number-format.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { comparableRuns, whyLeftOut } from '../comparison/comparable-runs.ts';
import type { ComparedRun } from '../comparison/compared-fleets.ts';
import { type EpochsNeeded, epochsNeeded, reachedAccuracy } from '../comparison/reached-accuracy.ts';
import { type MissedAccuracy, missedAccuracy } from '../comparison/to-accuracy.ts';
import type { WorkerKind } from '../comparison/worker-kind.ts';
import { billedCostUsd } from '../ledger/cost.ts';
import { mixedStepSeconds } from '../models/mixed-step-model.ts';
import { modelledStepSeconds } from '../models/step-model.ts';
import { uncertainFront } from '../models/uncertain-choice.ts';
import { billingOf, rentalRule, type SourcedBillingRule } from '../prices/billing-rules.ts';
import type { Summary } from '../record/summary.ts';
import { type Choice, chooseWay } from './choose-way.ts';
import {
  type FittedTo,
  type KindModel,
  type KindRuns,
  kindsOf,
  type MeasuredPoint,
  type MixedModel,
  type Mixture,
  mixturesOf,
  modelKind,
  modelMixture,
  namesOf,
  speedOfCounts,
} from './fleet-models.ts';
import { paidSeconds } from './outside-steps.ts';
import {
  type Candidate,
  modelDeviations,
  type PlannedRun,
  type PlannedWay,
  planWay,
  type Rental,
  ratioOfWays,
  repeatedDeviations,
} from './planned-way.ts';

/** A price at which workers of a kind can be rented. */
export interface Offer {
  readonly label: string;
  readonly usdPerHour: number;
  /** The label by which the provider bills, where that is not `label`. */
  readonly billedAs?: string | undefined;
  /** The label in the price table that it is from. */
  readonly tableLabel?: string | undefined;
}

export interface PlanOptions {
  /** Passes over the training data. Of no meaning with `targetAccuracy`. */
  readonly epochs: number;
  /** Plans as many epochs as runs needed to this test accuracy. */
  readonly targetAccuracy?: number | undefined;
  /** Considers fleets that were not measured as well. */
  readonly unmeasured: boolean;
  /** Largest fleet to consider; undefined: twice the largest that was measured. */
  readonly mostWorkers: number | undefined;
  readonly targetSeconds: number | undefined;
  readonly budgetUsd: number | undefined;
  readonly offersOf: (kind: WorkerKind) => readonly Offer[];
}

/** What the epochs of a plan rest on. */
export interface PlannedAccuracy {
  readonly accuracy: number;
  /** By batch size: what the runs that reached it needed, of all fleets. */
  readonly needed: readonly (EpochsNeeded & { readonly globalBatchSize: number })[];
  /** Batch sizes at which no run reached it, so that nothing is planned with them. */
  readonly leftBatches: readonly number[];
  readonly missed: readonly MissedAccuracy[];
}

export interface Plan {
  /** Measured if all ways of the front are. */
  readonly basis: 'measured' | 'modelled';
  readonly models: readonly KindModel[];
  readonly mixed: readonly MixedModel[];
  /** Kinds without a model, and why. */
  readonly left: readonly { readonly kind: string; readonly reason: string }[];
  /** Runs that no model was fitted to, and why. */
  readonly leftRuns: readonly { readonly folder: string; readonly reason: string }[];
  /** Undefined unless an accuracy was named. */
  readonly accuracy: PlannedAccuracy | undefined;
  /** The ways that no other beats in both time and bill beyond their ranges, fastest first. */
  readonly front: readonly PlannedWay[];
  /** Ways that were not considered, because their fleets were not measured at that batch size. */
  readonly unmeasured: number;
  /** The offers that the ways of the front take. */
  readonly offers: readonly Offer[];
  /** The rules by which these are billed. */
  readonly billing: readonly SourcedBillingRule[];
  /** Some of these offers have no known rule: they are billed by the second. */
  readonly billsUnknown: boolean;
  /** The cheapest way within the target time, or the fastest within the budget; undefined when neither was given. */
  readonly chosen: PlannedWay | undefined;
  /** How sure the choice is; undefined likewise. */
  readonly choice: Omit<Choice, 'way'> | undefined;
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
  const { equal, mixed, left } = fitModels(kinds, used);
  const accuracy = options.targetAccuracy === undefined ? undefined : accuracyOf(used, options.targetAccuracy);
  const epochsAt = (batch: number) =>
    accuracy === undefined
      ? { mean: options.epochs, fewest: options.epochs, most: options.epochs }
      : accuracy.needed.find(({ globalBatchSize }) => globalBatchSize === batch);
  const offers = new Map(kinds.map((group) => [group, offersFor(group, options)]));
  const context: Context = { dataset, options, epochsAt, offersOf: (group) => offers.get(group) ?? [] };
  const own = new Set(equal.map(({ group }) => group));
  const ways = [
    ...equal.flatMap(({ group, fitted }) => waysOf(fitted, context.offersOf(group), context)),
    ...mixed.flatMap(({ mixture, fitted }) => mixedWaysOf(mixture, fitted, own, context)),
  ];
  if (ways.length === 0) {
    const modelled = [...equal.map(({ group }) => group), ...mixed.flatMap(({ mixture }) => mixture.kinds)];
    throw badInput(whyNoWays(modelled, context));
  }
  const considered = options.unmeasured ? ways : measuredOf(ways, options);
  const unbeaten = uncertainFront(considered, ratioOfWays);
  const front = unbeaten.map(({ way }) => way).toSorted((a, b) => a.seconds - b.seconds);
  const unmeasured = ways.length - considered.length;
  const choice = chooseWay(unbeaten, options, remedyFor(options, unmeasured > 0));
  const taken = [...new Set(unbeaten.flatMap((way) => way.offers))];
  const rules = taken.map((offer) => rentalRule(billedLabel(offer)));
  return {
    basis: front.every(({ basis }) => basis === 'measured') ? 'measured' : 'modelled',
    models: equal.map(({ fitted }) => fitted),
    mixed: mixed.map(({ fitted }) => fitted),
    left,
    leftRuns: runs.flatMap((run) => {
      const reason = whyLeftOut(run);
      return reason === undefined ? [] : [{ folder: run.folder, reason }];
    }),
    accuracy,
    front,
    unmeasured,
    offers: taken,
    billing: [...new Set(rules.flatMap((rule) => rule ?? []))],
    billsUnknown: rules.includes(undefined),
    chosen: choice?.way,
    choice: choice && {
      by: choice.by,
      surelyWithin: choice.surelyWithin,
      tied: choice.tied,
      decidedBy: choice.decidedBy,
    },
  };
}

interface FittedModels {
  readonly equal: readonly { readonly group: KindRuns; readonly fitted: KindModel }[];
  readonly mixed: readonly { readonly mixture: Mixture; readonly fitted: MixedModel }[];
  readonly left: Plan['left'];
}

/** @throws bad-input when no kind has enough points for a model */
function fitModels(kinds: readonly KindRuns[], used: readonly ComparedRun[]): FittedModels {
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
  return { equal, mixed, left };
}

/** @throws bad-input when none was measured */
function measuredOf(ways: readonly OfferedCandidate[], { mostWorkers }: PlanOptions): readonly OfferedCandidate[] {
  const measured = ways.filter(({ way }) => way.basis === 'measured');
  if (measured.length > 0) return measured;
  const reason =
    mostWorkers === undefined
      ? 'no measured fleet has a price for all of its workers: set one with --price'
      : 'no measured fleet is so small: raise --max-workers';
  throw badInput(`${reason}, ${passUnmeasured}`);
}

const passUnmeasured = 'or pass --unmeasured to plan fleets by the model';

/** What else than higher limits makes a way meet them. */
function remedyFor({ epochs, targetAccuracy }: PlanOptions, leavesUnmeasured: boolean): string {
  return [
    ...(targetAccuracy !== undefined ? ['or name a lower --target-accuracy'] : []),
    ...(targetAccuracy === undefined && epochs > 1 ? ['or train fewer --epochs'] : []),
    ...(leavesUnmeasured ? [passUnmeasured] : []),
  ]
    .map((remedy) => `, ${remedy}`)
    .join('');
}

/** @param kinds those that have a model, or share one */
function whyNoWays(kinds: readonly KindRuns[], { options, offersOf }: Context): string {
  const priced = kinds.filter((group) => offersOf(group).length > 0);
  if (priced.length === 0) return 'none of the modelled workers has a price: set one with --price';
  if (options.targetAccuracy === undefined) return 'every fleet has more workers than samples in its batch';
  return (
    `no run of a modelled kind of workers with a price reached --target-accuracy ${options.targetAccuracy} at a batch ` +
    'size of its model: train for more epochs, or name a lower one'
  );
}

/** @throws bad-input when no run reached the accuracy */
function accuracyOf(runs: readonly ComparedRun[], accuracy: number): PlannedAccuracy {
  const batches = [...new Set(runs.map(({ summary }) => summary.global_batch_size))].sort((a, b) => a - b);
  const needed = batches.flatMap((globalBatchSize) => {
    const there = runs.filter(({ summary }) => summary.global_batch_size === globalBatchSize);
    const epochs = epochsNeeded(there.flatMap(({ summary }) => reachedAccuracy(summary, accuracy) ?? []));
    return epochs === undefined ? [] : [{ globalBatchSize, ...epochs }];
  });
  const missed = missedAccuracy(runs, accuracy);
  if (needed.length === 0) {
    const best = Math.max(...missed.flatMap(({ bestAccuracy }) => bestAccuracy ?? []));
    const reached = Number.isFinite(best) ? `the best is ${formatPercent(best, 2)}` : 'none had a test pass';
    throw badInput(
      `no run reached --target-accuracy ${accuracy}: ${reached}; train for more epochs, or name a lower one`,
    );
  }
  const leftBatches = batches.filter((batch) => !needed.some(({ globalBatchSize }) => globalBatchSize === batch));
  return { accuracy, needed, leftBatches, missed };
}

function offersFor({ kind, prices }: KindRuns, { offersOf }: PlanOptions): readonly Offer[] {
  const offers = offersOf(kind);
  return offers.length > 0
    ? offers
    : prices.map(({ usdPerHour, assumed, label }) => ({
        label: assumed ? 'as assumed' : 'as measured',
        usdPerHour,
        billedAs: label,
      }));
}

function billedLabel({ label, billedAs = label }: Offer): string {
  return billedAs;
}

/** What all ways have in common. */
interface Context {
  readonly dataset: Summary['dataset'];
  readonly options: PlanOptions;
  /** Undefined for a batch size with which nothing is planned. */
  readonly epochsAt: (batch: number) => PlannedRun['epochs'] | undefined;
  /** The same objects every time. */
  readonly offersOf: (kind: KindRuns) => readonly Offer[];
}

interface OfferedCandidate extends Candidate {
  /** One for each of its kinds of workers. */
  readonly offers: readonly Offer[];
}

function waysOf(fitted: KindModel, offers: readonly Offer[], context: Context): readonly OfferedCandidate[] {
  const counts = Array.from({ length: mostWorkersOf(fitted, context.options) }, (_, index) => index + 1);
  return fitted.batches.flatMap((globalBatchSize) =>
    counts.flatMap((workers) => {
      const run = planRun(fitted, context, {
        kind: fitted.kind,
        fleet: `${workers} × ${fitted.kind}`,
        counts: [workers],
        globalBatchSize,
        speed: workers,
        modelledSeconds: modelledStepSeconds(fitted.model, workers, globalBatchSize),
      });
      if (run === undefined) return [];
      return offers.map((offer) => ({ ...planWay(run, offer.label, [rental(workers, offer)]), offers: [offer] }));
    }),
  );
}

/**
 * Fleets of the kinds in any combination, each worker at the offer of its kind with the lowest bill.
 * @param modelled kinds with a model of their own, which covers fleets of that kind alone
 */
function mixedWaysOf(
  { kinds }: Mixture,
  fitted: MixedModel,
  modelled: ReadonlySet<KindRuns>,
  context: Context,
): readonly OfferedCandidate[] {
  const { options } = context;
  const offers = kinds.map(context.offersOf);
  const fleets = fleetsUpTo(mostWorkersOf(fitted, options), kinds.length).filter((counts) => {
    const used = counts.flatMap((count, at) => (count > 0 ? [at] : []));
    const [first] = used.map((at) => kinds[at]);
    const isOwn = used.length === 1 && first !== undefined && modelled.has(first);
    return used.every((at) => (offers[at]?.length ?? 0) > 0) && !isOwn;
  });
  return fitted.batches.flatMap((globalBatchSize) =>
    fleets.flatMap((counts): readonly OfferedCandidate[] => {
      const used = counts.flatMap((count, at) => (count > 0 ? [{ count, at, name: fitted.kinds[at] }] : []));
      const run = planRun(fitted, context, {
        kind: used.map(({ name }) => name).join(' + '),
        fleet: used.map(({ count, name }) => `${count} × ${name}`).join(' + '),
        counts,
        globalBatchSize,
        speed: speedOfCounts(fitted.model, counts),
        modelledSeconds: mixedStepSeconds(fitted.model, counts, globalBatchSize),
      });
      if (run === undefined) return [];
      const paid = run.paidSeconds(run.epochs.mean);
      const bill = (offer: Offer) => billedCostUsd(paid, offer.usdPerHour, billingOf(billedLabel(offer)));
      const rented = used.flatMap(({ count, at }) => {
        const offer = offers[at]?.toSorted((a, b) => bill(a) - bill(b))[0];
        return offer === undefined ? [] : [{ count, offer }];
      });
      const label = [...new Set(rented.map(({ offer }) => offer.label))].join(' + ');
      const rentals = rented.map(({ count, offer }) => rental(count, offer));
      return [{ ...planWay(run, label, rentals), offers: rented.map(({ offer }) => offer) }];
    }),
  );
}

function rental(count: number, offer: Offer): Rental {
  return { count, usdPerHour: offer.usdPerHour, rule: billingOf(billedLabel(offer)) };
}

/** Every combination of counts of `kinds` kinds that sums to 1 up to `most`. */
function fleetsUpTo(most: number, kinds: number): readonly (readonly number[])[] {
  const grow = (counts: readonly number[], left: number): readonly (readonly number[])[] =>
    counts.length === kinds
      ? [counts]
      : Array.from({ length: left + 1 }, (_, count) => grow([...counts, count], left - count)).flat();
  return grow([], most).filter((counts) => counts.some((count) => count > 0));
}

/** The largest fleet to plan. */
function mostWorkersOf({ measuredWorkers }: FittedTo, { mostWorkers }: PlanOptions): number {
  return mostWorkers ?? 2 * Math.max(...measuredWorkers);
}

interface FleetToPlan extends Pick<PlannedRun, 'kind' | 'fleet' | 'globalBatchSize'> {
  /** Workers of each of the model's kinds. */
  readonly counts: readonly number[];
  /** Speed of all together, in workers of the first kind. */
  readonly speed: number;
  /** Duration of a step, by the model. */
  readonly modelledSeconds: number;
}

/** @returns undefined for a fleet with more workers than samples, and for a batch size with which nothing is planned */
function planRun(
  fitted: FittedTo,
  { dataset, epochsAt }: Context,
  { counts, speed, modelledSeconds, ...named }: FleetToPlan,
): PlannedRun | undefined {
  const workers = sumOf(counts);
  const epochs = epochsAt(named.globalBatchSize);
  if (workers > named.globalBatchSize || epochs === undefined) return undefined;
  const point = fitted.measured.find(
    ({ batch, counts: measured }) => batch === named.globalBatchSize && measured.join() === counts.join(),
  );
  const stepSeconds = point?.seconds ?? modelledSeconds;
  return {
    ...named,
    basis:
      point !== undefined ? 'measured' : workers > Math.max(...fitted.measuredWorkers) ? 'beyond measured' : 'modelled',
    leadSeconds: fitted.outside.leadSeconds,
    paidSeconds: (count) =>
      paidSeconds(fitted.outside, {
        workers,
        speed,
        stepSeconds: count * Math.ceil(dataset.train / named.globalBatchSize) * stepSeconds,
        evaluations: count,
        testImages: dataset.test,
      }),
    epochs,
    spread: spreadOf(fitted, point),
  };
}

/** A measured fleet is off by as much as its repeats differ; any other, and one without repeats, by as much as the model. */
function spreadOf({ repeatSpread, foretoldSpread }: FittedTo, point: MeasuredPoint | undefined): PlannedRun['spread'] {
  if (point !== undefined && repeatSpread !== undefined) {
    return {
      time: repeatedDeviations(repeatSpread.time, point.runs),
      paid: repeatedDeviations(repeatSpread.paid, point.runs),
    };
  }
  return foretoldSpread && { time: modelDeviations(foretoldSpread.time), paid: modelDeviations(foretoldSpread.paid) };
}
