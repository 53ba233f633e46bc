/** What one worker is worth to its fleet: measured where a run without it exists, otherwise modelled or unknown. */
import { type Estimate, ratioEstimate } from '../models/confidence.ts';
import { judgeWorker, type MarginalVerdict } from '../models/scaling.ts';
import { modelledRatio, type RemovalRun, rateDeviation, rateWithout } from '../models/worker-removal.ts';
import { type FleetRuns, priceOf, ratesOf, workersOf } from './compared-fleets.ts';
import type { Naming } from './kind-names.ts';
import { kindOf, speedKeyOf, type WorkerKind } from './worker-kind.ts';

/**
 * Whether a figure was measured, comes from a model of what was measured, or cannot be had: the model was only checked on
 * fleets of one host, and nobody knows how much a run without recorded steps varies.
 */
export type Basis = 'measured' | 'modelled' | 'unknown';

/** What a worker is worth where nothing can be said of it. */
interface UnknownVerdict {
  readonly basis: 'unknown';
  readonly verdict: 'unknown';
  readonly uncertain: true;
  readonly speedGain: undefined;
  readonly speedGainInterval: undefined;
  readonly breakEvenUsdPerHour: undefined;
  readonly breakEvenIntervalUsdPerHour: undefined;
}

export interface KnownVerdict extends MarginalVerdict {
  readonly basis: 'measured' | 'modelled';
}

/** What one worker of a kind is worth to its fleet. The verdict goes by the cost of a sample. */
export type Marginal = (KnownVerdict | UnknownVerdict) & {
  /** `w2`, or `one of 3 × wasm`. */
  readonly worker: string;
  readonly kind: string;
  readonly usdPerHour: number;
  /** The worker's part of the fleet's price. */
  readonly billShare: number;
  /** 1 when the fleet costs twice as much an hour with the worker as without it; undefined where the others are free. */
  readonly costIncrease: number | undefined;
};

const unknownVerdict: UnknownVerdict = {
  basis: 'unknown',
  verdict: 'unknown',
  uncertain: true,
  speedGain: undefined,
  speedGainInterval: undefined,
  breakEvenUsdPerHour: undefined,
  breakEvenIntervalUsdPerHour: undefined,
};

/** What one worker of each kind in a fleet brings. */
export function marginalsOf(group: FleetRuns, groups: readonly FleetRuns[], naming: Naming): readonly Marginal[] {
  const price = priceOf(group.fleet);
  if (price === undefined || workersOf(group) === 1) return [];
  return group.fleet.map(({ kind, count }) => {
    const usdPerHour = kind.usdPerHour ?? 0;
    const others = price - usdPerHour;
    const ids = group.runs[0]?.summary.workers.filter((worker) => kindOf(worker).priceKey === kind.priceKey);
    return {
      worker:
        count === 1 ? (ids?.[0]?.worker_id ?? naming.kindName(kind)) : `one of ${count} × ${naming.kindName(kind)}`,
      kind: naming.kindName(kind),
      usdPerHour,
      billShare: price > 0 ? usdPerHour / price : 0,
      costIncrease: others > 0 ? usdPerHour / others : undefined,
      ...judge(group, groups, kind, others),
    };
  });
}

function judge(
  group: FleetRuns,
  groups: readonly FleetRuns[],
  kind: WorkerKind,
  usdPerHourWithout: number,
): KnownVerdict | UnknownVerdict {
  const usdPerHour = kind.usdPerHour ?? 0;
  const rest = group.fleet.map((other) => (other.kind === kind ? { ...other, count: other.count - 1 } : other));
  const without = groups
    .filter((other) => other.batch === group.batch && speedKeyOf(other.fleet) === speedKeyOf(rest))
    .flatMap(ratesOf);
  const judged = (basis: KnownVerdict['basis'], ratio: Estimate) => ({
    basis,
    ...judgeWorker(usdPerHour, usdPerHourWithout, ratio),
  });
  if (without.length > 0) return judged('measured', ratioEstimate(ratesOf(group), without));
  const modelled = group.runs.every(isLikeStudied) ? removalRuns(group, kind) : undefined;
  return modelled === undefined ? unknownVerdict : judged('modelled', modelledRatio(modelled));
}

/** Engines on whose fleets the model's error was measured. */
const studiedEngines: readonly string[] = ['wasm', 'tensorflow'];

/** The error of the model is only known for these engines, with all workers on one host. */
function isLikeStudied({ summary: { workers } }: FleetRuns['runs'][number]): boolean {
  const hosts = new Set(workers.map(({ host }) => host));
  return hosts.size === 1 && workers.every(({ backend }) => studiedEngines.includes(backend));
}

/** @returns undefined where it is not known how much the speed of a run changed while it trained */
function removalRuns({ runs }: FleetRuns, kind: WorkerKind): readonly RemovalRun[] | undefined {
  const found = runs.flatMap(({ summary, stepRates }): readonly RemovalRun[] => {
    const { workers, steps, train_seconds, samples_per_second } = summary;
    const deviation = rateDeviation(stepRates?.() ?? []);
    if (deviation === undefined) return [];
    const perStep = workers.map((worker) => ({
      samples: worker.samples / steps,
      computeSeconds: worker.compute_seconds / steps,
      communicateSeconds: worker.communicate_seconds / steps,
      waitSeconds: worker.wait_seconds / steps,
      loadSeconds: worker.load_seconds / steps,
    }));
    const index = workers.findIndex((worker) => kindOf(worker).priceKey === kind.priceKey);
    return [{ ratio: samples_per_second / rateWithout(perStep, index, train_seconds / steps), deviation }];
  });
  return found.length === runs.length ? found : undefined;
}
