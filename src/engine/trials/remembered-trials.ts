/**
 * Trials that have been made, one file each in a folder of the user's cache. They only save time: what cannot be read, is
 * damaged or is about something else counts as not there.
 */
import { linkSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { codeOf } from '../../shared/core/errors.ts';
import { bestEffort, draftOf, removeStaleFileDrafts, writeFileAtomically } from '../../shared/files/atomic-files.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { makeFolder } from '../../shared/files/make-folder.ts';
import { engineNames } from '../engine.ts';
import { isConclusive } from './decide-engine.ts';
import { subjectKey, type TrialMachine, type TrialSubject, trialSubject } from './trial-subject.ts';

/** Samples per second, as `TrialSpeed`. */
export const trialSpeed = z.object({
  samplesPerSecond: z.number().positive(),
  bestSamplesPerSecond: z.number().positive(),
  coresUsed: z.number().nonnegative().optional(),
});

const rememberedTrial = z.object({
  /** Raise it if trials measure something else. */
  version: z.literal(1),
  subject: trialSubject,
  measuredAt: z.iso.datetime(),
  results: z
    .array(
      z.union([
        z.strictObject({ engine: z.enum(engineNames), ...trialSpeed.shape }),
        z.strictObject({ engine: z.enum(engineNames), problem: z.string() }),
      ]),
    )
    // One alone would have had nobody to be compared with.
    .min(2)
    .readonly(),
});
export type RememberedTrial = z.infer<typeof rememberedTrial>;

/**
 * What kept a trial from being conclusive may pass, a full memory or a busy machine for example. So that is not remembered
 * for longer. In milliseconds.
 */
const inconclusiveMs = 600_000;

const fileName = /^[0-9a-f]{32}\.json$/;

/** The file in which a trial is remembered. */
export function trialFile(folder: string, subject: TrialSubject): string {
  return join(folder, `${subjectKey(subject)}.json`);
}

/** @returns undefined if no trial of this subject is remembered, or one that was not conclusive too long ago */
export function recallTrial(folder: string, subject: TrialSubject, unixMs: number): RememberedTrial | undefined {
  const trial = readTrial(trialFile(folder, subject));
  if (trial === undefined || subjectKey(trial.subject) !== subjectKey(subject)) return undefined;
  const isOld = Math.abs(unixMs - Date.parse(trial.measuredAt)) > inconclusiveMs;
  return isOld && !isConclusive(trial.results) ? undefined : trial;
}

/** The trials that are remembered for this machine as it is now, the latest first. */
export function recallAllTrials(folder: string, machine: TrialMachine, unixMs: number): readonly RememberedTrial[] {
  return (bestEffort(() => readdirSync(folder)) ?? [])
    .filter((name) => fileName.test(name))
    .flatMap((name) => readTrial(join(folder, name)) ?? [])
    .filter(({ subject }) => isDeepStrictEqual(subject.machine, machine))
    .filter(({ subject }) => recallTrial(folder, subject, unixMs) !== undefined)
    .sort((a, b) => Date.parse(b.measuredAt) - Date.parse(a.measuredAt));
}

/**
 * Remembers a trial, unless another process was first: then that one's trial counts, so that all workers of a host choose
 * the same engine.
 * @returns the trial that counts; the given one where none can be remembered
 */
export function rememberTrial(folder: string, trial: RememberedTrial, unixMs: number): RememberedTrial {
  const file = trialFile(folder, trial.subject);
  const text = `${JSON.stringify(trial, undefined, 2)}\n`;
  try {
    makeFolder(folder);
    removeStaleFileDrafts(folder, (name) => fileName.test(name));
    // Nothing depends on what is there being the first, if it is of no use.
    if (!writeFirst(file, text) && recallTrial(folder, trial.subject, unixMs) === undefined) {
      writeFileAtomically(file, text);
    }
  } catch {
    // The folder cannot be written: the next worker tries for itself.
  }
  return recallTrial(folder, trial.subject, unixMs) ?? trial;
}

/** Puts a whole file in place, unless there is one. @returns false if there is */
function writeFirst(file: string, text: string): boolean {
  const draft = draftOf(file);
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readTrial(file: string): RememberedTrial | undefined {
  return bestEffort(() => rememberedTrial.safeParse(JSON.parse(readBoundedText(file, fileLimits.trial))).data);
}
