/** Runs that cost money and measured nothing, because they did not complete. Pure. */
import { formatUsd } from '../../shared/core/number-format.ts';
import { sumOf } from '../../shared/core/sums.ts';
import type { CountedRun, RunState } from './run-state.ts';
import type { Spent } from './spent.ts';

export interface UnmeasuredRun {
  readonly folder: string;
  readonly status: Exclude<RunState, 'completed'>;
  readonly costUsd: number;
  readonly billedUsd: number;
}

/** @param spentOf undefined for a run that has cost nothing */
export function unmeasuredRuns(
  runs: ReadonlyMap<string, CountedRun>,
  spentOf: (folder: string) => Spent | undefined,
): readonly UnmeasuredRun[] {
  return [...runs].flatMap(([folder, { status }]) => {
    const { costUsd = 0, billedUsd = 0 } = spentOf(folder) ?? {};
    return status === 'completed' ? [] : [{ folder, status, costUsd, billedUsd }];
  });
}

/** How runs ended: one, and several. */
const ends: Readonly<Record<UnmeasuredRun['status'], readonly [one: string, several: string]>> = {
  failed: ['failed', 'failed'],
  killed: ['was killed', 'were killed'],
  interrupted: ['was interrupted', 'were interrupted'],
  running: ['still trains', 'still train'],
};

/** Runs that the sentence names; of more it says how many. */
const mostNamed = 20;

/** `2 runs that failed or were killed cost $0.0123, billed $0.03: runs/a (failed) $0.01, runs/b (killed) $0.0023` */
export function describeUnmeasured(runs: readonly UnmeasuredRun[]): readonly string[] {
  if (runs.length === 0) return [];
  const sum = (of: (run: UnmeasuredRun) => number) => formatUsd(sumOf(runs.map(of)));
  const how = Object.entries(ends).filter(([status]) => runs.some((run) => run.status === status));
  const named = runs
    .slice(0, mostNamed)
    .map(({ folder, status, costUsd }) => `${folder} (${status}) ${formatUsd(costUsd)}`);
  const more = runs.length > mostNamed ? [`${runs.length - mostNamed} more`] : [];
  const count = runs.length === 1 ? '1 run' : `${runs.length} runs`;
  return [
    `${count} that ${how.map(([, words]) => words[runs.length === 1 ? 0 : 1]).join(' or ')} cost ${sum(({ costUsd }) => costUsd)}, ` +
      `billed ${sum(({ billedUsd }) => billedUsd)}: ${[...named, ...more].join(', ')}`,
  ];
}
