/** Writes `samples.audit`: a line per change of shares, and two bytes for every step that goes on like the one before. */
import { appendFileSync, existsSync, truncateSync } from 'node:fs';
import { type AuditHeader, type AuditLine, headerLine, strideOf } from '../../run-folder/audit/audit-line.ts';
import { readBoundedFile } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { createLineFile, type LineFile } from '../../shared/files/line-file.ts';
import type { MemberInterval, StepEvent } from '../run-events.ts';

type AuditedStep = Pick<StepEvent, 'step' | 'epoch' | 'shares' | 'skipped'>;

const newline = 0x0a;

/** Begins the file, or goes on with it: a line that was cut off is removed. */
export function openAudit(file: string, header: AuditHeader): void {
  const before = existsSync(file) ? readBoundedFile(file, fileLimits.log) : Buffer.alloc(0);
  const whole = before.lastIndexOf(newline) + 1;
  if (whole < before.length) truncateSync(file, whole);
  if (whole === 0) appendFileSync(file, encode(headerLine(header)));
}

export interface AuditLog {
  /**
   * Appends a committed step at once, so that a run that is killed leaves every step.
   * @param isFollowed the next one comes before this process does anything else, and both are written together
   */
  step(step: AuditedStep, isFollowed?: boolean): void;
  /** Writes what was followed by nothing, if there is any of that. */
  release(): void;
  /** The steps after this one are void: they will be trained again. */
  rollBack(step: number): void;
  readonly file: LineFile;
}

/** @param path of a file that is begun */
export function createAuditLog(path: string, mostBytes?: number): AuditLog {
  const file = createLineFile(path, { mostBytes, drops: 'newest' });
  let encodeStep = createAuditEncoder();
  let held = '';

  /** A step cannot go on like one whose line was dropped. */
  function append(text: string): void {
    const lostBefore = file.lostBytes;
    file.append(text);
    if (file.lostBytes > lostBefore) encodeStep = createAuditEncoder();
  }

  function release(): void {
    const text = held;
    held = '';
    if (text !== '') append(text);
  }

  return {
    step(step, isFollowed = false) {
      held += encodeStep(step);
      if (!isFollowed) release();
    },
    release,
    rollBack(step) {
      release();
      append(encode({ type: 'resume', step }));
    },
    file,
  };
}

/** @returns what gives the lines of each step, in the order of the file */
export function createAuditEncoder(): (step: AuditedStep) => string {
  let before: AuditedStep | undefined;
  return (step) => {
    const goesOn = before !== undefined && isNext(before, step);
    before = step;
    if (goesOn) return encode(1);
    return encode({
      type: 'step',
      step: step.step + 1,
      epoch: step.epoch + 1,
      shares: step.shares.map(({ workerId, from, to }) => [workerId, from, to]),
      skipped: step.skipped === undefined ? undefined : true,
    });
  };
}

function isNext(before: AuditedStep, after: AuditedStep): boolean {
  const stride = strideOf(before.shares);
  const moved = (share: MemberInterval, index: number) => {
    const last = before.shares[index];
    return last?.workerId === share.workerId && last.from + stride === share.from && last.to + stride === share.to;
  };
  return (
    before.skipped === undefined &&
    after.skipped === undefined &&
    after.step === before.step + 1 &&
    after.epoch === before.epoch &&
    after.shares.length === before.shares.length &&
    after.shares.every(moved)
  );
}

function encode(line: AuditLine): string {
  return `${JSON.stringify(line)}\n`;
}
