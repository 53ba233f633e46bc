/** Which of the planned ways to take. Pure. */
import { badInput } from '../../shared/core/errors.ts';
import { formatUsdToDigits } from '../../shared/core/number-format.ts';
import type { Estimate } from '../models/confidence.ts';
import { lowestOf } from '../models/uncertain-choice.ts';
import { type Candidate, evidenceFor, type PlannedWay, ratioOfWays } from './planned-way.ts';

export interface Limits {
  readonly targetSeconds: number | undefined;
  /** Of the bill. */
  readonly budgetUsd: number | undefined;
}

/** The way that was chosen, and how sure that is. */
export interface Choice {
  readonly way: PlannedWay;
  /** What it is the lowest in. */
  readonly by: 'billed cost' | 'time';
  /** All of its range is within the limits. Otherwise only its figures are, and no way is so sure. */
  readonly surelyWithin: boolean;
  /**
   * Other runs that may be as cheap, or as fast: their figures cannot be told from the lowest. The lowest bill first. Of all
   * of these, the chosen one has the fewest workers and then the lowest bill where the choice is by cost, and the lowest bill
   * where it is by time.
   */
  readonly tied: readonly PlannedWay[];
}

/** Rounding: a way that takes exactly the target meets it. */
const tolerance = 1 + 1e-9;

/**
 * The way with the lowest bill within the target time, or the fastest within the budget alone. Ways whose whole range is
 * within the limits go first, then those whose figures are, the best known before any other.
 * @param candidates ways of a front: a way that another surely beats is no choice, however small its fleet
 * @param remedy what else helps where no way is within the limits
 * @returns undefined when there are no limits
 * @throws bad-input when no way is within them
 */
export function chooseWay(candidates: readonly Candidate[], limits: Limits, remedy: string): Choice | undefined {
  const { targetSeconds, budgetUsd } = limits;
  if (targetSeconds === undefined && budgetUsd === undefined) return undefined;
  const isWithin = (seconds: number, usd: number) =>
    seconds <= (targetSeconds ?? Number.POSITIVE_INFINITY) * tolerance &&
    usd <= (budgetUsd ?? Number.POSITIVE_INFINITY) * tolerance;
  const likely = candidates.filter(({ way }) => isWithin(way.seconds, way.billedUsd));
  const sure = likely.filter(({ way: { secondsInterval: time, billedIntervalUsd: bill } }) => {
    return time !== undefined && bill !== undefined && isWithin(time[1], bill[1]);
  });
  const bestKnown = Math.max(...likely.map(({ way }) => evidenceFor(way)));
  const eligible = sure.length > 0 ? sure : likely.filter(({ way }) => evidenceFor(way) === bestKnown);
  const by = targetSeconds === undefined ? 'time' : 'billed cost';
  const lowest = lowestOf(eligible, (one, other): Estimate => {
    const { seconds, usd } = ratioOfWays(one, other);
    return by === 'time' ? seconds : usd;
  });
  if (lowest === undefined) throw noneWithin(candidates, remedy);
  // Keep only the cheapest offer for each fleet and batch.
  const all = [lowest.way, ...lowest.tied]
    .toSorted(({ way: a }, { way: b }) => a.billedUsd - b.billedUsd || a.seconds - b.seconds)
    .filter((one, index, ways) => !ways.slice(0, index).some((cheaper) => isSameRun(one.way, cheaper.way)));
  const [chosen = lowest.way] = by === 'time' ? all : all.toSorted(({ way: a }, { way: b }) => a.workers - b.workers);
  return {
    way: chosen.way,
    by,
    surelyWithin: sure.length > 0,
    tied: all.filter((candidate) => candidate !== chosen).map(({ way }) => way),
  };
}

function isSameRun(a: PlannedWay, b: PlannedWay): boolean {
  return a.fleet === b.fleet && a.globalBatchSize === b.globalBatchSize;
}

function noneWithin(candidates: readonly Candidate[], remedy: string) {
  const ways = candidates.map(({ way }) => way);
  const fastest = Math.min(...ways.map(({ seconds }) => seconds));
  const cheapest = Math.min(...ways.map(({ billedUsd }) => billedUsd));
  return badInput(
    `no planned fleet meets that: the fastest takes ${fastest.toPrecision(3)} s and the lowest bill is ` +
      `${formatUsdToDigits(cheapest)}; raise --target-seconds or --budget-usd, ${remedy}`,
  );
}
