/** Groups runs by fleet and batch size: runs of the same fleet with the same batch are repeats of each other. */
import type { Summary } from '../record/summary.ts';
import { countKinds, type KindCount, type WorkerKind } from './worker-kind.ts';

/** A run and its folder. */
export interface ComparedRun {
  readonly folder: string;
  readonly summary: Summary;
  /**
   * Reads samples per second of equally many steps each, in order; empty where they are not known. Only called where a
   * figure rests on them.
   */
  readonly stepRates?: () => readonly number[];
}

/** The repeats of one fleet with one batch size. */
export interface FleetRuns {
  readonly fleet: readonly KindCount[];
  readonly batch: number;
  readonly runs: readonly ComparedRun[];
}

/** Ordered by batch size, then by number of workers. */
export function groupRuns(runs: readonly ComparedRun[]): readonly FleetRuns[] {
  const groups = new Map<string, FleetRuns>();
  for (const run of runs) {
    const fleet = countKinds(run.summary.workers);
    const batch = run.summary.global_batch_size;
    const key = `${batch}: ${fleetKey(fleet)}`;
    groups.set(key, { fleet, batch, runs: [...(groups.get(key)?.runs ?? []), run] });
  }
  return [...groups.values()].sort(
    (a, b) => a.batch - b.batch || workersOf(a) - workersOf(b) || a.fleet.length - b.fleet.length,
  );
}

/** Equal for fleets that have the same workers at the same prices. */
export function fleetKey(fleet: readonly KindCount[]): string {
  return fleet
    .map(({ kind, count }) => `${count} ${kind.priceKey}`)
    .sort()
    .join(' + ');
}

export function workersOf({ fleet }: Pick<FleetRuns, 'fleet'>): number {
  return fleet.reduce((sum, { count }) => sum + count, 0);
}

/** Samples per second, one figure a run. */
export function ratesOf({ runs }: FleetRuns): readonly number[] {
  return runs.map(({ summary }) => summary.samples_per_second);
}

/** The kinds in all fleets; a kind that is in several fleets is listed several times. */
export function kindsIn(groups: readonly FleetRuns[]): readonly WorkerKind[] {
  return groups.flatMap(({ fleet }) => fleet.map(({ kind }) => kind));
}

/** USD per hour of all workers together; undefined unless every worker has a price. */
export function priceOf(fleet: readonly KindCount[]): number | undefined {
  return fleet.every(({ kind }) => kind.usdPerHour !== undefined)
    ? fleet.reduce((sum, { kind, count }) => sum + count * (kind.usdPerHour ?? 0), 0)
    : undefined;
}
