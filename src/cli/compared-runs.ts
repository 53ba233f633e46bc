/** The runs that a command is given: named one by one, or all of a sweep. */
import { join } from 'node:path';
import { z } from 'zod';
import { badInput } from '../shared/core/errors.ts';
import type { ComparedRun } from '../shared/report/comparison.ts';
import { readSummary } from '../shared/report/summary-file.ts';
import { readSweep } from '../sweep/sweep-file.ts';

export const sweepSetting = {
  type: 'string',
  describe: 'Folder of a sweep: all its complete runs',
  schema: z.string().min(1, 'a path').optional(),
} as const;

/** Positional `run..`. */
export const runsPositional = { describe: 'Folders of runs', array: true } as const;

export function namedRuns(run: unknown): readonly string[] {
  return Array.isArray(run) ? run.map(String) : [];
}

/** @throws bad-input when none is named, or one cannot be read */
export function readRuns(folders: readonly string[], sweep: string | undefined): readonly ComparedRun[] {
  const named = [...folders, ...(sweep === undefined ? [] : foldersOf(sweep))];
  if (named.length === 0) throw badInput('name folders of runs, or a sweep with --sweep DIR');
  return [...new Set(named)].map((folder) => ({ folder, summary: readSummary(folder) }));
}

function foldersOf(sweep: string): readonly string[] {
  const record = readSweep(sweep);
  if (record === undefined) throw badInput(`--sweep ${sweep}: holds no sweep.json; name the --out of a sweep`);
  if (record.runs.length === 0) throw badInput(`--sweep ${sweep}: none of its runs is complete yet`);
  return record.runs.map(({ folder }) => join(sweep, folder));
}
