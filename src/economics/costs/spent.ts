/** What workers cost between two lines of their ledger. Pure. */
import { type ByCategory, byCategory, nothingByCategory } from '../ledger/ledger.ts';

/** The fields of a line of `ledger.jsonl` that costs are made of. Every figure is cumulative. */
export interface AccountLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly worker: string;
  /** The worker's label: `gcp/t4/spot`. */
  readonly gpu?: string | undefined;
  /** What its engine computes on. */
  readonly device?: string | undefined;
  readonly samples: number;
  readonly alive_seconds: number;
  /** Null for a worker without a price, which counts as free. */
  readonly price_usd_per_hour: number | null;
  /** Set if nobody gave that price. */
  readonly price_assumed?: true | undefined;
  readonly seconds: ByCategory;
  readonly usd: ByCategory;
  readonly cost_usd: number;
  /** Older versions left it out. It is then taken to be the cost, the least it can have been. */
  readonly billed_usd?: number | undefined;
}

/** Sums over workers, runs or days. */
export interface Spent {
  readonly aliveSeconds: number;
  /** Trained in committed steps. */
  readonly samples: number;
  /** Price × time alive, in USD. */
  readonly costUsd: number;
  /** What providers would charge, each rental rounded by itself. */
  readonly billedUsd: number;
  /** The part of `costUsd` at prices that nobody gave. */
  readonly assumedUsd: number;
  /** The part of `aliveSeconds` of workers without a price. */
  readonly unpricedSeconds: number;
  /** `aliveSeconds` and `costUsd` by what they were spent on. */
  readonly seconds: ByCategory;
  readonly usd: ByCategory;
}

export const nothingSpent: Spent = {
  aliveSeconds: 0,
  samples: 0,
  costUsd: 0,
  billedUsd: 0,
  assumedUsd: 0,
  unpricedSeconds: 0,
  seconds: nothingByCategory,
  usd: nothingByCategory,
};

export function addSpent(a: Spent, b: Spent): Spent {
  return {
    aliveSeconds: a.aliveSeconds + b.aliveSeconds,
    samples: a.samples + b.samples,
    costUsd: a.costUsd + b.costUsd,
    billedUsd: a.billedUsd + b.billedUsd,
    assumedUsd: a.assumedUsd + b.assumedUsd,
    unpricedSeconds: a.unpricedSeconds + b.unpricedSeconds,
    seconds: byCategory((category) => a.seconds[category] + b.seconds[category]),
    usd: byCategory((category) => a.usd[category] + b.usd[category]),
  };
}

/**
 * What a worker spent since its line before. A price is that of the later line: a new one comes with a new life of the
 * worker, which begins after the line before.
 * @param before undefined for the worker's first line
 */
export function spentBetween(before: AccountLine | undefined, line: AccountLine): Spent {
  const since = (amount: (line: AccountLine) => number) => amount(line) - (before === undefined ? 0 : amount(before));
  const aliveSeconds = since(({ alive_seconds }) => alive_seconds);
  const costUsd = since(({ cost_usd }) => cost_usd);
  return {
    aliveSeconds,
    samples: since(({ samples }) => samples),
    costUsd,
    billedUsd: since(({ billed_usd, cost_usd }) => billed_usd ?? cost_usd),
    assumedUsd: line.price_assumed ? costUsd : 0,
    unpricedSeconds: line.price_usd_per_hour === null ? aliveSeconds : 0,
    seconds: byCategory((category) => since(({ seconds }) => seconds[category])),
    usd: byCategory((category) => since(({ usd }) => usd[category])),
  };
}

/**
 * Whether a total of a worker is less than in its line before, which no run writes: money that is spent stays spent, and
 * time stays in its category. Samples may be fewer, because those of lost steps do not count.
 */
export function hasFallen(before: AccountLine | undefined, line: AccountLine): boolean {
  if (before === undefined) return false;
  const spent = spentBetween(before, line);
  const totals = [
    spent.aliveSeconds,
    spent.costUsd,
    spent.billedUsd,
    ...Object.values(spent.seconds),
    ...Object.values(spent.usd),
  ];
  return totals.some((total) => total < 0);
}
