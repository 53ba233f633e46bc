/** One way to do a run: a fleet at a price, with what it would take and cost, and how well that is known. Pure. */

import { sumOf } from '../../shared/core/sums.ts';
import type { EpochsNeeded } from '../comparison/reached-accuracy.ts';
import { accruedCostUsd, type BillingRule, billedCostUsd } from '../ledger/cost.ts';
import { type Estimate, type Interval, ratioOfEstimates, studentT } from '../models/confidence.ts';
import type { WayRatio } from '../models/uncertain-choice.ts';
import type { Spread } from './run-spread.ts';

/** What the figures of a way rest on. */
export type WayBasis =
  /** Runs of the same fleet at this batch size. */
  | 'measured'
  /** A model of fleets as large as it, or larger. */
  | 'modelled'
  /** A model of smaller fleets. Their measured errors tell nothing of it. */
  | 'beyond measured';

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
  /** Holds the duration of such a run with 95 % confidence; undefined where that cannot be said. */
  readonly secondsInterval: Interval | undefined;
  /** Accrued: the price of all workers × their time. */
  readonly usd: number;
  /** What providers bill: each worker is a rental by its provider's rule. */
  readonly billedUsd: number;
  /** Holds the bill of such a run with 95 % confidence; undefined likewise. */
  readonly billedIntervalUsd: Interval | undefined;
  readonly basis: WayBasis;
}

/** A run whose price is still open. */
export interface PlannedRun extends Pick<PlannedWay, 'kind' | 'fleet' | 'globalBatchSize' | 'basis'> {
  /** From the start of the coordinator to that of the workers. */
  readonly leadSeconds: number;
  /** Time that each worker is paid for. */
  readonly paidSeconds: (epochs: number) => number;
  readonly epochs: Omit<EpochsNeeded, 'runs'>;
  /** How far off its basis may be; undefined where nothing tells. */
  readonly spread: { readonly time: Deviations; readonly paid: Deviations } | undefined;
}

/** Standard deviations of logarithms. */
export interface Deviations {
  /** How far one run is from the plan. */
  readonly run: number;
  /** How far the mean of many runs is from the plan. */
  readonly mean: number;
  readonly degrees: number;
}

/** Uncertainty of a plan based on the mean of `repeats` measured runs. */
export function repeatedDeviations({ deviation, degrees }: Spread, repeats: number): Deviations {
  return { run: deviation * Math.sqrt(1 + 1 / repeats), mean: deviation / Math.sqrt(repeats), degrees };
}

/** Uncertainty of a plan based on a model, which is off by the same for every run. */
export function modelDeviations({ deviation, degrees }: Spread): Deviations {
  return { run: deviation, mean: deviation, degrees };
}

/** Workers of one kind at one price. */
export interface Rental {
  readonly count: number;
  readonly usdPerHour: number;
  readonly rule: BillingRule;
}

/** A way, with the estimates by which it is compared with others: of the mean of many runs. */
export interface Candidate {
  readonly way: PlannedWay;
  /** With a fixed number of epochs. */
  readonly fixed: Estimates;
  /** Over the numbers of epochs that runs needed. */
  readonly open: Estimates;
}

interface Estimates {
  readonly seconds: Estimate;
  readonly usd: Estimate;
}

export function planWay(run: PlannedRun, offer: string, rentals: readonly Rental[]): Candidate {
  const { leadSeconds, paidSeconds, epochs, spread: errors, ...named } = run;
  const spread = run.basis === 'beyond measured' ? undefined : errors;
  const usdPerHour = sumOf(rentals.map((rental) => rental.count * rental.usdPerHour));
  const billed = (paid: number) =>
    sumOf(rentals.map((rental) => rental.count * billedCostUsd(paid, rental.usdPerHour, rental.rule)));
  const duration = (count: number) => leadSeconds + paidSeconds(count);
  const paid = paidSeconds(epochs.mean);
  const estimates = (of: 'run' | 'mean', fewest: number, most: number): Estimates => {
    if (spread === undefined) {
      return {
        seconds: { value: duration(epochs.mean), interval: undefined },
        usd: { value: billed(paid), interval: undefined },
      };
    }
    const [time, money] = [reachOf(spread.time, of), reachOf(spread.paid, of)];
    return {
      seconds: { value: duration(epochs.mean), interval: [duration(fewest) / time, duration(most) * time] },
      usd: {
        value: billed(paid),
        interval: [billed(paidSeconds(fewest) / money), billed(paidSeconds(most) * money)],
      },
    };
  };
  const ofOneRun = estimates('run', epochs.fewest, epochs.most);
  return {
    way: {
      ...named,
      offer,
      workers: sumOf(rentals.map(({ count }) => count)),
      usdPerHour,
      seconds: duration(epochs.mean),
      secondsInterval: ofOneRun.seconds.interval,
      usd: accruedCostUsd(usdPerHour, paid),
      billedUsd: billed(paid),
      billedIntervalUsd: ofOneRun.usd.interval,
    },
    fixed: estimates('mean', epochs.mean, epochs.mean),
    open: estimates('mean', epochs.fewest, epochs.most),
  };
}

function reachOf(deviations: Deviations, of: 'run' | 'mean'): number {
  return Math.exp(studentT(deviations.degrees) * deviations[of]);
}

/** How well a way is known: 2 with a range, 1 if it was only measured, 0 if nothing tells how far off its model is. */
export function evidenceFor({ secondsInterval, basis }: PlannedWay): 0 | 1 | 2 {
  if (secondsInterval !== undefined) return 2;
  return basis === 'measured' ? 1 : 0;
}

/** Nothing tells which of two figures is the lower. */
const anyRatio: Interval = [0, Number.POSITIVE_INFINITY];

/**
 * Time and bill of one way over those of another. The same run at other prices differs by exactly the prices; runs with the
 * same batch need equally many epochs. A way of which less is known than of the other may be off by any factor.
 */
export function ratioOfWays(one: Candidate, other: Candidate): WayRatio {
  const isSameBatch = one.way.globalBatchSize === other.way.globalBatchSize;
  const isSameRun = isSameBatch && one.way.fleet === other.way.fleet;
  const [a, b] = isSameBatch ? [one.fixed, other.fixed] : [one.open, other.open];
  const ratio = { seconds: ratioOf(a.seconds, b.seconds, isSameRun), usd: ratioOf(a.usd, b.usd, isSameRun) };
  if (isSameRun || evidenceFor(one.way) >= evidenceFor(other.way)) return ratio;
  return { seconds: { ...ratio.seconds, interval: anyRatio }, usd: { ...ratio.usd, interval: anyRatio } };
}

function ratioOf(one: Estimate, other: Estimate, exact: boolean): Estimate {
  // Nothing that is free has a logarithm.
  if (exact || one.value === 0 || other.value === 0) {
    return { value: one.value === other.value ? 1 : one.value / other.value, interval: undefined };
  }
  return ratioOfEstimates(one, other);
}
