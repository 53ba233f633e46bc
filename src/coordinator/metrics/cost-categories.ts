import { accruedCostUsd } from '../../shared/core/cost.ts';
import type { PhaseSeconds } from '../../shared/core/phases.ts';

/** What a worker's money goes to. */
export const costCategories = ['compute', 'communicate', 'wait', 'load', 'startup', 'evaluate', 'other'] as const;
export type CostCategory = (typeof costCategories)[number];

/** Where a worker's time went since its process began, in seconds. */
export interface WorkerTime {
  readonly priceUsdPerHour: number;
  readonly aliveSeconds: number;
  /** Until training could begin. */
  readonly startupSeconds: number;
  readonly evaluateSeconds: number;
  readonly phases: PhaseSeconds;
}

/**
 * A worker's cost so far by category, in USD. The optimizer's update is computing; what none of the clocks saw is
 * `other`, so that the categories sum to the price of the time alive.
 */
export function costByCategory(time: WorkerTime): Readonly<Record<CostCategory, number>> {
  const { phases, startupSeconds, evaluateSeconds, aliveSeconds, priceUsdPerHour } = time;
  const seconds = {
    compute: phases.compute + phases.apply,
    communicate: phases.communicate,
    wait: phases.wait,
    load: phases.load,
    startup: startupSeconds,
    evaluate: evaluateSeconds,
  };
  const seen = Object.values(seconds).reduce((sum, value) => sum + value, 0);
  const cost = (value: number) => accruedCostUsd(priceUsdPerHour, value);
  return {
    compute: cost(seconds.compute),
    communicate: cost(seconds.communicate),
    wait: cost(seconds.wait),
    load: cost(seconds.load),
    startup: cost(seconds.startup),
    evaluate: cost(seconds.evaluate),
    other: cost(Math.max(0, aliveSeconds - seen)),
  };
}
