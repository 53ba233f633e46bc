/** The files of a run. They are written as things happen, so that a run that dies leaves what it had. */
import { appendFileSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AuditHeader, auditFile } from '../../run-folder/audit/audit-line.ts';
import { listCheckpoints } from '../../run-folder/checkpoints.ts';
import { isLockName } from '../../run-folder/run-lock.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { badInput, messageOf, PennygradError } from '../../shared/core/errors.ts';
import { addPhases, noPhaseSeconds } from '../../shared/core/phases.ts';
import {
  isDraftName,
  removeDrafts,
  syncFile,
  writeFileAtomically,
  writeFolderAtomically,
} from '../../shared/files/atomic-files.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { makeFolder } from '../../shared/files/make-folder.ts';
import { encodeCheckpoint } from '../../shared/model/checkpoint-files.ts';
import type { TrainedSpec } from '../../shared/model/model-spec.ts';
import type { Checkpoint } from '../../shared/model/training-state.ts';
import type { MemberInfo, RunEvent } from '../run-events.ts';
import { createAuditEncoder, openAudit, rollBackAudit } from './audit-file.ts';
import { appendLedger } from './ledger-file.ts';

export interface RunFolder {
  /** Writes what belongs in `metrics.jsonl`, `ledger.jsonl`, `samples.audit` and `checkpoints/`; ignores all other events. */
  observe(event: RunEvent): void;
  /** Writes a file of the run, whole or not at all. */
  write(name: string, content: string): void;
  /** Writes buffered lines. May be called twice. */
  close(): void;
}

/** The files that grow line by line. */
const lineFiles: readonly string[] = ['metrics.jsonl', 'ledger.jsonl', auditFile];

/** Lines of steps are written in batches of this many: a write per step would cost too much. */
const linesAWrite = 64;

/** The newest checkpoints, of which this many are kept. */
const keptCheckpoints = 2;

/**
 * Nothing is written before the coordinator listens, so that a run that cannot begin leaves nothing.
 * @param path exists
 * @param audited what identifies the run's samples
 * @param keptMetrics set on resume: the new content of `metrics.jsonl`
 * @throws bad-input when the folder holds another run, or something else
 */
export function openRunFolder(
  path: string,
  trained: TrainedSpec,
  audited: AuditHeader,
  clock: Clock,
  keptMetrics?: string,
): RunFolder {
  if (keptMetrics === undefined) requireFree(path);
  const encodeAudit = createAuditEncoder();
  let lines: string[] = [];
  /** Committed steps. */
  let committed = 0;

  function flush(): void {
    if (lines.length === 0) return;
    const text = lines.join('');
    lines = [];
    writing(join(path, 'metrics.jsonl'), (file) => appendFileSync(file, text));
  }

  function writeLine(line: object): void {
    lines.push(`${JSON.stringify(line)}\n`);
    if (lines.length >= linesAWrite) flush();
  }

  return {
    observe(event) {
      switch (event.type) {
        case 'listening':
          if (keptMetrics === undefined) writing(path, startAfresh);
          else reopenFolder(path, keptMetrics);
          writing(join(path, auditFile), (file) =>
            openAudit(file, audited, keptMetrics === undefined ? undefined : { step: committed }),
          );
          break;
        case 'step': {
          committed = event.step + 1;
          // At once, so that a run that is killed leaves every step.
          writing(join(path, auditFile), (file) => appendFileSync(file, encodeAudit(event)));
          const total = event.members.reduce((sum, { phases }) => addPhases(sum, phases), noPhaseSeconds);
          const { type, step, epoch, samples, loss, seconds, usd } = event;
          writeLine({
            type,
            step: step + 1,
            epoch: epoch + 1,
            samples,
            loss,
            seconds,
            cost_usd: usd,
            accuracy: event.correct / samples,
            samples_per_second: rate(samples, seconds),
            // The sum over all members: divided by their number it is the mean.
            phase_seconds: total,
          });
          break;
        }
        case 'resumed':
          committed = event.step;
          break;
        case 'rolled-back':
          committed = event.step;
          writing(join(path, auditFile), (file) => rollBackAudit(file, event.step));
          // Readers take the last line of a step.
          writeLine({ type: 'resume', step: event.step, lost_steps: event.lostSteps });
          flush();
          break;
        case 'generation':
          writeLine({ type: 'fleet', step: committed, workers: event.members.map(fleetLine) });
          flush();
          break;
        case 'shares':
          writeLine({ ...event, step: event.step + 1, shares: event.shares.map(({ samples }) => samples) });
          break;
        case 'epoch': {
          const { type, epoch, loss, accuracy, testLoss, testAccuracy, samples, seconds, usd } = event;
          writeLine({
            type,
            epoch: epoch + 1,
            loss,
            accuracy,
            test_loss: testLoss,
            test_accuracy: testAccuracy,
            samples,
            seconds,
            cost_usd: usd,
            evaluate_seconds: event.evaluateSeconds,
            cut_short: event.cutShort,
            samples_per_second: rate(samples, seconds),
          });
          break;
        }
        case 'ledger':
          writing(join(path, 'ledger.jsonl'), (file) => appendLedger(file, event, clock.unixMs()));
          break;
        case 'checkpoint':
          flush();
          // Whoever goes on from the checkpoint needs what led to it.
          for (const name of lineFiles) writing(join(path, name), syncFile);
          writing(join(path, 'checkpoints'), (folder) => writeCheckpoint(folder, event.checkpoint, trained));
          break;
      }
    },
    write(name, content) {
      writing(join(path, name), (file) => writeFileAtomically(file, content));
    },
    close: flush,
  };
}

/** Undefined, and so left out of the line, where a clock saw no time pass. */
function rate(samples: number, seconds: number): number | undefined {
  return seconds > 0 ? samples / seconds : undefined;
}

function fleetLine(member: MemberInfo): object {
  const { workerId, backend, device, gpu, emulatedSpeed, priceUsdPerHour, priceAssumed } = member;
  return {
    worker_id: workerId,
    backend,
    device,
    gpu,
    emulated_speed: emulatedSpeed,
    price_usd_per_hour: priceUsdPerHour,
    price_assumed: priceAssumed,
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
function reopenFolder(path: string, keptMetrics: string): void {
  writing(path, (folder) => {
    const checkpoints = join(folder, 'checkpoints');
    makeFolder(checkpoints);
    for (const place of [folder, checkpoints]) {
      removeDrafts(place);
      removeOldDrafts(place);
    }
    writeFileAtomically(join(folder, 'metrics.jsonl'), keptMetrics);
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

/** Whatever is called `checkpoints/step-N/` is complete. */
function writeCheckpoint(folder: string, checkpoint: Checkpoint, trained: TrainedSpec): void {
  writeFolderAtomically(join(folder, `step-${checkpoint.step}`), encodeCheckpoint(checkpoint, trained));
  for (const old of listCheckpoints(folder).slice(0, -keptCheckpoints)) {
    rmSync(join(folder, old), { recursive: true, force: true });
  }
}

/** @throws run-failed naming the file */
function writing(file: string, write: (file: string) => void): void {
  try {
    write(file);
  } catch (error) {
    throw new PennygradError('run-failed', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
}
