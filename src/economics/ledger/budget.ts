/** When a run has had enough: a pure decision that says why. */

export interface Budget {
  readonly usd: number | undefined;
  /** Of the run, not of its workers' time added up. */
  readonly hours: number | undefined;
}

/** What a run has taken so far, with everything before it was resumed. */
export interface Spent {
  readonly usd: number;
  readonly seconds: number;
}

const secondsPerHour = 3600;

/** @returns which budget is used up, in words, or undefined while both last */
export function findSpentBudget({ usd, hours }: Budget, spent: Spent): string | undefined {
  if (usd !== undefined && spent.usd >= usd) return `--budget-usd ${usd} is reached`;
  if (hours !== undefined && spent.seconds >= hours * secondsPerHour) return `--budget-hours ${hours} is reached`;
  return undefined;
}

/**
 * The budgets that are used up, raised to twice what was taken by now, to two digits, rounded up; those that last are
 * left out. Not twice the budget: where start-up alone took more than that, the run could still not go on.
 */
export function raiseSpentBudget({ usd, hours }: Budget, spent: Spent): Budget {
  const raise = (budget: number | undefined, taken: number) =>
    budget === undefined || taken < budget ? undefined : roundUp(2 * taken);
  return { usd: raise(usd, spent.usd), hours: raise(hours, spent.seconds / secondsPerHour) };
}

/** To two significant digits. */
function roundUp(value: number): number {
  const nearest = Number(value.toPrecision(2));
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return nearest >= value ? nearest : Number((nearest + unit).toPrecision(2));
}
