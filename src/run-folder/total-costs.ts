/** What runs cost together. */
import { type CostTally, createCostTally } from '../economics/costs/cost-tally.ts';
import type { RunState } from '../economics/costs/run-state.ts';
import type { FoundRuns } from './find-runs.ts';
import { readRunCosts } from './run-costs.ts';

export interface TotalCosts {
  readonly tally: CostTally;
  /** By the run's folder, in the order in which the runs began; those without a ledger come last. */
  readonly states: ReadonlyMap<string, RunState>;
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
  { runs, problems: unsearched }: FoundRuns,
  { sinceUnixMs, nowUnixMs }: CountedTime,
): Promise<TotalCosts> {
  const tally = createCostTally(sinceUnixMs);
  const problems = [...unsearched];
  const read: { readonly folder: string; readonly state: RunState; readonly begun: string }[] = [];
  for (const { folder } of runs) {
    const tallied = tally.run(folder);
    let begun = '~';
    const costs = await readRunCosts(folder, nowUnixMs, (line) => {
      if (line.time < begun) begun = line.time;
      tallied.add(line);
    });
    tallied.end();
    problems.push(...costs.problems);
    read.push({ folder, state: costs.state, begun });
  }
  read.sort((a, b) => a.begun.localeCompare(b.begun));
  return { tally, states: new Map(read.map(({ folder, state }) => [folder, state])), problems };
}
