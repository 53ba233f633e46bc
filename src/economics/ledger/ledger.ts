/**
 * What a worker's time was spent on, in seconds and USD. Every moment from the start of a worker's process to its end is
 * booked once, in one category, and a booking is never taken back: the sums never fall, and together they are the time
 * alive. Pure: times are seconds of one monotonic clock, passed in.
 */
import { accruedCostUsd, type BillingRule, billedCostUsd } from './cost.ts';

/**
 * - compute: gradients and the optimizer's update
 * - communicate: gradients and commits in transit
 * - wait: waiting for slower ranks
 * - load: the sample order and other preparation of a step
 * - startup: from the start of the process to the start of training
 * - evaluate: test passes and predictions
 * - idle: nothing to do, because others still evaluate or the run is ending
 * - wasted: aborted attempts, and steps that are trained again after their result was lost
 * - other: time that no worker reported, such as writing checkpoints
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

/** `other` is the remainder and is never booked directly. */
export type BookedCategory = Exclude<LedgerCategory, 'other'>;
const bookedCategories = ledgerCategories.filter((category) => category !== 'other');

export type ByCategory = Readonly<Record<LedgerCategory, number>>;

/** One worker's account over all its lives: a worker that is restarted keeps its account. */
export interface Account {
  readonly seconds: ByCategory;
  readonly usd: ByCategory;
  /** The price in the current life, or in the last one; undefined counts as free. */
  readonly priceUsdPerHour: number | undefined;
  /** Number of lives, including the current one. Each is a rental of its own. */
  readonly rentals: number;
  /** Bill for the lives that have ended, each at the price and by the rule of its time. */
  readonly endedBilledUsd: number;
  /** The current life of the worker's process; undefined while there is none. */
  readonly life: Life | undefined;
}

type Reported = Readonly<Partial<Record<BookedCategory, number>>>;

interface Life {
  readonly since: number;
  /** Seconds of this life in categories other than `other`. */
  readonly booked: number;
  readonly other: number;
  /**
   * Seconds that the worker has reported and that are not booked yet, because `other` has their time; below zero, seconds
   * that are booked and that the worker has yet to report.
   */
  readonly owed: Reported;
  readonly billing: BillingRule;
}

export type AccountEvent =
  /** The worker's process began. `returns`: it is the same process as before, whose time went on without a report. */
  | {
      readonly type: 'began';
      readonly at: number;
      readonly returns?: true | undefined;
      readonly priceUsdPerHour: number | undefined;
      readonly billing: BillingRule;
    }
  /** The worker reported what its time was spent on since its last report. */
  | { readonly type: 'spent'; readonly at: number; readonly seconds: Reported }
  /** The worker has had nothing to do for so many seconds, and will report that too. */
  | { readonly type: 'idled'; readonly at: number; readonly seconds: number }
  /** All time up to now that is not booked yet was spent on one category. */
  | { readonly type: 'passed'; readonly at: number; readonly category: BookedCategory }
  /** As `passed`, and the process has ended. */
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
      const { at, returns, priceUsdPerHour, billing } = event;
      const closed = book(account, { type: 'ended', at, category: 'wasted' });
      const life = { since: at, booked: 0, other: 0, owed: {}, billing };
      const rentals = closed.rentals + (returns === true && closed.rentals > 0 ? 0 : 1);
      return { ...closed, priceUsdPerHour, rentals, life };
    }
    case 'spent':
      return bookReport(account, event);
    case 'idled':
      return bookAhead(account, event);
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

/** Seconds booked: the time alive up to the last report. */
export function bookedSeconds({ seconds }: Account): number {
  return sumOf(seconds);
}

/** USD booked up to the last report. */
export function bookedUsd({ usd }: Account): number {
  return sumOf(usd);
}

/** USD billed for all lives, if the current one ended with the last report. */
export function billedUsd(account: Account): number {
  return billedUsdAt(account, Number.NEGATIVE_INFINITY);
}

/** USD billed for all lives, if the current one ended at that time, and not before the last report. */
export function billedUsdAt(account: Account, at: number): number {
  const { endedBilledUsd, life, priceUsdPerHour = 0 } = account;
  if (life === undefined) return endedBilledUsd;
  return (
    endedBilledUsd + billedCostUsd(life.booked + life.other + unbooked(account, at), priceUsdPerHour, life.billing)
  );
}

/** USD up to now: what is booked, plus price × the time since. */
export function accruedUsd(account: Account, now: number): number {
  return bookedUsd(account) + accruedCostUsd(account.priceUsdPerHour ?? 0, unbooked(account, now));
}

export function byCategory(amount: (category: LedgerCategory) => number): ByCategory {
  return Object.fromEntries(ledgerCategories.map((category) => [category, amount(category)])) as ByCategory;
}

/**
 * Network delay varies from report to report. The delay of a report counts as `other` until the next one covers it, and
 * `other` never falls, so it ends up as the largest delay of any report. What a later report says of that time is owed to
 * its category, and booked once a report was under way for less. So the categories never add up to more than the life has
 * lasted. A worker that claims more time than its life has room for has its claim scaled down.
 */
function bookReport(account: Account, { at, seconds }: Extract<AccountEvent, { type: 'spent' }>): Account {
  const { life } = account;
  if (life === undefined) return account;
  const balances = sumByCategory(life.owed, seconds);
  const claims = balances.filter(([, spent]) => spent > 0);
  const ahead = balances.filter(([, spent]) => spent < 0);
  const claimed = claims.reduce((sum, [, spent]) => sum + spent, 0);
  if (claimed === 0) {
    return add({ ...account, life: { ...life, owed: Object.fromEntries(ahead) } }, 'other', unbooked(account, at));
  }
  const room = Math.max(0, at - life.since - life.booked);
  const due = Math.min(claimed, room);
  const paid = Math.min(due, unbooked(account, at));
  const reported = addAll(
    account,
    claims.map(([category, spent]) => [category, (spent * paid) / claimed]),
  );
  const unpaid = claims.map(([category, spent]) => [category, (spent * (due - paid)) / claimed] as const);
  const owed: Reported = Object.fromEntries([...unpaid, ...ahead]);
  const settled = { ...reported, life: reported.life && { ...reported.life, owed } };
  return add(settled, 'other', unbooked(settled, at));
}

/** The worker's next reports have this time, which is then not booked again. */
function bookAhead(account: Account, { at, seconds }: Extract<AccountEvent, { type: 'idled' }>): Account {
  const spent = Math.min(seconds, unbooked(account, at));
  const booked = add(account, 'idle', spent);
  const { life } = booked;
  if (life === undefined) return booked;
  return { ...booked, life: { ...life, owed: { ...life.owed, idle: (life.owed.idle ?? 0) - spent } } };
}

/** Claims below zero count as nothing. */
function sumByCategory(owed: Reported, seconds: Reported): readonly (readonly [BookedCategory, number])[] {
  return bookedCategories.map((category) => [category, (owed[category] ?? 0) + Math.max(0, seconds[category] ?? 0)]);
}

function unbooked({ life }: Account, at: number): number {
  return life === undefined ? 0 : Math.max(0, at - life.since - life.booked - life.other);
}

function add(account: Account, category: LedgerCategory, spent: number): Account {
  return addAll(account, [[category, spent]]);
}

/** At once: a run books some thousand amounts a second. */
function addAll(account: Account, amounts: readonly (readonly [LedgerCategory, number])[]): Account {
  const { life, priceUsdPerHour = 0 } = account;
  if (life === undefined) return account;
  const [seconds, usd] = [{ ...account.seconds }, { ...account.usd }];
  let { other, booked } = life;
  for (const [category, spent] of amounts) {
    if (!(spent > 0)) continue;
    seconds[category] += spent;
    usd[category] += accruedCostUsd(priceUsdPerHour, spent);
    if (category === 'other') other += spent;
    else booked += spent;
  }
  return { ...account, seconds, usd, life: { ...life, other, booked } };
}

function sumOf(amounts: ByCategory): number {
  return ledgerCategories.reduce((sum, category) => sum + amounts[category], 0);
}
