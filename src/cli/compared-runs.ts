/** The runs that a command works on: named one by one, or all runs of a sweep. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { ComparedRun } from '../economics/comparison/compared-fleets.ts';
import { readStepSeries } from '../economics/record/step-series.ts';
import { readSummary } from '../economics/record/summary-file.ts';
import { path } from '../settings/schemas.ts';
import type { Setting } from '../settings/setting.ts';
import { badInput } from '../shared/core/errors.ts';
import { readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';
import { readSweep } from '../sweep/sweep-file.ts';
import { printWarning } from './print-warning.ts';

export const sweepSetting = {
  type: 'string',
  describe: 'Folder of a sweep, for all of its complete runs',
  schema: path.optional(),
} as const satisfies Setting;

/** Positional `run..`. */
export const runsPositional = { describe: 'Folders of runs', array: true } as const;

export function namedRuns(run: unknown): readonly string[] {
  return Array.isArray(run) ? run.map(String) : [];
}

/**
 * Reads each run once, however often and by whatever paths it is named: a copy is not a repetition.
 * @param warn is told of copies, and of runs of the sweep that are gone
 * @throws bad-input when no run is named, or one cannot be read
 */
export function readRuns(
  folders: readonly string[],
  sweep: string | undefined,
  warn: (line: string) => void = printWarning,
): readonly ComparedRun[] {
  const named = [...folders.map(readRun), ...(sweep === undefined ? [] : readSweepRuns(sweep, warn))];
  if (named.length === 0) throw badInput('name folders of runs, or a sweep with --sweep DIR');
  const runs = new Map<string, ComparedRun>();
  for (const run of named) {
    const same = runs.get(run.summary.run_id);
    if (same === undefined) runs.set(run.summary.run_id, run);
    else if (realpathSync(same.folder) !== realpathSync(run.folder)) {
      warn(`${run.folder} is a copy of ${same.folder} (run ${run.summary.run_id}) and is left out`);
    }
  }
  return [...runs.values()];
}

function readRun(folder: string): ComparedRun {
  if (existsSync(join(folder, 'sweep.json')) && !existsSync(join(folder, 'summary.json'))) {
    throw badInput(`${folder}: is a sweep, not a run; name it with --sweep ${folder}`);
  }
  return { folder, summary: readSummary(folder), stepRates: () => readStepRates(folder) };
}

/** None where `metrics.jsonl` is gone or damaged: what rests on it is then unknown. */
function readStepRates(folder: string): readonly number[] {
  try {
    const text = readBoundedText(join(folder, 'metrics.jsonl'), fileLimits.log);
    return readStepSeries(text).map(({ samplesPerSecond }) => samplesPerSecond);
  } catch {
    return [];
  }
}

/** The complete runs of a sweep that still exist. */
function readSweepRuns(sweep: string, warn: (line: string) => void): readonly ComparedRun[] {
  const record = readSweep(sweep);
  if (record === undefined) throw badInput(`--sweep ${sweep}: there is no sweep.json; name the folder of a sweep`);
  if (record.runs.length === 0) throw badInput(`--sweep ${sweep}: none of its runs is complete yet`);
  const folders = record.runs.map(({ folder }) => join(sweep, folder));
  const there = folders.filter((folder) => existsSync(join(folder, 'summary.json')));
  for (const folder of folders)
    if (!there.includes(folder)) warn(`${folder} has lost its summary.json and is left out`);
  if (there.length === 0) throw badInput(`--sweep ${sweep}: none of its runs has a summary.json left`);
  return there.map(readRun);
}
