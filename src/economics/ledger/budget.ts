/** When a run has used up a budget. Pure: the decision returns its reason. */
import type { BudgetBasis } from '../../shared/core/budget-basis.ts';
import { secondsPerHour } from './cost.ts';

export interface Budget {
  readonly usd: number | undefined;
  /** Duration of the run, not the sum over its workers. */
  readonly hours: number | undefined;
  /** What `usd` is held against. */
  readonly basis: BudgetBasis;
}

/** What a run has taken so far, including the time before it was resumed. */
export interface Taken {
  /** Accrued. */
  readonly usd: number;
  /** What providers would bill if every rental ended now. */
  readonly billedUsd: number;
  readonly seconds: number;
}

/** A run that goes on, and might have to end. */
export interface TakenAndDue extends Taken {
  /** What will be billed in the end if the run is told to end now. */
  readonly billedAtEndUsd: number;
}

/**
 * What accrues is noticed once it reaches the budget. A bill rises by whole units, so that the run has to end before the
 * next one begins.
 * @returns which budget is used up, in words; undefined while neither is
 */
export function findSpentBudget({ usd, hours, basis }: Budget, spent: TakenAndDue): string | undefined {
  if (usd !== undefined && basis === 'accrued' && spent.usd >= usd) return `--budget-usd ${usd} is reached`;
  if (usd !== undefined && basis === 'billed' && spent.billedAtEndUsd > usd) {
    const isReached = spent.billedUsd >= usd;
    return `--budget-usd ${usd} ${isReached ? 'is reached by the bill' : 'leaves no room for the next unit of the bill'}`;
  }
  if (hours !== undefined && spent.seconds >= hours * secondsPerHour) return `--budget-hours ${hours} is reached`;
  return undefined;
}

/** When this part of a budget is used up, the rest is spent step by step. */
const nearPart = 0.9;

/**
 * Whether what is done at once has to be little, so that the budget is not overspent by much. A bill rises by whole units, and
 * may do so at any time.
 */
export function isBudgetNear({ usd, hours, basis }: Budget, spent: TakenAndDue): boolean {
  if (usd !== undefined && basis === 'billed') return true;
  const part = { usd: usd && usd * nearPart, hours: hours && hours * nearPart, basis };
  return findSpentBudget(part, spent) !== undefined;
}

/** The budgets with which a run can be resumed that has used one up. Those that need no change are undefined. */
export interface RaisedBudget {
  readonly usd: number | undefined;
  readonly hours: number | undefined;
}

/**
 * Raises each budget that is used up to twice what the run has taken, rounded up to two digits. Twice the old budget would
 * not be enough for a run whose start-up alone took more than that. A bill begins again with what every rental is billed
 * at least, so that a budget of the bill has room for that as well.
 *
 * @param spent when one of the budgets had ended the run
 * @param restartUsd the least that the rentals of the resumed run will be billed
 */
export function raiseSpentBudget({ usd, hours, basis }: Budget, spent: Taken, restartUsd: number): RaisedBudget {
  const spentHours = spent.seconds / secondsPerHour;
  const hoursAreSpent = hours !== undefined && spentHours >= hours;
  const raisedHours = hoursAreSpent ? roundUp(2 * spentHours) : undefined;
  if (usd === undefined) return { usd, hours: raisedHours };
  if (basis === 'accrued') return { usd: spent.usd < usd ? undefined : roundUp(2 * spent.usd), hours: raisedHours };
  // The bill ended the run before it reached the budget.
  const isSpent = !hoursAreSpent || spent.billedUsd + restartUsd > usd;
  return { usd: isSpent ? roundUp(2 * spent.billedUsd + restartUsd) : undefined, hours: raisedHours };
}

/** Rounds up to two significant digits. */
function roundUp(value: number): number {
  const nearest = Number(value.toPrecision(2));
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return nearest >= value ? nearest : Number((nearest + unit).toPrecision(2));
}
