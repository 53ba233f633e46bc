/** Compares runs: from summaries to figures. Pure. */

import { lowestOf, uncertainFront } from '../models/uncertain-choice.ts';
import { type BreakEven, breakEvensOf } from './break-even.ts';
import { comparableRuns } from './comparable-runs.ts';
import { type ComparedRun, groupRuns, kindsIn, priceOf, ratesOf } from './compared-fleets.ts';
import { type ComparedPoint, describePoint } from './compared-point.ts';
import { notesOf } from './comparison-notes.ts';
import { type Growth, growthsOf } from './growth.ts';
import { createNaming } from './kind-names.ts';
import { sampleRatio } from './sample-ratio.ts';
import { compareToAccuracy, type ToAccuracy } from './to-accuracy.ts';

export interface Comparison {
  readonly dataset: { readonly name: string; readonly train: number };
  readonly model: { readonly name: string; readonly parameters: number };
  readonly points: readonly ComparedPoint[];
  /** Index in `points`; undefined without prices. */
  readonly cheapest: number | undefined;
  /** Indexes of the points whose cost cannot be told from that of the cheapest. */
  readonly cheapestTied: readonly number[];
  /** Index in `points`. */
  readonly fastest: number;
  /** Indexes of the points whose speed cannot be told from that of the fastest. */
  readonly fastestTied: readonly number[];
  readonly breakEvens: readonly BreakEven[];
  /** What each added worker brings, where the fleet without it was measured too. */
  readonly growths: readonly Growth[];
  /** Undefined unless an accuracy was named. */
  readonly toAccuracy: ToAccuracy | undefined;
  /** What a reader must know to trust the figures. */
  readonly notes: readonly string[];
}

export interface CompareOptions {
  /** Notes that cannot be derived from the runs. */
  readonly furtherNotes?: readonly string[];
  /** Compares time and cost to this test accuracy as well. */
  readonly targetAccuracy?: number | undefined;
}

/**
 * Runs with the same workers, prices and batch are repeats of one point.
 * @throws bad-input when there is nothing to compare, or the runs trained different things
 */
export function compareRuns(
  runs: readonly ComparedRun[],
  { furtherNotes = [], targetAccuracy }: CompareOptions = {},
): Comparison {
  const used = comparableRuns(runs);
  const first = used[0].summary;

  const groups = groupRuns(used);
  const naming = createNaming(kindsIn(groups));
  const points = groups.map((group) => describePoint(group, groups, naming));
  const ways = groups.map((group, index) => ({ index, usdPerHour: priceOf(group.fleet), rates: ratesOf(group) }));
  const priced = ways.filter(({ usdPerHour }) => usdPerHour !== undefined);
  const front = new Set(uncertainFront(priced, sampleRatio).map(({ index }) => index));
  const cheapest = lowestOf(priced, (way, other) => sampleRatio(way, other).usd);
  const fastest = lowestOf(ways, (way, other) => sampleRatio(way, other).seconds);
  return {
    dataset: { name: first.dataset.name, train: first.dataset.train },
    model: first.model,
    points: points.map((point, index) => ({ ...point, onFront: front.has(index) })),
    cheapest: cheapest?.way.index,
    cheapestTied: cheapest?.tied.map(({ index }) => index) ?? [],
    fastest: fastest?.way.index ?? 0,
    fastestTied: fastest?.tied.map(({ index }) => index) ?? [],
    breakEvens: breakEvensOf(groups, naming),
    growths: growthsOf(
      groups,
      points.map(({ marginals }) => marginals),
      naming,
    ),
    toAccuracy: targetAccuracy === undefined ? undefined : compareToAccuracy(groups, targetAccuracy),
    notes: [...notesOf(runs, used, points), ...furtherNotes],
  };
}
