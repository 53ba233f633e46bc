/**
 * What more workers bring and what they cost. Rates are in samples per second, prices in USD per hour. A "fleet" is
 * all workers of a run together.
 */
import { accruedCostUsd } from '../ledger/cost.ts';

/** Strong scaling, E = T1 / (N · TN): the same work in TN seconds by N workers, in T1 by one. */
export function strongEfficiency(secondsOfOne: number, secondsOfAll: number, workers: number): number {
  return secondsOfOne / (workers * secondsOfAll);
}

/** Weak scaling, E = R_N / (N · R_1): the rate of N workers with N times the work, against N times that of one. */
export function weakEfficiency(rateOfOne: number, rateOfAll: number, workers: number): number {
  return rateOfAll / (workers * rateOfOne);
}

/** What a fleet costs and brings. */
export interface FleetRate {
  readonly usdPerHour: number;
  readonly samplesPerSecond: number;
}

/** USD for 1,000 samples while a fleet trains. */
export function costPerThousandUsd({ usdPerHour, samplesPerSecond }: FleetRate): number {
  return accruedCostUsd(usdPerHour, 1000 / samplesPerSecond);
}

/**
 * The price of a whole fleet at which a sample costs what it costs on `reference`: what may be paid for a cheaper card
 * in the place of a dear one.
 */
export function replacementPrice(reference: FleetRate, samplesPerSecond: number): number {
  return (reference.usdPerHour * samplesPerSecond) / reference.samplesPerSecond;
}

/**
 * The price of a worker at which adding it leaves the cost of a sample as it was: P · (R' / R − 1). Below it the worker
 * pays; 0 or less when it only slows the others down.
 */
export function breakEvenPrice(without: FleetRate, samplesPerSecondWith: number): number {
  return without.usdPerHour * (samplesPerSecondWith / without.samplesPerSecond - 1);
}

export type Verdict = 'pays' | 'costs more than it brings' | 'slows the others down';

/** What one worker is worth to a fleet. */
export interface MarginalVerdict {
  readonly verdict: Verdict;
  /** 0.11 when the fleet is 11 % faster with it than without. */
  readonly speedGain: number;
  /** Its part of what the fleet costs per hour. */
  readonly billShare: number;
  /** USD per hour, below which it pays. */
  readonly breakEvenUsdPerHour: number;
}

/** Judges a worker by the rate of its fleet with it and without it. The cost of a sample decides. */
export function judgeWorker(usdPerHour: number, without: FleetRate, samplesPerSecondWith: number): MarginalVerdict {
  const speedGain = samplesPerSecondWith / without.samplesPerSecond - 1;
  const breakEvenUsdPerHour = breakEvenPrice(without, samplesPerSecondWith);
  const total = without.usdPerHour + usdPerHour;
  return {
    verdict:
      speedGain <= 0
        ? 'slows the others down'
        : usdPerHour <= breakEvenUsdPerHour
          ? 'pays'
          : 'costs more than it brings',
    speedGain,
    billShare: total > 0 ? usdPerHour / total : 0,
    breakEvenUsdPerHour,
  };
}

/** What a worker does in a step of its fleet, in samples and seconds. */
export interface WorkerStep {
  readonly samples: number;
  readonly computeSeconds: number;
}

/**
 * The rate a fleet would have without one of its workers, from its own steps: the others compute its samples as fast as
 * they compute theirs, evenly loaded, and whatever is not computing stays as long. A model, not a measurement.
 * @param stepSeconds of the whole fleet
 */
export function rateWithout(workers: readonly WorkerStep[], index: number, stepSeconds: number): number {
  const batch = workers.reduce((sum, { samples }) => sum + samples, 0);
  const speed = (some: readonly WorkerStep[]) =>
    some.reduce((sum, { samples, computeSeconds }) => sum + samples / computeSeconds, 0);
  const others = speed(workers.filter((_, at) => at !== index));
  if (others === 0) return 0;
  const computing = batch / speed(workers);
  const rest = Math.max(0, stepSeconds - computing);
  return batch / (batch / others + rest);
}

/** A way to do the work: how long it takes, in seconds, and what it costs, in USD. */
export interface TimeAndCost {
  readonly seconds: number;
  readonly usd: number;
}

/** The ways that no other beats in time and cost at once (Pareto), fastest first; of equals the first is kept. */
export function paretoFront<Way extends TimeAndCost>(ways: readonly Way[]): readonly Way[] {
  const byTime = [...ways].sort((a, b) => a.seconds - b.seconds || a.usd - b.usd);
  const front: Way[] = [];
  for (const way of byTime) {
    const cheapest = front.at(-1);
    if (cheapest === undefined || way.usd < cheapest.usd) front.push(way);
  }
  return front;
}

/** The cheapest way; of equally cheap ones the fastest. Undefined when there is none. */
export function cheapest<Way extends TimeAndCost>(ways: readonly Way[]): Way | undefined {
  return paretoFront(ways).at(-1);
}
