/** Which of the planned ways to take. Pure. */
import { badInput } from '../../shared/core/errors.ts';
import { formatUsdToDigits } from '../../shared/core/number-format.ts';
import type { Estimate } from '../models/confidence.ts';
import { lowestOf } from '../models/uncertain-choice.ts';
import { type Candidate, evidenceFor, type PlannedWay, ratioOfWays } from './planned-way.ts';

export interface Limits {
  readonly targetSeconds: number | undefined;
  /** The most that may be billed. */
  readonly budgetUsd: number | undefined;
}

/** The way that was chosen, and how sure that is. */
export interface Choice {
  readonly way: PlannedWay;
  /** What it is the lowest in. */
  readonly by: 'billed cost' | 'time';
  /** All of its range is within the limits. Otherwise only its figures are, and no way is so sure. */
  readonly surelyWithin: boolean;
  /** Other runs that may be as cheap, or as fast: their figures cannot be told from the lowest. The lowest bill first. */
  readonly tied: readonly PlannedWay[];
  /** What the chosen way has, in turn, that those tied with it lack. Each but the last leaves some of them tied. */
  readonly decidedBy: readonly Advantage[];
}

export type Advantage = 'fewest workers' | 'lowest bill' | 'shortest time';

interface Criterion {
  readonly advantage: Advantage;
  readonly figure: (way: PlannedWay) => number;
}

const fewestWorkers: Criterion = { advantage: 'fewest workers', figure: ({ workers }) => workers };
const lowestBill: Criterion = { advantage: 'lowest bill', figure: ({ billedUsd }) => billedUsd };
const shortestTime: Criterion = { advantage: 'shortest time', figure: ({ seconds }) => seconds };

/** What decides among ways that may be as cheap, or as fast, the first before the second. */
const criteria: Readonly<Record<Choice['by'], readonly Criterion[]>> = {
  'billed cost': [fewestWorkers, lowestBill, shortestTime],
  time: [lowestBill, shortestTime],
};

/** Rounding: a way that takes exactly the target meets it. */
const tolerance = 1 + 1e-9;

/**
 * The way with the lowest bill within the target time, or the fastest within the budget alone. Ways whose whole range is
 * within the limits go first, then those whose figures are, the best known before any other.
 * @param candidates ways of a front: a way that another surely beats is no choice, however small its fleet
 * @param remedy what else helps where no way is within the limits: `, or train fewer --epochs`
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
  if (lowest === undefined) throw noneWithin(candidates, limits, remedy);
  // Keep only the cheapest offer for each fleet and batch.
  const all = [lowest.way, ...lowest.tied]
    .map(({ way }) => way)
    .toSorted(inOrderOf([lowestBill, shortestTime]))
    .filter((one, index, ways) => !ways.slice(0, index).some((cheaper) => isSameRun(one, cheaper)));
  const [way = lowest.way.way] = all.toSorted(inOrderOf(criteria[by]));
  const tied = all.filter((other) => other !== way);
  return { way, by, surelyWithin: sure.length > 0, tied, decidedBy: advantagesOf(way, tied, criteria[by]) };
}

function inOrderOf(order: readonly Criterion[]): (a: PlannedWay, b: PlannedWay) => number {
  return (a, b) => order.map(({ figure }) => figure(a) - figure(b)).find((difference) => difference !== 0) ?? 0;
}

function advantagesOf(way: PlannedWay, tied: readonly PlannedWay[], order: readonly Criterion[]): readonly Advantage[] {
  const advantages: Advantage[] = [];
  let left = tied;
  for (const { advantage, figure } of order) {
    const equal = left.filter((other) => figure(other) === figure(way));
    if (equal.length < left.length) advantages.push(advantage);
    left = equal;
  }
  return advantages;
}

function isSameRun(a: PlannedWay, b: PlannedWay): boolean {
  return a.fleet === b.fleet && a.globalBatchSize === b.globalBatchSize;
}

function noneWithin(candidates: readonly Candidate[], { targetSeconds, budgetUsd }: Limits, remedy: string) {
  const ways = candidates.map(({ way }) => way);
  const fastest = Math.min(...ways.map(({ seconds }) => seconds));
  const cheapest = Math.min(...ways.map(({ billedUsd }) => billedUsd));
  const given = [
    ...(targetSeconds === undefined ? [] : ['--target-seconds']),
    ...(budgetUsd === undefined ? [] : ['--budget-usd']),
  ];
  return badInput(
    `no planned fleet meets that: the fastest takes ${fastest.toPrecision(3)} s and the lowest bill is ` +
      `${formatUsdToDigits(cheapest)}; raise ${given.join(' or ')}${remedy}`,
  );
}
