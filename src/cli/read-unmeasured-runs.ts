/** What the runs cost that a comparison cannot measure. They are known by their ledgers. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { ComparedRun } from '../economics/comparison/compared-fleets.ts';
import { type UnmeasuredRun, unmeasuredRuns } from '../economics/costs/unmeasured-runs.ts';
import { findRuns } from '../run-folder/find-runs.ts';
import { totalCosts } from '../run-folder/total-costs.ts';
import { systemClock } from '../shared/core/clock.ts';
import { printWarning } from './print-warning.ts';

/** Whether the folder is of a run that left no summary: it was killed, or still runs. */
export function hasNoSummary(folder: string): boolean {
  return existsSync(join(folder, 'ledger.jsonl')) && !existsSync(join(folder, 'summary.json'));
}

/** Where runs are looked for, and those that are compared. */
export interface ComparedFolders {
  readonly named: readonly string[];
  readonly sweep: string | undefined;
  readonly runs: readonly ComparedRun[];
}

/** The runs that did not complete, among those named and all that a sweep has begun. Warns of what cannot be read. */
export async function readUnmeasuredRuns({ named, sweep, runs }: ComparedFolders): Promise<readonly UnmeasuredRun[]> {
  const measured = new Set(
    runs.filter(({ summary }) => summary.status === 'completed').map(({ folder }) => realpathSync(folder)),
  );
  const found = findRuns([...named, ...(sweep === undefined ? [] : [sweep])]).runs;
  const others = found.filter(({ folder }) => !measured.has(realpathSync(folder)));
  const {
    runs: counted,
    tally,
    problems,
  } = await totalCosts({ runs: others, copies: [], problems: [] }, { nowUnixMs: systemClock.unixMs() });
  for (const problem of problems) printWarning(problem);
  return unmeasuredRuns(counted, tally.ofRun);
}
