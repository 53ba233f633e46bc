/** The files of a run. They are written as things happen, so that a run that dies leaves what it had. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditHeader, auditFile } from '../../run-folder/audit/audit-line.ts';
import { isLockName } from '../../run-folder/run-lock.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { badInput, messageOf, type PennygradError } from '../../shared/core/errors.ts';
import { sumOf } from '../../shared/core/sums.ts';
import {
  bestEffort,
  isDraftName,
  removeDrafts,
  syncFile,
  writeFileAtomically,
} from '../../shared/files/atomic-files.ts';
import { syncInBackground } from '../../shared/files/atomic-folder.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { cannotWrite, createLineFile } from '../../shared/files/line-file.ts';
import { makeFolder } from '../../shared/files/make-folder.ts';
import type { TrainedSpec } from '../../shared/model/model-spec.ts';
import type { RunEvent, RunObserver, StepEvent } from '../run-events.ts';
import { createAuditLog, openAudit } from './audit-file.ts';
import { createCheckpointWriter, type FoundCheckpoints } from './checkpoint-writer.ts';
import { createLedgerLog } from './ledger-log.ts';
import { createMetricsLines } from './metrics-lines.ts';

export interface RunFolder {
  /**
   * Writes a step before anybody applies it. It is not written again when it is observed.
   * @param isFollowed the next step is recorded before this process does anything else, and both are written together
   */
  record(step: StepEvent, isFollowed?: boolean): void;
  /** Writes what belongs in `metrics.jsonl`, `ledger.jsonl`, `samples.audit` and `checkpoints/`; ignores all other events. */
  observe(event: RunEvent): void;
  /** Says once when lines begin to wait because a file cannot be written, and once when all of them are written. */
  linesWaiting(): RunEvent | undefined;
  /** Writes a file of the run, whole or not at all. */
  write(name: string, content: string): void;
  /** Resolves when no checkpoint is left to write. @returns why the newest one could not be written, if it could not */
  checkpointsWritten(): Promise<PennygradError | undefined>;
  /** Writes lines that wait. @throws run-failed naming a file that cannot be written */
  flush(): void;
  /** Waits for the checkpoint that is being written, and writes what lines it can. May be called twice. */
  close(): Promise<void>;
}

export interface RunFolderOptions {
  readonly clock: Clock;
  /** So many of the newest checkpoints stay. */
  readonly keep: number;
  /** Told of each checkpoint that was written, or could not be, once that is known. */
  readonly report: RunObserver;
  /** Throws where another process has the folder by now: nothing more is written in the background then. */
  readonly requireHeld?: (() => void) | undefined;
  /** Set on resume. */
  readonly resumed?: ResumedFolder | undefined;
}

export interface ResumedFolder {
  /** The new content of `metrics.jsonl`, until it is known which step the run goes on from. */
  readonly wholeMetrics: string;
  readonly checkpoints: FoundCheckpoints;
}

/** The files that grow line by line. */
const lineFiles: readonly string[] = ['metrics.jsonl', 'ledger.jsonl', auditFile];

const nothingFound: FoundCheckpoints = { whole: undefined, damaged: [] };

/**
 * Nothing is written before the coordinator listens, so that a run that cannot begin leaves nothing. Once it trains, a disk
 * that takes nothing does not end it: lines wait, and a checkpoint that cannot be written is reported.
 * @param path exists
 * @param audited what identifies the run's samples
 * @throws bad-input when the folder holds another run, or something else
 */
export function openRunFolder(
  path: string,
  trained: TrainedSpec,
  audited: AuditHeader,
  { clock, keep, report, resumed }: RunFolderOptions,
): RunFolder {
  if (resumed === undefined) requireFree(path);
  const metrics = createLineFile(join(path, 'metrics.jsonl'));
  const ledger = createLineFile(join(path, 'ledger.jsonl'));
  const logLedger = createLedgerLog(ledger);
  const audit = createAuditLog(join(path, auditFile));
  const growing = [metrics, ledger, audit.file];
  const checkpoints = createCheckpointWriter({
    folder: join(path, 'checkpoints'),
    trained,
    clock,
    keep,
    report,
    found: resumed?.checkpoints ?? nothingFound,
    // Whoever goes on from a checkpoint needs what led to it.
    async before() {
      flush();
      for (const name of lineFiles) {
        const file = join(path, name);
        await syncInBackground(file).catch((error: unknown) => {
          throw cannotWrite(file, error);
        });
      }
    },
  });
  const lines = createMetricsLines();
  /** As it was said last. */
  let linesWait = false;

  /** The last step that was written before it was observed. */
  let recorded: StepEvent | undefined;

  /** Lines of steps that are followed by another one. */
  let held = '';

  /** At once, so that only the step in flight is not on record when this process is killed. */
  function write(text: string): void {
    const all = held + text;
    held = '';
    if (all !== '') metrics.append(all);
  }

  function writeStep(event: StepEvent, isFollowed: boolean): void {
    audit.step(event, isFollowed);
    const line = lines.step(event);
    if (isFollowed) held += line;
    else write(line);
  }

  /** What was expected to follow may not have come. */
  function release(): void {
    audit.release();
    write('');
  }

  function flush(): void {
    release();
    for (const file of growing) file.flush();
  }

  return {
    record(step, isFollowed = false) {
      recorded = step;
      writeStep(step, isFollowed);
    },
    observe(event) {
      if (event !== recorded) release();
      switch (event.type) {
        case 'listening':
          if (resumed === undefined) writing(path, startAfresh);
          else reopenFolder(path, resumed.wholeMetrics);
          writing(join(path, auditFile), (file) => openAudit(file, audited));
          break;
        case 'went-on':
          lines.follow(event);
          audit.rollBack(event.step);
          // Lines that wait belong to what is replaced.
          bestEffort(metrics.flush);
          writing(join(path, 'metrics.jsonl'), (file) => writeFileAtomically(file, event.record.keptMetrics));
          break;
        case 'step':
          if (event !== recorded) writeStep(event, false);
          break;
        case 'tick':
          // A run that waits for workers appends little.
          for (const file of growing) if (file.failure !== undefined) bestEffort(file.flush);
          break;
        case 'rolled-back':
          audit.rollBack(event.step);
          write(lines.follow(event));
          break;
        case 'generation':
          write(lines.follow(event));
          // Workers take a coordinator that has not heard of their generation for one that is out of date.
          bestEffort(() => syncFile(join(path, 'metrics.jsonl')));
          break;
        case 'resumed':
        case 'interruption':
        case 'shares':
        case 'epoch':
          write(lines.follow(event));
          break;
        case 'ledger':
          // At once rather than in batches, so that a run that is killed leaves them.
          logLedger(event, clock.unixMs());
          break;
        case 'checkpoint':
          checkpoints.save(event.checkpoint, event.seconds);
          break;
      }
    },
    linesWaiting() {
      const failure = growing.find((file) => file.failure !== undefined)?.failure;
      if ((failure === undefined) !== linesWait) return undefined;
      linesWait = failure !== undefined;
      if (failure !== undefined) return { type: 'lines-waiting', reason: failure.message };
      return { type: 'lines-written', lostBytes: sumOf(growing.map(({ lostBytes }) => lostBytes)) };
    },
    write(name, content) {
      writing(join(path, name), (file) => writeFileAtomically(file, content));
    },
    checkpointsWritten: checkpoints.settled,
    flush,
    async close() {
      await checkpoints.idle();
      // Whoever wanted to know what cannot be written has asked for it before.
      bestEffort(flush);
    },
  };
}

/** Everything that a run writes into its folder. */
const runFiles: readonly string[] = [
  'config.json',
  'metrics.jsonl',
  'ledger.jsonl',
  auditFile,
  'checkpoints',
  'summary.json',
  'report.html',
  'predictions.svg',
];

/** What is there before a run has written anything. Older versions made no `samples.audit`. */
const beginnings: readonly string[] = ['checkpoints', 'metrics.jsonl', 'ledger.jsonl'];

function requireFree(path: string): void {
  let problem: string | undefined;
  try {
    problem = problemOf(path);
  } catch (error) {
    throw badInput(`--out ${path}: cannot be read: ${messageOf(error)}`, error);
  }
  if (problem !== undefined) throw badInput(`--out ${path}: ${problem}; choose another folder`);
}

/** Why no run can begin in the folder. One that failed before its first step is as good as empty. */
function problemOf(path: string): string | undefined {
  const names = readdirSync(path).filter((name) => !isLockName(name) && !isDraftName(name));
  const isRun = names.includes('config.json') || names.includes('checkpoints');
  const isEmpty = (name: string) => !names.includes(name) || statSync(join(path, name)).size === 0;
  const isUnused =
    names.every((name) => (isRun ? runFiles : lineFiles).includes(name)) &&
    // A run makes these before its config.json.
    (!names.includes('config.json') || beginnings.every((name) => names.includes(name))) &&
    isEmpty('metrics.jsonl') &&
    (!names.includes('checkpoints') || readdirSync(join(path, 'checkpoints')).every(isDraftName)) &&
    // What it cost is kept for whoever resumes it, unless it failed.
    (isEmpty('ledger.jsonl') || hasFailed(path));
  if (isUnused) return undefined;
  return isRun ? 'already holds a run' : 'is not empty';
}

function hasFailed(path: string): boolean {
  const summary = join(path, 'summary.json');
  return existsSync(summary) && /"status": "failed"/.test(readBoundedText(summary, fileLimits.summary));
}

function startAfresh(path: string): void {
  removeDrafts(path);
  for (const name of runFiles) rmSync(join(path, name), { recursive: true, force: true });
  makeFolder(join(path, 'checkpoints'));
  for (const name of lineFiles) writeFileSync(join(path, name), '');
}

/** Under the run's lock, so that whoever wrote drafts is gone. */
function reopenFolder(path: string, wholeMetrics: string): void {
  writing(path, (folder) => {
    const checkpoints = join(folder, 'checkpoints');
    makeFolder(checkpoints);
    for (const place of [folder, checkpoints]) {
      removeDrafts(place);
      removeOldDrafts(place);
    }
    writeFileAtomically(join(folder, 'metrics.jsonl'), wholeMetrics);
    if (!existsSync(join(folder, 'ledger.jsonl'))) writeFileSync(join(folder, 'ledger.jsonl'), '');
  });
}

/** Drafts as older versions called them. */
function removeOldDrafts(folder: string): void {
  const isDraft =
    /^(\.step-\d+-\d+|(metrics\.jsonl|config\.json|summary\.json|predictions\.svg|report\.html)(\.\d+)?\.tmp)$/;
  for (const name of readdirSync(folder).filter((found) => isDraft.test(found))) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** @throws run-failed naming the file */
function writing(file: string, write: (file: string) => void): void {
  try {
    write(file);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}
