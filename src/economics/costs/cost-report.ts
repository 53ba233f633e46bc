/** What `costs` says of some runs: rows of one grouping, their sum, and what a reader must know. Pure. */
import { formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import type { CostGrouping, CostPart, CostTally } from './cost-tally.ts';
import type { CountedRun, RunState } from './run-state.ts';
import { nothingSpent, type Spent } from './spent.ts';

export interface CostRow extends CostPart {
  /** Only in rows of one run, or of a worker of one. */
  readonly runId?: string | undefined;
  /** Only in rows of one run. */
  readonly status?: RunState | undefined;
}

export interface CostReport {
  readonly by: CostGrouping;
  readonly folders: readonly string[];
  /** The moment before which nothing counts: ISO 8601, UTC. */
  readonly since: string | undefined;
  /** Those that cost something in that time; all of them where all time counts. */
  readonly runs: number;
  readonly rows: readonly CostRow[];
  readonly total: Spent;
  readonly notes: readonly string[];
  /** What could not be read, or was not counted. */
  readonly problems: readonly string[];
}

export interface CostsRead {
  readonly tally: CostTally;
  /** By the run's folder, in the order of the rows. */
  readonly runs: ReadonlyMap<string, CountedRun>;
  readonly problems: readonly string[];
}

export interface CostQuestion {
  readonly by: CostGrouping;
  readonly folders: readonly string[];
  readonly sinceUnixMs: number | undefined;
}

export function reportCosts({ tally, runs: counted, problems }: CostsRead, question: CostQuestion): CostReport {
  const { by, folders, sinceUnixMs } = question;
  const total = tally.total();
  const runs = rowsOfRuns(tally, counted, sinceUnixMs !== undefined);
  return {
    by,
    folders,
    since: sinceUnixMs === undefined ? undefined : new Date(sinceUnixMs).toISOString(),
    runs: runs.length,
    rows: by === 'run' ? runs : by === 'worker' ? rowsOfWorkers(tally, counted) : tally.parts(by),
    total,
    notes: notesOf(total, by, sinceUnixMs !== undefined),
    problems,
  };
}

/** A run that has cost nothing has a row too, unless only a part of the time was asked for. */
function rowsOfRuns(
  tally: CostTally,
  runs: ReadonlyMap<string, CountedRun>,
  onlyWithCosts: boolean,
): readonly CostRow[] {
  return [...runs].flatMap(([run, { runId, status }]) => {
    const spent = tally.ofRun(run);
    return spent === undefined && onlyWithCosts ? [] : [{ run, runId, status, spent: spent ?? nothingSpent }];
  });
}

function rowsOfWorkers(tally: CostTally, runs: ReadonlyMap<string, CountedRun>): readonly CostRow[] {
  return tally.parts('worker').map((part) => ({ ...part, runId: runs.get(part.run ?? '')?.runId }));
}

function notesOf(
  { assumedUsd, unpricedSeconds, billedUsd, costUsd }: Spent,
  by: CostGrouping,
  isPart: boolean,
): readonly string[] {
  return [
    ...(assumedUsd > 0
      ? [`${formatUsd(assumedUsd)} of the accrued cost rests on prices that nobody gave, and that are assumed`]
      : []),
    ...(unpricedSeconds > 0 ? [`${formatSeconds(unpricedSeconds)} of workers without a price count as free`] : []),
    ...(by === 'day' || isPart
      ? ['days are those of UTC; a rental, and every started unit of it, is billed on the day on which it begins']
      : []),
    ...(by === 'category' && billedUsd > costUsd
      ? [`billed: ${formatUsd(billedUsd)}; what providers round up belongs to no category`]
      : []),
  ];
}
