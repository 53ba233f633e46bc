/**
 * What a worker's time went to, in seconds and USD. Every moment from the start of a worker's process to its end is
 * booked once, in one category, and nothing that is booked is ever taken back: sums never fall, and together they are
 * the time alive. Pure: times are seconds of one steady clock, passed in.
 */
import { accruedCostUsd, type BillingRule, billedCostUsd } from './cost.ts';

/**
 * - compute: gradients and the optimizer's update
 * - communicate: gradients on their way, and the word that the step is committed
 * - wait: for slower ranks
 * - load: the sample order and other preparations of a step
 * - startup: from the start of the process until training begins
 * - evaluate: test passes and predictions
 * - idle: nothing to do: others still evaluate, the run ends
 * - wasted: attempts that came to nothing, and steps that were trained before and lost
 * - other: what no clock saw, such as the writing of checkpoints
 */
export const ledgerCategories = [
  'compute',
  'communicate',
  'wait',
  'load',
  'startup',
  'evaluate',
  'idle',
  'wasted',
  'other',
] as const;
export type LedgerCategory = (typeof ledgerCategories)[number];

/** `other` is what is left: nobody books it. */
export type BookedCategory = Exclude<LedgerCategory, 'other'>;

export type ByCategory = Readonly<Record<LedgerCategory, number>>;

/** A worker's, over all its lives: a worker that was started again has the same account. */
export interface Account {
  readonly seconds: ByCategory;
  readonly usd: ByCategory;
  /** Of the present or the last life; undefined counts as free. */
  readonly priceUsdPerHour: number | undefined;
  /** Lives there were, the present one too: each is a rental of its own. */
  readonly rentals: number;
  /** What those that are over are billed, each at the price and by the rule of its time. */
  readonly endedBilledUsd: number;
  /** Undefined while the worker has no process. */
  readonly life: Life | undefined;
}

interface Life {
  readonly since: number;
  /** Seconds of this life that are in a category other than `other`. */
  readonly booked: number;
  readonly other: number;
  /** How its provider rounds the time that it lasts. */
  readonly billing: BillingRule;
}

export type AccountEvent =
  /** The worker's process began. */
  | {
      readonly type: 'began';
      readonly at: number;
      readonly priceUsdPerHour: number | undefined;
      readonly billing: BillingRule;
    }
  /** The worker says what its time went to since it last did. */
  | { readonly type: 'spent'; readonly at: number; readonly seconds: Readonly<Partial<Record<BookedCategory, number>>> }
  /** Everything up to now that is not booked yet went to one category. */
  | { readonly type: 'passed'; readonly at: number; readonly category: BookedCategory }
  /** The same, and the process is gone. */
  | { readonly type: 'ended'; readonly at: number; readonly category: BookedCategory };

export const nothingByCategory = byCategory(() => 0);

export const newAccount: Account = {
  seconds: nothingByCategory,
  usd: nothingByCategory,
  priceUsdPerHour: undefined,
  life: undefined,
  rentals: 0,
  endedBilledUsd: 0,
};

export function book(account: Account, event: AccountEvent): Account {
  switch (event.type) {
    case 'began': {
      const { at, priceUsdPerHour, billing } = event;
      const closed = book(account, { type: 'ended', at, category: 'wasted' });
      const life = { since: at, booked: 0, other: 0, billing };
      return { ...closed, priceUsdPerHour, rentals: closed.rentals + 1, life };
    }
    case 'spent':
      return bookReport(account, event);
    case 'passed':
      return add(account, event.category, unbooked(account, event.at));
    case 'ended': {
      const last = add(account, event.category, unbooked(account, event.at));
      return { ...last, endedBilledUsd: billedUsd(last), life: undefined };
    }
    default:
      return event satisfies never;
  }
}

/** Seconds booked, which is the time alive up to what was last heard. */
export function bookedSeconds({ seconds }: Account): number {
  return sumOf(seconds);
}

/** USD booked, up to what was last heard. */
export function bookedUsd({ usd }: Account): number {
  return sumOf(usd);
}

/** USD billed for all lives up to what was last heard: were the present one to end there, that is what it is billed. */
export function billedUsd({ endedBilledUsd, life, priceUsdPerHour = 0 }: Account): number {
  if (life === undefined) return endedBilledUsd;
  return endedBilledUsd + billedCostUsd(life.booked + life.other, priceUsdPerHour, life.billing);
}

/** USD up to now: what is booked, and the price of the time since. */
export function accruedUsd(account: Account, now: number): number {
  return bookedUsd(account) + accruedCostUsd(account.priceUsdPerHour ?? 0, unbooked(account, now));
}

export function byCategory(amount: (category: LedgerCategory) => number): ByCategory {
  return Object.fromEntries(ledgerCategories.map((category) => [category, amount(category)])) as ByCategory;
}

/**
 * A report is late by its way over the network, now more and now less: what is late is `other` until it comes, and
 * `other` never falls, so it ends as the latest that any report was. A worker that claims more than its life has had
 * time for is believed in proportion.
 */
function bookReport(account: Account, { at, seconds }: Extract<AccountEvent, { type: 'spent' }>): Account {
  const { life } = account;
  if (life === undefined) return account;
  const parts = Object.entries(seconds) as [BookedCategory, number][];
  const claimed = parts.reduce((sum, [, spent]) => sum + Math.max(0, spent), 0);
  const room = Math.max(0, at - life.since - life.booked);
  const scale = claimed > room ? room / claimed : 1;
  const reported = parts.reduce((sum, [category, spent]) => add(sum, category, spent * scale), account);
  return add(reported, 'other', unbooked(reported, at));
}

function unbooked({ life }: Account, at: number): number {
  return life === undefined ? 0 : Math.max(0, at - life.since - life.booked - life.other);
}

function add(account: Account, category: LedgerCategory, spent: number): Account {
  const { seconds, usd, life, priceUsdPerHour = 0 } = account;
  if (!(spent > 0) || life === undefined) return account;
  return {
    ...account,
    seconds: { ...seconds, [category]: seconds[category] + spent },
    usd: { ...usd, [category]: usd[category] + accruedCostUsd(priceUsdPerHour, spent) },
    life: {
      ...life,
      ...(category === 'other' ? { other: life.other + spent } : { booked: life.booked + spent }),
    },
  };
}

function sumOf(amounts: ByCategory): number {
  return ledgerCategories.reduce((sum, category) => sum + amounts[category], 0);
}
