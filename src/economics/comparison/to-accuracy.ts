/** Time and cost to a test accuracy, by fleet and batch size: only of runs that reached it. Pure. */
import { type Estimate, meanEstimate, ratioEstimate } from '../models/confidence.ts';
import { lowestOf } from '../models/uncertain-choice.ts';
import { type ComparedRun, type FleetRuns, priceOf } from './compared-fleets.ts';
import { type EpochsNeeded, epochsNeeded, reachedAccuracy } from './reached-accuracy.ts';

/** What one fleet with one batch size took to the accuracy. */
export interface PointToAccuracy {
  /** Index in the comparison's points. */
  readonly point: number;
  readonly epochs: EpochsNeeded;
  /** From the start of the run to the end of the test pass that reached the accuracy. */
  readonly seconds: Estimate;
  /** Accrued until then; undefined unless every worker has a price. */
  readonly usd: Estimate | undefined;
  /** What providers would bill if the workers ended there; undefined likewise. */
  readonly billedUsd: Estimate | undefined;
}

/** A run that never reached the accuracy. */
export interface MissedAccuracy {
  readonly folder: string;
  /** The best of its test passes; undefined when it had none. */
  readonly bestAccuracy: number | undefined;
}

export interface ToAccuracy {
  readonly accuracy: number;
  /** Points with a run that reached it. */
  readonly points: readonly PointToAccuracy[];
  readonly missed: readonly MissedAccuracy[];
  /** Index in the comparison's points; undefined when no run reached it. */
  readonly fastest: number | undefined;
  /** Indexes of the points whose time cannot be told from that of the fastest. */
  readonly fastestTied: readonly number[];
  /** By the bill, as plans choose; undefined without prices. */
  readonly cheapest: number | undefined;
  /** Indexes of the points whose bill cannot be told from that of the cheapest. */
  readonly cheapestTied: readonly number[];
}

/** @param groups in the order of the comparison's points */
export function compareToAccuracy(groups: readonly FleetRuns[], accuracy: number): ToAccuracy {
  const all = groups.map((group, point) => {
    const reached = group.runs.flatMap(({ summary }) => reachedAccuracy(summary, accuracy) ?? []);
    return {
      point,
      needed: epochsNeeded(reached),
      priced: priceOf(group.fleet) !== undefined,
      seconds: reached.map(({ seconds }) => seconds),
      usd: reached.map(({ usd }) => usd),
      billedUsd: reached.map(({ billedUsd }) => billedUsd),
    };
  });
  const reaching = all.filter(({ needed }) => needed !== undefined);
  const priced = reaching.filter((one) => one.priced);
  const fastest = lowestOf(reaching, (way, other) => ratioEstimate(way.seconds, other.seconds));
  const cheapest = lowestOf(priced, (way, other) => costRatio(way.billedUsd, other.billedUsd));
  return {
    accuracy,
    points: reaching.flatMap(({ point, needed, priced: hasPrice, seconds, usd, billedUsd }) =>
      needed === undefined
        ? []
        : [
            {
              point,
              epochs: needed,
              seconds: meanEstimate(seconds),
              usd: hasPrice ? costEstimate(usd) : undefined,
              billedUsd: hasPrice ? costEstimate(billedUsd) : undefined,
            },
          ],
    ),
    missed: missedAccuracy(
      groups.flatMap(({ runs }) => runs),
      accuracy,
    ),
    fastest: fastest?.way.point,
    fastestTied: fastest?.tied.map(({ point }) => point) ?? [],
    cheapest: cheapest?.way.point,
    cheapestTied: cheapest?.tied.map(({ point }) => point) ?? [],
  };
}

/** The runs that did not reach the accuracy. */
export function missedAccuracy(runs: readonly ComparedRun[], accuracy: number): readonly MissedAccuracy[] {
  return runs.flatMap(({ folder, summary }) => {
    if (reachedAccuracy(summary, accuracy) !== undefined) return [];
    const accuracies = summary.epochs.map(({ test_accuracy }) => test_accuracy);
    return [{ folder, bestAccuracy: accuracies.length === 0 ? undefined : Math.max(...accuracies) }];
  });
}

/** Free workers cost exactly 0, which has no logarithm. */
function costEstimate(usd: readonly number[]): Estimate {
  return usd.some((value) => value === 0) ? { value: 0, interval: undefined } : meanEstimate(usd);
}

function costRatio(usd: readonly number[], other: readonly number[]): Estimate {
  const [a, b] = [costEstimate(usd).value, costEstimate(other).value];
  return a > 0 && b > 0 ? ratioEstimate(usd, other) : { value: a === b ? 1 : a / b, interval: undefined };
}
