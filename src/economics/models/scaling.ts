/**
 * What additional workers bring and cost. Rates are in samples per second, prices in USD per hour. A fleet is all workers
 * of a run together.
 */
import { accruedCostUsd } from '../ledger/cost.ts';

/** Strong scaling, E = T1 / (N · TN): one worker takes T1 seconds, N workers take TN for the same work. */
export function strongEfficiency(secondsOfOne: number, secondsOfAll: number, workers: number): number {
  return secondsOfOne / (workers * secondsOfAll);
}

/** Weak scaling, E = R_N / (N · R_1): the rate of N workers on N times the work, relative to N times that of one. */
export function weakEfficiency(rateOfOne: number, rateOfAll: number, workers: number): number {
  return rateOfAll / (workers * rateOfOne);
}

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
  /** 0.11 when the fleet is 11 % faster with the worker than without it. */
  readonly speedGain: number;
  /** The worker's part of the fleet's price. */
  readonly billShare: number;
  /** The worker pays below this price. */
  readonly breakEvenUsdPerHour: number;
}

/** Judges a worker by the cost of a sample with it and without it. */
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

/** A worker's part of one step. */
export interface WorkerStep {
  readonly samples: number;
  readonly computeSeconds: number;
}

/**
 * Models the rate of a fleet without one of its workers: the others take over its samples at their own speeds, evenly
 * loaded, and the time that is not spent computing stays the same.
 * @param stepSeconds duration of a step of the whole fleet
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

export interface TimeAndCost {
  readonly seconds: number;
  readonly usd: number;
}

/**
 * The ways that no other beats in both time and cost (the Pareto front), fastest first. Of equal ways the first is kept.
 */
export function paretoFront<Way extends TimeAndCost>(ways: readonly Way[]): readonly Way[] {
  const byTime = [...ways].sort((a, b) => a.seconds - b.seconds || a.usd - b.usd);
  const front: Way[] = [];
  for (const way of byTime) {
    const cheapest = front.at(-1);
    if (cheapest === undefined || way.usd < cheapest.usd) front.push(way);
  }
  return front;
}

/** The cheapest way, and of equally cheap ones the fastest; undefined for no ways. */
export function cheapest<Way extends TimeAndCost>(ways: readonly Way[]): Way | undefined {
  return paretoFront(ways).at(-1);
}
