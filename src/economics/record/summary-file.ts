/** Reads `summary.json` of a run's folder. */
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { firstProblem } from '../../shared/core/first-problem.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { type Summary, summarySchema } from './summary.ts';

/** @throws bad-input naming the file and what is wrong with it */
export function readSummary(folder: string): Summary {
  if (!existsSync(folder)) throw badInput(`${folder}: no such folder; name a run's folder, for example runs/RUN-ID`);
  const file = join(folder, 'summary.json');
  if (!hasSummary(folder)) throw badInput(`${folder}: has no summary.json: it holds no run, or one that has not ended`);
  const text = readBoundedText(file, fileLimits.summary);
  try {
    return summarySchema.parse(JSON.parse(text));
  } catch (error) {
    const detail = error instanceof z.ZodError ? firstProblem(error) : messageOf(error);
    throw badInput(`${file}: not a summary of this version: ${detail}`, error);
  }
}

/** Whether there is something of that name, be it damaged or a link that leads nowhere. */
export function hasSummary(folder: string): boolean {
  try {
    return lstatSync(join(folder, 'summary.json'), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** @returns undefined where there is no summary, or none that can be read */
export function tryReadSummary(folder: string): Summary | undefined {
  try {
    return readSummary(folder);
  } catch {
    return undefined;
  }
}
