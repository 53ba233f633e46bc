/** The files of a run. They are written as things happen, so that a run that dies leaves what it had. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Interruption } from '../../economics/record/interruption.ts';
import { type AuditHeader, auditFile } from '../../run-folder/audit/audit-line.ts';
import { isLockName } from '../../run-folder/run-lock.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { badInput, messageOf, type PennygradError } from '../../shared/core/errors.ts';
import { addPhases, noPhaseSeconds } from '../../shared/core/phases.ts';
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
import type { MemberInfo, MemberStep, RunEvent, RunObserver, StepEvent } from '../run-events.ts';
import { createAuditLog, openAudit } from './audit-file.ts';
import { createCheckpointWriter, type FoundCheckpoints } from './checkpoint-writer.ts';
import { createLedgerLog } from './ledger-log.ts';

export interface RunFolder {
  /** Writes a step before anybody applies it. It is not written again when it is observed. */
  record(step: StepEvent): void;
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
  /** Committed steps. */
  let committed = 0;
  /** As it was said last. */
  let linesWait = false;

  /** The last step that was written before it was observed. */
  let recorded: StepEvent | undefined;
  /** As the last step's line has them. */
  let workerSamples = '';

  /** At once, so that only the step in flight is not on record when this process is killed. */
  function writeLine(line: object): void {
    metrics.append(`${JSON.stringify(line)}\n`);
  }

  /** Where they differ from those of the step before. */
  function changedSamples(members: readonly MemberStep[]): object | undefined {
    const samples = Object.fromEntries(members.map((member) => [member.workerId, member.samples]));
    const text = JSON.stringify(samples);
    if (text === workerSamples) return undefined;
    workerSamples = text;
    return samples;
  }

  function writeStep(event: StepEvent): void {
    committed = event.step + 1;
    audit.step(event);
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
      worker_samples: changedSamples(event.members),
      generation: event.generation,
    });
  }

  function flush(): void {
    for (const file of growing) file.flush();
  }

  return {
    record(step) {
      recorded = step;
      writeStep(step);
    },
    observe(event) {
      switch (event.type) {
        case 'listening':
          if (resumed === undefined) writing(path, startAfresh);
          else reopenFolder(path, resumed.wholeMetrics);
          writing(join(path, auditFile), (file) => openAudit(file, audited));
          break;
        case 'went-on':
          committed = event.step;
          workerSamples = '';
          audit.rollBack(event.step);
          // Lines that wait belong to what is replaced.
          bestEffort(metrics.flush);
          writing(join(path, 'metrics.jsonl'), (file) => writeFileAtomically(file, event.record.keptMetrics));
          break;
        case 'step':
          if (event !== recorded) writeStep(event);
          break;
        case 'tick':
          // A run that waits for workers appends little.
          for (const file of growing) if (file.failure !== undefined) bestEffort(file.flush);
          break;
        case 'resumed':
          committed = event.step;
          break;
        case 'rolled-back':
          committed = event.step;
          audit.rollBack(event.step);
          // Readers take the last line of a step.
          writeLine({ type: 'resume', step: event.step, lost_steps: event.lostSteps });
          break;
        case 'generation':
          workerSamples = '';
          writeLine({
            type: 'fleet',
            step: committed,
            generation: event.number,
            workers: event.members.map(fleetLine),
          });
          // Workers take a coordinator that has not heard of their generation for one that is out of date.
          bestEffort(() => syncFile(join(path, 'metrics.jsonl')));
          break;
        case 'interruption':
          writeLine(interruptionLine(event.interruption));
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

function interruptionLine(interruption: Interruption): object {
  const { step, workerId, reason, recoverySeconds, wastedSeconds, wastedUsd, lostSteps } = interruption;
  return {
    type: 'interruption',
    step,
    worker_id: workerId,
    reason,
    recovery_seconds: recoverySeconds,
    wasted_seconds: wastedSeconds,
    wasted_usd: wastedUsd,
    lost_steps: lostSteps,
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
