/** What runs cost together. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type CostTally, createCostTally } from '../economics/costs/cost-tally.ts';
import type { CountedRun } from '../economics/costs/run-state.ts';
import { messageOf } from '../shared/core/errors.ts';
import { formatCount } from '../shared/core/number-format.ts';
import { countDivergedLines } from './diverged-lines.ts';
import type { FoundRuns, RunCopy } from './find-runs.ts';
import { readRunCosts } from './run-costs.ts';

export interface TotalCosts {
  readonly tally: CostTally;
  /** By the run's folder, in the order in which the runs began; those without a ledger come last. */
  readonly runs: ReadonlyMap<string, CountedRun>;
  /** What could not be read, or was not counted: a line each. */
  readonly problems: readonly string[];
}

export interface CountedTime {
  /** Lines of ledgers from before this moment do not count. */
  readonly sinceUnixMs?: number | undefined;
  readonly nowUnixMs: number;
}

/** Reads one ledger after the other, a piece at a time. */
export async function totalCosts(
  { runs, copies, problems: unsearched }: FoundRuns,
  { sinceUnixMs, nowUnixMs }: CountedTime,
): Promise<TotalCosts> {
  const tally = createCostTally(sinceUnixMs);
  const problems = [...unsearched];
  for (const copy of copies) problems.push(...(await describeDiverged(copy)));
  const read: { readonly folder: string; readonly run: CountedRun; readonly begun: string }[] = [];
  for (const { folder, runId } of runs) {
    const tallied = tally.run(folder);
    let begun = '~';
    const costs = await readRunCosts(folder, nowUnixMs, (line) => {
      if (line.time < begun) begun = line.time;
      tallied.add(line);
    });
    tallied.end();
    problems.push(...costs.problems);
    read.push({ folder, run: { runId, status: costs.state }, begun });
  }
  read.sort((a, b) => a.begun.localeCompare(b.begun));
  return { tally, runs: new Map(read.map(({ folder, run }) => [folder, run])), problems };
}

/** A run that was copied, and resumed in both folders, has spent what follows in each. @returns a line, or none */
async function describeDiverged({ folder, of }: RunCopy): Promise<readonly string[]> {
  const file = join(folder, 'ledger.jsonl');
  // Why a ledger cannot be looked at was said when its folder was found.
  if (!existsSync(file)) return [];
  try {
    const lines = await countDivergedLines(file, join(of, 'ledger.jsonl'));
    if (lines === 0) return [];
    return [
      `${folder}: went on differently than ${of}; the last lines of its ledger, ${formatCount(lines)}, are left out`,
    ];
  } catch (error) {
    return [messageOf(error)];
  }
}
