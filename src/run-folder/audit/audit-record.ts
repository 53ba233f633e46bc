/** Takes in the lines of `samples.audit`, and keeps what counts: the steps that no resume has made void. */
import {
  type AuditHeader,
  type AuditLine,
  type AuditShare,
  auditLimits,
  headerOf,
  parseAuditLine,
  strideOf,
} from './audit-line.ts';

/** Consecutive steps with the same shares, each moved on by `stride`. Steps and epochs count from 1. */
export interface Span {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  /** The shares of the first step. */
  readonly shares: readonly AuditShare[];
  readonly stride: number;
  /** It is one step, which was not finite, and which no replica applied. */
  readonly skipped: boolean;
  /** The line of the file that begins it. */
  readonly line: number;
}

export interface AuditRecord {
  readonly header: AuditHeader;
  /** In the order of the file. */
  readonly spans: readonly Span[];
  /** Steps that a resume made void, by epoch; a step that was lost twice counts twice. */
  readonly lost: ReadonlyMap<number, number>;
  /** The highest step in the file, void or not. */
  readonly highestStep: number;
  readonly resumes: number;
}

export type Added = { readonly problem: string } | undefined;

export interface AuditBuilder {
  /** @param text undefined for a line that is too long. @returns what is wrong with the line, if anything is */
  add(text: string | undefined, number: number): Added;
  /** @returns undefined where the file has no line */
  record(): AuditRecord | undefined;
}

/** Lines of steps that are kept in memory. A run that changes its shares in every step for a week has fewer. */
const mostSpans = 1_000_000;

type OpenSpan = { -readonly [Key in keyof Span]: Span[Key] };

export function createAuditBuilder(): AuditBuilder {
  let header: AuditHeader | undefined;
  const spans: OpenSpan[] = [];
  const lost = new Map<number, number>();
  let [highestStep, resumes, stepLines] = [0, 0, 0];
  /** The span that a line may go on with. */
  let open: OpenSpan | undefined;

  function voidAfter(step: number): void {
    for (let last = spans.at(-1); last !== undefined; last = spans.at(-1)) {
      const kept = Math.max(0, Math.min(last.steps, step - last.step + 1));
      if (kept === last.steps) return;
      lost.set(last.epoch, (lost.get(last.epoch) ?? 0) + last.steps - kept);
      last.steps = kept;
      if (kept > 0) return;
      spans.pop();
    }
  }

  function take(line: AuditLine, number: number): Added {
    if (typeof line === 'number') {
      if (open === undefined) return { problem: 'there is no step before it that it could repeat' };
      if (open.skipped) return { problem: 'a skipped step cannot be repeated' };
      const last = open.step + open.steps - 1 + line;
      if (last > auditLimits.steps) return { problem: `step ${last} is more than ${auditLimits.steps}` };
      open.steps += line;
      highestStep = Math.max(highestStep, last);
      return undefined;
    }
    if (line.type === 'audit') {
      if (header !== undefined) return { problem: 'a second header' };
      header = headerOf(line);
      return undefined;
    }
    if (line.type === 'resume') {
      voidAfter(line.step);
      resumes += 1;
      // A coordinator that lost nothing goes on from the last step that counts.
      open = spans.at(-1);
      return undefined;
    }
    stepLines += 1;
    if (stepLines > mostSpans) return { problem: `more than ${mostSpans} changes of shares` };
    const shares = line.shares.map(([worker, from, to]) => ({ worker, from, to }));
    open = {
      step: line.step,
      steps: 1,
      epoch: line.epoch,
      shares,
      stride: strideOf(shares),
      skipped: line.skipped === true,
      line: number,
    };
    spans.push(open);
    highestStep = Math.max(highestStep, line.step);
    return undefined;
  }

  return {
    add(text, number) {
      if (text === undefined) return { problem: `longer than ${auditLimits.lineBytes} bytes` };
      const parsed = parseAuditLine(text);
      if ('problem' in parsed) return parsed;
      if (header === undefined && (typeof parsed.line === 'number' || parsed.line.type !== 'audit')) {
        return { problem: 'the file does not begin with its header, {"type":"audit",…}' };
      }
      return take(parsed.line, number);
    },
    record: () => (header === undefined ? undefined : { header, spans, lost, highestStep, resumes }),
  };
}
