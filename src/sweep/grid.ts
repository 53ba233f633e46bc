/** The runs of a sweep. Pure: from what was asked to a list. */

/** The workers of a run, as arguments of `train`. */
export interface Fleet {
  /** Part of a folder's name. */
  readonly id: string;
  readonly args: readonly string[];
}

/** A point of the grid: what is repeated. */
export interface SweepPoint extends Fleet {
  readonly batchSize: number;
}

export interface SweepRun {
  /** The run's folder within the sweep's. */
  readonly id: string;
  readonly point: SweepPoint;
  /** Counts from 1. */
  readonly round: number;
}

/** `workers` of `backend`, all alike. */
export function evenFleet(workers: number, backend: string): Fleet {
  return { id: `w${workers}-${backend}`, args: ['--workers', String(workers), '--backend', backend] };
}

/** A worker as `train --worker` takes it: text, or a map from a config file. */
export type FleetEntry = string | Readonly<Record<string, unknown>>;

/** `"backend=wasm,price=1 + backend=cpu,count=2"`, or the list of its entries. */
export type FleetSpec = string | readonly FleetEntry[];

export function mixedFleet(spec: FleetSpec): Fleet {
  const entries = (typeof spec === 'string' ? spec.split(/\s\+\s/) : spec).map(entryText);
  return {
    id: entries
      .map((entry) =>
        entry
          .replaceAll('backend=', '')
          .replaceAll('=', '')
          .replace(/[^\w.,-]/g, '_'),
      )
      .join('+'),
    args: entries.flatMap((entry) => ['--worker', entry]),
  };
}

function entryText(entry: FleetEntry): string {
  const pairs =
    typeof entry === 'string'
      ? entry.split(',').map((pair) => pair.trim())
      : Object.entries(entry).map(([key, value]) => `${key}=${value}`);
  return pairs.join(',');
}

/** The slow card's part of the fast one's speed in `heterogeneousFleets`, and of its price. */
const slow = { duty: 0.25, price: 0.2, most: 3 } as const;

/**
 * The study of a mixed fleet: a fast dear card alone, a slow cheap one alone, and the fast one with one to three slow
 * ones. The slow ones are real workers held to a quarter of their speed; the prices are for the sake of argument, since
 * break-even prices follow from the speeds and the fast card's price alone.
 */
export function heterogeneousFleets(backend: string): readonly Fleet[] {
  const fast = { backend, price: 1 };
  const cheap = { backend, duty: slow.duty, price: slow.price };
  const joined = Array.from({ length: slow.most }, (_, index) => [fast, { ...cheap, count: index + 1 }]);
  return [[fast], [cheap], ...joined].map(mixedFleet);
}

/** Every fleet with every batch size; of the same point asked for twice, one. */
export function sweepPoints(fleets: readonly Fleet[], batchSizes: readonly number[]): readonly SweepPoint[] {
  const points = fleets.flatMap((fleet) =>
    batchSizes.map((batchSize) => ({ id: `${fleet.id}-b${batchSize}`, args: fleet.args, batchSize })),
  );
  return points.filter(({ id }, index) => points.findIndex((other) => other.id === id) === index);
}

/** Round by round, so that a slow spell of the machine meets all points alike. */
export function sweepRuns(points: readonly SweepPoint[], repeats: number): readonly SweepRun[] {
  return Array.from({ length: repeats }, (_, index) => index + 1).flatMap((round) =>
    points.map((point) => ({ id: `${point.id}-r${round}`, point, round })),
  );
}
