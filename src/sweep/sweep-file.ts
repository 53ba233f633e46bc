/** `sweep.json`: the settings of a sweep, and which of its runs are complete. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { firstProblem } from '../shared/core/first-problem.ts';
import { printable } from '../shared/core/printable.ts';
import { removeStaleFileDrafts, writeFileAtomically } from '../shared/files/atomic-files.ts';
import { readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';
import { makeFolder } from '../shared/files/make-folder.ts';

const sweepSchema = z.strictObject({
  format: z.literal(1),
  /** ISO 8601, UTC. */
  created_at: z.iso.datetime(),
  machine: z.strictObject({
    cpu: z.string().overwrite(printable),
    cores: z.number().positive(),
    node: z.string(),
    pennygrad: z.string(),
  }),
  /** Arguments for `train` that all runs share. */
  args: z.array(z.string()).readonly(),
  points: z
    .array(z.strictObject({ id: z.string(), args: z.array(z.string()).readonly(), batch_size: z.int().positive() }))
    .readonly(),
  repeats: z.int().positive(),
  /** Complete runs, in the order in which they ended. */
  runs: z
    .array(
      z.strictObject({
        /** The run's folder, beside this file. */
        folder: z.string(),
        point: z.string().overwrite(printable),
        round: z.int().positive(),
        /** Duration of its process. */
        seconds: z.number().nonnegative(),
      }),
    )
    .readonly(),
});
export type SweepRecord = z.infer<typeof sweepSchema>;

const fileName = 'sweep.json';

/** @returns undefined when the folder holds no sweep @throws bad-input when its sweep.json cannot be read */
export function readSweep(folder: string): SweepRecord | undefined {
  const file = join(folder, fileName);
  if (!existsSync(file)) return undefined;
  const text = readBoundedText(file, fileLimits.summary);
  try {
    return sweepSchema.parse(JSON.parse(text));
  } catch (error) {
    const detail = error instanceof z.ZodError ? firstProblem(error) : messageOf(error);
    throw badInput(`${file}: not a sweep of this version: ${detail}`, error);
  }
}

/** Writes atomically. @throws bad-input when the file cannot be written */
export function writeSweep(folder: string, record: SweepRecord): void {
  const file = join(folder, fileName);
  try {
    makeFolder(folder);
    removeStaleFileDrafts(folder, (name) => name === fileName);
    writeFileAtomically(file, `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    throw badInput(`--out ${folder}: cannot write ${fileName}: ${messageOf(error)}`, error);
  }
}
