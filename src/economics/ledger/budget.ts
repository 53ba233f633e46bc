/** When a run has used up a budget. Pure: the decision returns its reason. */

export interface Budget {
  readonly usd: number | undefined;
  /** Duration of the run, not the sum over its workers. */
  readonly hours: number | undefined;
}

/** What a run has taken so far, including the time before it was resumed. */
export interface Spent {
  readonly usd: number;
  readonly seconds: number;
}

const secondsPerHour = 3600;

/** @returns which budget is used up, in words; undefined while neither is */
export function findSpentBudget({ usd, hours }: Budget, spent: Spent): string | undefined {
  if (usd !== undefined && spent.usd >= usd) return `--budget-usd ${usd} is reached`;
  if (hours !== undefined && spent.seconds >= hours * secondsPerHour) return `--budget-hours ${hours} is reached`;
  return undefined;
}

/**
 * Raises each budget that is used up to twice what the run has taken, rounded up to two digits; other budgets are
 * undefined in the result. Twice the old budget would not be enough for a run whose start-up alone took more than that.
 */
export function raiseSpentBudget({ usd, hours }: Budget, spent: Spent): Budget {
  const raise = (budget: number | undefined, taken: number) =>
    budget === undefined || taken < budget ? undefined : roundUp(2 * taken);
  return { usd: raise(usd, spent.usd), hours: raise(hours, spent.seconds / secondsPerHour) };
}

/** Rounds up to two significant digits. */
function roundUp(value: number): number {
  const nearest = Number(value.toPrecision(2));
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return nearest >= value ? nearest : Number((nearest + unit).toPrecision(2));
}
