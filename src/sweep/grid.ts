/** The runs of a sweep. Pure: from settings to a list of runs. */

/** The workers of a run, as arguments of `train`. */
export interface Fleet {
  /** Part of a folder's name. */
  readonly id: string;
  readonly args: readonly string[];
}

/** A point of the grid, which is measured once a round. */
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

/** A fleet of equal workers. */
export function evenFleet(workers: number, backend: string): Fleet {
  return { id: `w${workers}-${backend}`, args: ['--workers', String(workers), '--backend', backend] };
}

/** Workers as `train --worker` takes them: text, or a map from a config file. */
export type FleetEntry = string | Readonly<Record<string, unknown>>;

/** `"backend=wasm,price=1 + backend=cpu,count=2"`, or a list of such entries. */
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

/**
 * The slow card of `heterogeneousFleets`: its speed and its price relative to the fast card, and the most of them in a
 * fleet.
 */
const slow = { duty: 0.25, price: 0.2, most: 3 } as const;

/**
 * The fleets to study a mix of cards: a fast expensive card alone, a slow cheap one alone, and the fast one with one to
 * three slow ones. The slow ones are real workers held to a quarter of their speed. The prices are examples: break-even
 * prices depend only on the speeds and on the price of the fast card.
 */
export function heterogeneousFleets(backend: string): readonly Fleet[] {
  const fast = { backend, price: 1 };
  const cheap = { backend, duty: slow.duty, price: slow.price };
  const joined = Array.from({ length: slow.most }, (_, index) => [fast, { ...cheap, count: index + 1 }]);
  return [[fast], [cheap], ...joined].map(mixedFleet);
}

/** Every fleet with every batch size, without duplicates. */
export function sweepPoints(fleets: readonly Fleet[], batchSizes: readonly number[]): readonly SweepPoint[] {
  const points = fleets.flatMap((fleet) =>
    batchSizes.map((batchSize) => ({ id: `${fleet.id}-b${batchSize}`, args: fleet.args, batchSize })),
  );
  return points.filter(({ id }, index) => points.findIndex((other) => other.id === id) === index);
}

/** All points once in every round, so that a slow phase of the machine affects all points alike. */
export function sweepRuns(points: readonly SweepPoint[], repeats: number): readonly SweepRun[] {
  return Array.from({ length: repeats }, (_, index) => index + 1).flatMap((round) =>
    points.map((point) => ({ id: `${point.id}-r${round}`, point, round })),
  );
}

/**
 * Estimates the duration of the runs to come: the mean of finished runs of the same point, or of all finished runs.
 * @param done points of finished runs, with the seconds that each took
 * @param ahead points of the runs to come
 * @returns seconds; undefined before any run has finished
 */
export function remainingSeconds(
  done: readonly { readonly point: string; readonly seconds: number }[],
  ahead: readonly string[],
): number | undefined {
  if (done.length === 0) return undefined;
  const mean = (runs: typeof done) => runs.reduce((sum, { seconds }) => sum + seconds, 0) / runs.length;
  return ahead.reduce((sum, point) => {
    const same = done.filter((run) => run.point === point);
    return sum + mean(same.length > 0 ? same : done);
  }, 0);
}
