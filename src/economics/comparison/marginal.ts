/** What one worker is worth to its fleet: measured where a run without it exists, otherwise modelled. */
import { meanEstimate, ratioEstimate } from '../models/confidence.ts';
import { breakEvenPrice, judgeWorker, type MarginalVerdict, rateWithout } from '../models/scaling.ts';
import { type FleetRuns, priceOf, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';
import { kindOf, speedKeyOf, type WorkerKind } from './worker-kind.ts';

/** Whether a figure was measured, or comes from a model of what was measured. */
export type Basis = 'measured' | 'modelled';

/** What one worker of a kind is worth to its fleet. The verdict goes by the cost of a sample. */
export interface Marginal extends MarginalVerdict {
  /** `w2`, or `one of 3 × wasm`. */
  readonly worker: string;
  readonly kind: string;
  readonly usdPerHour: number;
  readonly basis: Basis;
  /** 95 % confidence interval of `speedGain`; undefined without repeats, and where the gain is modelled. */
  readonly speedGainInterval: readonly [low: number, high: number] | undefined;
  /** 95 % confidence interval of `breakEvenUsdPerHour`; undefined likewise. */
  readonly breakEvenIntervalUsdPerHour: readonly [low: number, high: number] | undefined;
  /**
   * The verdict may be noise: the interval of the break-even price contains the worker's price, or the interval of the
   * gain contains 0.
   */
  readonly uncertain: boolean;
}

/** What one worker of each kind in a fleet brings. */
export function marginalsOf(group: FleetRuns, groups: readonly FleetRuns[], naming: Naming): readonly Marginal[] {
  const price = priceOf(group.fleet);
  if (price === undefined || workersOf(group) === 1) return [];
  const rateWith = meanEstimate(ratesOf(group)).value;
  return group.fleet.map(({ kind, count }) => {
    const usdPerHour = kind.usdPerHour ?? 0;
    const rest = group.fleet.map((other) => (other.kind === kind ? { ...other, count: count - 1 } : other));
    const measured = groups.filter(
      (other) => other.batch === group.batch && speedKeyOf(other.fleet) === speedKeyOf(rest),
    );
    const ratesWithout = measured.flatMap(ratesOf);
    const known = ratesWithout.length > 0;
    const samplesPerSecond = known ? meanEstimate(ratesWithout).value : modelledRateWithout(group, kind);
    const ratio = known ? ratioEstimate(ratesOf(group), ratesWithout).interval : undefined;
    const without = { usdPerHour: price - usdPerHour, samplesPerSecond };
    const breakEvens =
      ratio &&
      ([
        breakEvenPrice(without, ratio[0] * samplesPerSecond),
        breakEvenPrice(without, ratio[1] * samplesPerSecond),
      ] as const);
    const ids = group.runs[0]?.summary.workers.filter((worker) => kindOf(worker).priceKey === kind.priceKey);
    return {
      worker:
        count === 1 ? (ids?.[0]?.worker_id ?? naming.kindName(kind)) : `one of ${count} × ${naming.kindName(kind)}`,
      kind: naming.kindName(kind),
      usdPerHour,
      basis: known ? 'measured' : 'modelled',
      speedGainInterval: ratio && [ratio[0] - 1, ratio[1] - 1],
      breakEvenIntervalUsdPerHour: breakEvens,
      uncertain: isWithin(usdPerHour, breakEvens) || isWithin(1, ratio),
      ...judgeWorker(usdPerHour, without, rateWith),
    };
  });
}

function isWithin(value: number, interval: readonly [low: number, high: number] | undefined): boolean {
  return interval !== undefined && interval[0] < value && value < interval[1];
}

function modelledRateWithout({ runs }: FleetRuns, kind: WorkerKind): number {
  return mean(
    runs.map(({ summary: { workers, steps, train_seconds } }) => {
      const perStep = workers.map((w) => ({ samples: w.samples / steps, computeSeconds: w.compute_seconds / steps }));
      const index = workers.findIndex((worker) => kindOf(worker).priceKey === kind.priceKey);
      return rateWithout(perStep, index, train_seconds / steps);
    }),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
