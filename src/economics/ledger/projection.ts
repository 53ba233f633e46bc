/** What a run will have taken in the end, and how long its budgets last, if it goes on as it does now. Pure. */
import type { Budget } from './budget.ts';
import { secondsPerHour } from './cost.ts';

/** A run as it stands. */
export interface Standing {
  /** Accrued so far, in USD. */
  readonly usd: number;
  /** All workers that are alive; undefined when none has a price. */
  readonly usdPerHour: number | undefined;
  /** What will be billed, in USD, if all rentals end in so many seconds. */
  readonly billedUsdAfter: (seconds: number) => number;
  /** How long the run takes to end once it is told to. Its workers are billed for that time as well. */
  readonly endingSeconds: number;
  /** The run's age. */
  readonly runSeconds: number;
  /** To the end of training, at the present pace; undefined while that is not known. */
  readonly secondsLeft: number | undefined;
}

/** A figure that is not known, or is about a budget that is not set, is undefined. */
export interface Projection {
  readonly secondsLeft: number | undefined;
  /** Accrued by the whole run, in USD. */
  readonly projectedUsd: number | undefined;
  /** What is left of `--budget-usd`, on its basis. */
  readonly budgetUsdLeft: number | undefined;
  /** Until the first budget is used up, be it money or time. */
  readonly budgetSecondsLeft: number | undefined;
}

/** A budget that lasts longer than this lasts for ever. */
const longestSeconds = 2 ** 40;

/**
 * Cost of the whole run: accrued so far + price of all workers × time to the end of training. A budget lasts until it ends
 * the run: until price × time or the run's age has used it up, or the bill would not keep it if the run ended any later.
 */
export function project(standing: Standing, budget: Budget): Projection {
  const { usd, usdPerHour, secondsLeft } = standing;
  const lasting = [moneySeconds(standing, budget), timeSeconds(standing, budget)].filter((left) => left !== undefined);
  const taken = budget.basis === 'billed' ? standing.billedUsdAfter(0) : usd;
  return {
    secondsLeft,
    projectedUsd:
      usdPerHour === undefined || secondsLeft === undefined
        ? undefined
        : usd + (usdPerHour * secondsLeft) / secondsPerHour,
    budgetUsdLeft: budget.usd === undefined ? undefined : Math.max(0, budget.usd - taken),
    budgetSecondsLeft: lasting.length === 0 ? undefined : Math.min(...lasting),
  };
}

function timeSeconds({ runSeconds }: Standing, { hours }: Budget): number | undefined {
  return hours === undefined ? undefined : Math.max(0, hours * secondsPerHour - runSeconds);
}

function moneySeconds(standing: Standing, budget: Budget): number | undefined {
  const { usd, usdPerHour = 0, billedUsdAfter, endingSeconds } = standing;
  if (budget.usd === undefined || usdPerHour === 0) return undefined;
  if (budget.basis === 'accrued') return (Math.max(0, budget.usd - usd) / usdPerHour) * secondsPerHour;
  return lastSecond((seconds) => billedUsdAfter(seconds + endingSeconds) <= (budget.usd ?? 0));
}

/** The end of the time in which something holds that never holds again afterwards, to a millionth of that time. */
function lastSecond(holds: (seconds: number) => boolean): number | undefined {
  if (!holds(0)) return 0;
  let [low, high] = [0, 1];
  while (holds(high)) {
    [low, high] = [high, 2 * high];
    if (high > longestSeconds) return undefined;
  }
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
