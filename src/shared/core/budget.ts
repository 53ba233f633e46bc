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
