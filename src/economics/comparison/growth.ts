/** Fleets that grow by one kind of worker: what each added worker brings, and at what price it pays. */
import { type Estimate, ratioEstimate } from '../models/confidence.ts';
import { breakEvenPrice } from '../models/scaling.ts';
import { lowestOf } from '../models/uncertain-choice.ts';
import { type FleetRuns, fleetKey, priceOf, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';
import type { Marginal } from './marginal.ts';
import { sampleRatio } from './sample-ratio.ts';
import type { KindCount, WorkerKind } from './worker-kind.ts';

/** The n-th worker of a kind. */
export type Addition = Marginal & {
  /** n: workers of the kind, with this one. */
  readonly count: number;
  /** Index of the fleet with this worker in the comparison's points. */
  readonly point: number;
  /**
   * Price of each of the n workers at which a sample costs the same with all of them as with none, with 95 % confidence.
   * Undefined where the fleet without any of them does not exist or was not measured.
   */
  readonly breakEvenOfAllUsdPerHour: Estimate | undefined;
};

/** Fleets with the same batch that differ only in the number of workers of one kind. */
export interface Growth {
  readonly kind: string;
  readonly usdPerHour: number | undefined;
  /** The other workers, `1 × wasm`; undefined where there are none. */
  readonly beside: string | undefined;
  readonly globalBatchSize: number;
  /** Indexes of the fleets in the comparison's points, fewest workers first. */
  readonly points: readonly number[];
  /** Empty without prices. */
  readonly additions: readonly Addition[];
  /** Workers of the kind in the fleet whose samples cost least; undefined without prices. */
  readonly cheapestCount: number | undefined;
  /** Other numbers of these workers whose samples may cost as little, within the intervals. */
  readonly cheapestTied: readonly number[];
}

/** The fleets of a growth, ordered by the number of workers of the growing kind. */
export interface GrowingFleets {
  readonly kind: WorkerKind;
  readonly others: readonly KindCount[];
  readonly batch: number;
  /** `index` is that of the fleet in the list that was searched. */
  readonly members: readonly { readonly count: number; readonly index: number }[];
}

/**
 * A fleet of several kinds can be read as the growth of any of them. Growths with more fleets take precedence, and among
 * equally long ones those that add the cheaper kind; a growth is left out when every fleet of several workers in it is in
 * an earlier one.
 */
export function findGrowingFleets(groups: readonly Pick<FleetRuns, 'fleet' | 'batch'>[]): readonly GrowingFleets[] {
  const found = new Map<string, GrowingFleets>();
  for (const { fleet, batch } of groups) {
    for (const { kind } of fleet) {
      const others = fleet.filter((other) => other.kind.priceKey !== kind.priceKey);
      const key = JSON.stringify([batch, kind.priceKey, fleetKey(others)]);
      if (!found.has(key)) found.set(key, { kind, others, batch, members: membersOf(groups, batch, kind, others) });
    }
  }
  const price = ({ kind }: GrowingFleets) => kind.usdPerHour ?? 0;
  const ways = [...found.values()]
    .filter(({ members }) => members.length > 1)
    .sort((a, b) => b.members.length - a.members.length || price(a) - price(b));
  const shown = new Set<number>();
  const kept = ways.filter(({ members }) => {
    const joint = members.flatMap(({ index }) => {
      const group = groups[index];
      return group !== undefined && workersOf(group) > 1 ? [index] : [];
    });
    const brings = joint.some((index) => !shown.has(index));
    for (const index of joint) shown.add(index);
    return brings;
  });
  const place = ({ members }: GrowingFleets) => members[0]?.index ?? 0;
  return kept.sort((a, b) => a.others.length - b.others.length || place(a) - place(b));
}

function membersOf(
  groups: readonly Pick<FleetRuns, 'fleet' | 'batch'>[],
  batch: number,
  kind: WorkerKind,
  others: readonly KindCount[],
): GrowingFleets['members'] {
  return groups
    .flatMap((group, index) => {
      const rest = group.fleet.filter((entry) => entry.kind.priceKey !== kind.priceKey);
      const count = group.fleet.find((entry) => entry.kind.priceKey === kind.priceKey)?.count ?? 0;
      return group.batch === batch && fleetKey(rest) === fleetKey(others) ? [{ count, index }] : [];
    })
    .sort((a, b) => a.count - b.count);
}

/** @param marginals of each group, one for each kind of its fleet */
export function growthsOf(
  groups: readonly FleetRuns[],
  marginals: readonly (readonly Marginal[])[],
  naming: Naming,
): readonly Growth[] {
  return findGrowingFleets(groups).map(({ kind, others, batch, members }) => {
    const [first] = members;
    const alone = first?.count === 0 ? groups[first.index] : undefined;
    const costs = members.flatMap(({ count, index }) => {
      const group = groups[index];
      const usdPerHour = group && priceOf(group.fleet);
      return group === undefined || usdPerHour === undefined ? [] : [{ count, usdPerHour, rates: ratesOf(group) }];
    });
    const least = lowestOf(costs, (way, other) => sampleRatio(way, other).usd);
    return {
      kind: naming.kindName(kind),
      usdPerHour: kind.usdPerHour,
      beside: others.length === 0 ? undefined : naming.fleetName(others),
      globalBatchSize: batch,
      points: members.map(({ index }) => index),
      additions: members.flatMap(({ count, index }) => {
        const group = groups[index];
        const at = group?.fleet.findIndex((entry) => entry.kind.priceKey === kind.priceKey) ?? -1;
        const marginal = marginals[index]?.[at];
        if (group === undefined || marginal === undefined) return [];
        return [
          { ...marginal, count, point: index, breakEvenOfAllUsdPerHour: alone && priceOfAll(group, count, alone) },
        ];
      }),
      cheapestCount: least?.way.count,
      cheapestTied: least?.tied.map(({ count }) => count) ?? [],
    };
  });
}

/** Price of each of `count` workers at which a sample costs what it did `without` them. */
function priceOfAll(group: FleetRuns, count: number, without: FleetRuns): Estimate | undefined {
  const usdPerHour = priceOf(without.fleet);
  if (usdPerHour === undefined) return undefined;
  const { value, interval } = ratioEstimate(ratesOf(group), ratesOf(without));
  const priceAt = (ratio: number) => breakEvenPrice({ usdPerHour, samplesPerSecond: 1 }, ratio) / count;
  return { value: priceAt(value), interval: interval && [priceAt(interval[0]), priceAt(interval[1])] };
}
