/** Finds the folders of runs, whatever became of them. */
import { type Dirent, existsSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { tryReadSummary } from '../economics/record/summary-file.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { readConfigured } from './run-config.ts';
import { isLockName } from './run-lock.ts';

export interface FoundRun {
  readonly folder: string;
  /** From its `config.json` or its `summary.json`; the folder where neither can be read. */
  readonly runId: string;
}

/** A folder that holds a run which another one holds too, and whose ledger is no longer than that one's. */
export interface RunCopy {
  readonly folder: string;
  readonly of: string;
}

export interface FoundRuns {
  readonly runs: readonly FoundRun[];
  readonly copies: readonly RunCopy[];
  /** Folders that could not be searched, and copies of runs: a line each. */
  readonly problems: readonly string[];
}

/** Folders within folders that are searched. */
const deepest = 16;

/**
 * All runs in these folders and those within them, once each, by whatever paths they are reached. Of copies of a run the
 * one with the longest ledger counts.
 * @throws bad-input when a named folder does not exist
 */
export function findRuns(folders: readonly string[]): FoundRuns {
  const problems: string[] = [];
  const found: string[] = [];
  const seen = new Set<string>();

  /** @returns undefined where there is nothing, such as at the end of a link, or where it cannot be looked at */
  function look(path: string): Stats | undefined {
    try {
      return statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      const problem = `${path}: cannot be read: ${messageOf(error)}`;
      if (!problems.includes(problem)) problems.push(problem);
      return undefined;
    }
  }

  // What a link leads to is searched once, whatever leads there.
  const isFolder = (entry: Dirent, folder: string) =>
    entry.isDirectory() || (entry.isSymbolicLink() && look(join(folder, entry.name))?.isDirectory() === true);
  const ledgerBytes = ({ folder }: FoundRun) => look(join(folder, 'ledger.jsonl'))?.size ?? 0;

  function search(folder: string, depth: number): void {
    let entries: readonly Dirent[];
    try {
      const real = realpathSync(folder);
      if (seen.has(real)) return;
      // Its links lead to the folders of all processes, and so to everything on this host.
      if (/^\/proc(\/|$)/.test(real)) {
        problems.push(`${folder}: leads into /proc, and is not searched`);
        return;
      }
      seen.add(real);
      entries = readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      problems.push(`${folder}: cannot be searched: ${messageOf(error)}`);
      return;
    }
    const names = entries.map(({ name }) => name);
    const isRun = holdsRun(names);
    if (isRun) found.push(folder);
    const inner = entries
      .filter((entry) => mayHoldRuns(entry.name, isRun) && isFolder(entry, folder))
      .map(({ name }) => name);
    if (inner.length > 0 && depth === deepest) problems.push(`${folder}: lies too deep, and is not searched further`);
    else for (const name of inner.sort()) search(join(folder, name), depth + 1);
  }

  for (const folder of folders) {
    if (!existsSync(folder))
      throw badInput(`${folder}: no such folder; name folders of runs, such as runs or sweeps/a`);
    if (!statSync(folder).isDirectory()) throw badInput(`${folder}: not a folder; name folders of runs`);
    search(folder, 0);
  }
  const runs = new Map<string, FoundRun>();
  const copies: RunCopy[] = [];
  for (const folder of found) {
    const run = { folder, runId: readConfigured(folder).runId ?? tryReadSummary(folder)?.run_id ?? folder };
    const same = runs.get(run.runId);
    const [kept, copy] = same === undefined || ledgerBytes(same) < ledgerBytes(run) ? [run, same] : [same, run];
    runs.set(run.runId, kept);
    if (copy === undefined) continue;
    copies.push({ folder: copy.folder, of: kept.folder });
    problems.push(`${copy.folder}: a copy of ${kept.folder}, run ${kept.runId}; not counted`);
  }
  return { runs: [...runs.values()], copies, problems };
}

function holdsRun(names: readonly string[]): boolean {
  return (
    names.includes('ledger.jsonl') ||
    ['checkpoints', 'summary.json'].some((name) => names.includes(name) && names.includes('config.json'))
  );
}

function mayHoldRuns(name: string, inRun: boolean): boolean {
  if (name.startsWith('.') || name === 'node_modules') return false;
  return !(inRun && (name === 'checkpoints' || isLockName(name)));
}
