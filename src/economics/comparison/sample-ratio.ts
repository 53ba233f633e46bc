/** Time and cost of the same samples on one fleet over those on another. Pure. */
import { ratioEstimate } from '../models/confidence.ts';
import type { WayRatio } from '../models/uncertain-choice.ts';

/** A fleet whose speed was measured. */
export interface MeasuredFleet {
  /** Price of the whole fleet; undefined unless every worker has a price. */
  readonly usdPerHour: number | undefined;
  /** Samples per second, one figure a run. */
  readonly rates: readonly number[];
}

/** With Welch's intervals of the difference of mean logarithms; a price is exact. Fleets without a price count as free. */
export function sampleRatio(fleet: MeasuredFleet, other: MeasuredFleet): WayRatio {
  const [price, otherPrice] = [fleet.usdPerHour ?? 0, other.usdPerHour ?? 0];
  return {
    seconds: ratioEstimate(other.rates, fleet.rates),
    usd: ratioEstimate(other.rates, fleet.rates, price === otherPrice ? 1 : price / otherPrice),
  };
}
