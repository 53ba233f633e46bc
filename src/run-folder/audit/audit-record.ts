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
  /** Undefined where no line is a whole header. */
  readonly header: AuditHeader | undefined;
  /** In the order of the file. */
  readonly spans: readonly Span[];
  /** Steps that a resume made void, by epoch; a step that was lost twice counts twice. */
  readonly lost: ReadonlyMap<number, number>;
  /** The highest step in the file, void or not. */
  readonly highestStep: number;
  readonly resumes: number;
  readonly damage: Damage;
}

/** What the file says that cannot be told: its steps count nowhere. */
export interface Damage {
  /** The first lines that are damaged, each with what is wrong with it. */
  readonly named: readonly { readonly line: number; readonly problem: string }[];
  readonly lines: number;
  /** Lines after a damaged one that repeat a step which it may have held; `from` is the first of them. */
  readonly unplaced: { readonly lines: number; readonly from: number };
}

export type Added = { readonly problem: string } | undefined;

export interface AuditBuilder {
  /**
   * @param text undefined for a line that is too long
   * @returns what is wrong with the line, if anything is: its steps are left out, and so are those of lines that repeat it
   */
  add(text: string | undefined, number: number): Added;
  /** @returns undefined where the file has no line */
  record(): AuditRecord | undefined;
}

/** Lines of steps that are kept in memory. A run that changes its shares in every step for a week has fewer. */
const mostSpans = 1_000_000;

/** Damaged lines that are named. */
const mostDamages = 100;

type OpenSpan = { -readonly [Key in keyof Span]: Span[Key] };

export function createAuditBuilder(): AuditBuilder {
  let header: AuditHeader | undefined;
  const spans: OpenSpan[] = [];
  const lost = new Map<number, number>();
  let [highestStep, resumes, stepLines] = [0, 0, 0];
  /** The span that a line may go on with. */
  let open: OpenSpan | undefined;
  const damages: Damage['named'][number][] = [];
  let [lines, damagedLines] = [0, 0];
  let unplaced = { lines: 0, from: 0 };
  /** Since a damaged line, no step was named by its number. */
  let isAfterDamage = false;

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
      if (isAfterDamage) {
        unplaced = { lines: unplaced.lines + 1, from: unplaced.lines === 0 ? number : unplaced.from };
        return undefined;
      }
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
    isAfterDamage = false;
    spans.push(open);
    highestStep = Math.max(highestStep, line.step);
    return undefined;
  }

  function read(text: string | undefined, number: number): Added {
    if (text === undefined) return { problem: `longer than ${auditLimits.lineBytes} bytes` };
    const parsed = parseAuditLine(text);
    if ('problem' in parsed) return parsed;
    const taken = take(parsed.line, number);
    const isHeadless = lines === 1 && header === undefined;
    return isHeadless ? { problem: 'the file does not begin with its header, {"type":"audit",…}' } : taken;
  }

  return {
    add(text, number) {
      lines += 1;
      const openBefore = open;
      const added = read(text, number);
      if (added === undefined) return undefined;
      damagedLines += 1;
      if (damages.length < mostDamages) damages.push({ line: number, problem: added.problem });
      // A first line that is a step and no header is a step all the same.
      isAfterDamage = open === openBefore;
      return added;
    },
    record() {
      if (lines === 0) return undefined;
      const damage = { named: damages, lines: damagedLines, unplaced };
      return { header, spans, lost, highestStep, resumes, damage };
    },
  };
}
