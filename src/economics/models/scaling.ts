/**
 * What additional workers bring and cost. Rates are in samples per second, prices in USD per hour. A fleet is all workers
 * of a run together.
 */
import { accruedCostUsd } from '../ledger/cost.ts';
import type { Estimate, Interval } from './confidence.ts';

/** What a fleet costs and how fast it trains. */
export interface FleetRate {
  readonly usdPerHour: number;
  readonly samplesPerSecond: number;
}

/** USD for training on 1,000 samples. */
export function costPerThousandUsd({ usdPerHour, samplesPerSecond }: FleetRate): number {
  return accruedCostUsd(usdPerHour, 1000 / samplesPerSecond);
}

/** The price of a fleet at which a sample costs the same as on `reference`: the most to pay for replacing it. */
export function replacementPrice(reference: FleetRate, samplesPerSecond: number): number {
  return (reference.usdPerHour * samplesPerSecond) / reference.samplesPerSecond;
}

/**
 * The price of a worker at which adding it does not change the cost of a sample: P · (R' / R − 1). Below this price the
 * worker pays. It is 0 or less when the worker only slows the others down.
 */
export function breakEvenPrice(without: FleetRate, samplesPerSecondWith: number): number {
  return without.usdPerHour * (samplesPerSecondWith / without.samplesPerSecond - 1);
}

export type Verdict = 'pays' | 'costs more than it brings' | 'slows the others down';

/** What one worker is worth to its fleet. */
export interface MarginalVerdict {
  readonly verdict: Verdict;
  /**
   * The verdict may be noise: the interval of the break-even price contains the worker's price. Without an interval the
   * figures are taken as they are.
   */
  readonly uncertain: boolean;
  /** 0.11 when the fleet is 11 % faster with the worker than without it. */
  readonly speedGain: number;
  /** 95 % confidence interval of `speedGain`; undefined without repeats. */
  readonly speedGainInterval: Interval | undefined;
  /** The worker pays below this price. */
  readonly breakEvenUsdPerHour: number;
  /** 95 % confidence interval of `breakEvenUsdPerHour`; undefined likewise. */
  readonly breakEvenIntervalUsdPerHour: Interval | undefined;
}

/**
 * Judges a worker by the cost of a sample with it and without it. Where the price is outside the break-even price's interval,
 * the verdict is certain, even if it is unknown whether the worker speeds training up at all.
 * @param ratio rate of the fleet with the worker over that without it
 */
export function judgeWorker(usdPerHour: number, usdPerHourWithout: number, ratio: Estimate): MarginalVerdict {
  const priceAt = (samplesPerSecond: number) =>
    breakEvenPrice({ usdPerHour: usdPerHourWithout, samplesPerSecond: 1 }, samplesPerSecond);
  const [low, high] = ratio.interval ?? [ratio.value, ratio.value];
  const breakEvenUsdPerHour = priceAt(ratio.value);
  // A free worker pays if it brings any speed, also beside free ones.
  const uncertain = usdPerHour === 0 ? low < 1 && 1 < high : priceAt(low) < usdPerHour && usdPerHour < priceAt(high);
  return {
    verdict:
      (uncertain ? ratio.value : high) <= 1
        ? 'slows the others down'
        : usdPerHour <= breakEvenUsdPerHour
          ? 'pays'
          : 'costs more than it brings',
    uncertain,
    speedGain: ratio.value - 1,
    speedGainInterval: ratio.interval && [low - 1, high - 1],
    breakEvenUsdPerHour,
    breakEvenIntervalUsdPerHour: ratio.interval && [priceAt(low), priceAt(high)],
  };
}
