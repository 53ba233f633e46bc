/** Fleets that grow by one kind of worker: what each further one of it brings, and at what price. */
import { type Estimate, meanEstimate, ratioEstimate } from '../models/confidence.ts';
import { breakEvenPrice } from '../models/scaling.ts';
import { type FleetRuns, fleetKey, priceOf, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';
import type { Marginal } from './marginal.ts';
import type { KindCount, WorkerKind } from './worker-kind.ts';

/** The n-th worker of a kind. */
export interface Addition extends Omit<Marginal, 'worker' | 'kind'> {
  /** How many of the kind there are with it. */
  readonly count: number;
  /** The place of the fleet that has it among the comparison's points. */
  readonly point: number;
  /**
   * Price of each of the kind's workers at which the fleet's samples cost what those of the others alone do, with 95 %
   * confidence. Undefined where there are no others, or they were not measured without any of the kind.
   */
  readonly breakEvenOfAllUsdPerHour: Estimate | undefined;
}

/** Fleets with the same batch that differ in the number of workers of one kind alone. */
export interface Growth {
  readonly kind: string;
  readonly usdPerHour: number | undefined;
  /** `1 × wasm`; undefined where all workers are of the kind. */
  readonly beside: string | undefined;
  readonly globalBatchSize: number;
  /** Places of its fleets among the comparison's points, fewest workers first. */
  readonly points: readonly number[];
  /** Empty without prices. */
  readonly additions: readonly Addition[];
  /** How many of the kind the fleet has whose samples cost least; undefined without prices. */
  readonly cheapestCount: number | undefined;
}

/** Fleets that make a growth: the place of each in the list, by the number of the growing kind. */
export interface GrowingFleets {
  readonly kind: WorkerKind;
  readonly others: readonly KindCount[];
  readonly members: readonly { readonly count: number; readonly index: number }[];
}

/**
 * A fleet of several kinds may be seen to grow in several ways: the way with the most fleets counts, of equally long
 * ones that which adds the cheaper kind. Ways that show no fleet of several workers that a longer one does not are left out.
 */
export function findGrowingFleets(groups: readonly Pick<FleetRuns, 'fleet' | 'batch'>[]): readonly GrowingFleets[] {
  const found = new Map<string, GrowingFleets>();
  for (const { fleet, batch } of groups) {
    for (const { kind } of fleet) {
      const others = fleet.filter((other) => other.kind.priceKey !== kind.priceKey);
      const key = JSON.stringify([batch, kind.priceKey, fleetKey(others)]);
      if (!found.has(key)) found.set(key, { kind, others, members: membersOf(groups, batch, kind, others) });
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
  return findGrowingFleets(groups).map(({ kind, others, members }) => {
    const [first] = members;
    const alone = first?.count === 0 ? groups[first.index] : undefined;
    const costs = members.flatMap(({ count, index }) => {
      const group = groups[index];
      const price = group && priceOf(group.fleet);
      if (group === undefined || price === undefined) return [];
      return [{ count, usd: price / meanEstimate(ratesOf(group)).value }];
    });
    return {
      kind: naming.kindName(kind),
      usdPerHour: kind.usdPerHour,
      beside: others.length === 0 ? undefined : naming.fleetName(others),
      globalBatchSize: groups[first?.index ?? 0]?.batch ?? 0,
      points: members.map(({ index }) => index),
      additions: members.flatMap(({ count, index }) => {
        const group = groups[index];
        const at = group?.fleet.findIndex((entry) => entry.kind.priceKey === kind.priceKey) ?? -1;
        const marginal = marginals[index]?.[at];
        if (group === undefined || marginal === undefined || workersOf(group) === 1) return [];
        const { worker: _, kind: __, ...figures } = marginal;
        return [
          { ...figures, count, point: index, breakEvenOfAllUsdPerHour: alone && priceOfAll(group, count, alone) },
        ];
      }),
      cheapestCount: costs.sort((a, b) => a.usd - b.usd)[0]?.count,
    };
  });
}

/** Price of each of `count` workers at which they leave the cost of a sample as it was `without` them. */
function priceOfAll(group: FleetRuns, count: number, without: FleetRuns): Estimate | undefined {
  const usdPerHour = priceOf(without.fleet);
  if (usdPerHour === undefined) return undefined;
  const { value, interval } = ratioEstimate(ratesOf(group), ratesOf(without));
  const priceAt = (ratio: number) => breakEvenPrice({ usdPerHour, samplesPerSecond: 1 }, ratio) / count;
  return { value: priceAt(value), interval: interval && [priceAt(interval[0]), priceAt(interval[1])] };
}
