/** Proves from `samples.audit` that each epoch drew each sample exactly once, or says what is wrong. */
import { badInput } from '../../shared/core/errors.ts';
import { stepsPerEpoch } from '../../shared/core/sampling.ts';
import { describeRanges, type Range } from '../json-lines.ts';
import { type AuditHeader, auditFile } from './audit-line.ts';
import type { AuditRecord, Damage, Span } from './audit-record.ts';
import { checkEvidence, type Evidence, headerFromEvidence } from './check-evidence.ts';
import { type AuditProblem, checkSpan, epochOf } from './check-span.ts';
import { countEpoch, type EpochAudit } from './count-samples.ts';

export interface AuditReport {
  /** That of the file, or what other files say where it is damaged. */
  readonly header: AuditHeader;
  /**
   * Each sample of each whole epoch was drawn exactly once, and each of the steps so far of the last one; and applied, unless
   * its step was skipped.
   */
  readonly proved: boolean;
  readonly steps: number;
  readonly epochs: readonly EpochAudit[];
  /** Samples of the steps that count, most first. */
  readonly workers: readonly { readonly worker: string; readonly samples: number }[];
  readonly resumes: number;
  /** Steps that resumes made void. A step that was lost twice counts twice. */
  readonly lostSteps: number;
  /** Steps that were not finite, and that no replica applied, and their samples. */
  readonly skippedSteps: number;
  readonly skippedSamples: number;
  /** Steps after the newest checkpoint. If the run is over, its saved model lacks them. */
  readonly unsavedSteps: number;
  /** The first of them. */
  readonly problems: readonly AuditProblem[];
  readonly problemCount: number;
}

/** Problems that a report names. */
const namedProblems = 100;

/** Epochs without a single step that are looked into. More are named by their steps alone. */
const mostAbsentEpochs = 1000;

/**
 * @param file for messages
 * @throws bad-input where neither the record nor the evidence says which samples the run has
 */
export function verifyAudit(record: AuditRecord, evidence: Evidence, file: string = auditFile): AuditReport {
  const { spans, lost, highestStep, resumes, damage } = record;
  const header = record.header ?? headerFromEvidence(evidence);
  if (header === undefined) throw badInput(`${file}: ${describeHeadless(damage)}`);
  const perEpoch = stepsPerEpoch(header.trainCount, header.batchSize);
  const steps = spans.reduce((most, span) => Math.max(most, lastOf(span)), 0);
  const { savedStep = 0 } = evidence;
  const workers = samplesByWorker(spans);
  const problems = [
    ...describeDamage(damage),
    ...checkOrder(spans),
    ...missingSaved(steps, savedStep),
    ...spans.flatMap((span) => checkSpan(span, header)),
    ...checkEvidence({ header, steps, highestStep, workers }, evidence),
  ];
  const lastStep = Math.max(steps, savedStep);
  const byEpoch = groupByEpoch(spans);
  const epochs = epochsToCount(byEpoch, lost, epochOf(lastStep, perEpoch)).map((epoch) =>
    countEpoch(header, {
      epoch,
      spans: byEpoch.get(epoch) ?? [],
      lostSteps: lost.get(epoch) ?? 0,
      expected: samplesSoFar(lastStep - (epoch - 1) * perEpoch, header),
    }),
  );
  return {
    header,
    proved: problems.length === 0 && epochs.every(({ missing, repeated }) => missing === 0 && repeated === 0),
    steps,
    epochs,
    workers: [...workers].map(([worker, samples]) => ({ worker, samples })).sort((a, b) => b.samples - a.samples),
    resumes,
    lostSteps: [...lost.values()].reduce((sum, count) => sum + count, 0),
    skippedSteps: epochs.reduce((sum, epoch) => sum + epoch.skippedSteps, 0),
    skippedSamples: epochs.reduce((sum, epoch) => sum + epoch.skipped, 0),
    unsavedSteps: Math.max(0, steps - savedStep),
    problems: problems.slice(0, namedProblems),
    problemCount: problems.length + damage.lines - damage.named.length,
  };
}

function describeDamage({ named, unplaced }: Damage): readonly AuditProblem[] {
  const damaged = named.map(({ line, problem }) => ({ kind: 'damaged', message: `line ${line}: ${problem}` }) as const);
  if (unplaced.lines === 0) return damaged;
  const which =
    unplaced.lines === 1
      ? `line ${unplaced.from} repeats`
      : `${unplaced.lines} lines from line ${unplaced.from} on repeat`;
  return [...damaged, { kind: 'damaged', message: `${which} steps of a damaged line, and count nowhere` }];
}

function describeHeadless({ named }: Damage): string {
  const first = named[0];
  const found = first === undefined ? 'has no header' : `line ${first.line}: ${first.problem}`;
  return `${found}; config.json doesn't say which samples the run has either`;
}

function lastOf({ step, steps }: Span): number {
  return step + steps - 1;
}

/** Every step is there once, in order: what a resume made void is gone already. */
function checkOrder(spans: readonly Span[]): readonly AuditProblem[] {
  const problems: AuditProblem[] = [];
  let next = 1;
  for (const span of spans) {
    const { step, line } = span;
    const last = lastOf(span);
    if (step > next) {
      problems.push({ kind: 'missing-steps', message: `${stepsOf([next, step - 1])} missing before line ${line}` });
    }
    if (step < next) {
      const again = stepsOf([step, Math.min(last, next - 1)]);
      problems.push({ kind: 'repeated-steps', message: `${again} there again in line ${line}, without a resume` });
    }
    next = Math.max(next, last + 1);
  }
  return problems;
}

function missingSaved(steps: number, savedStep: number): readonly AuditProblem[] {
  if (savedStep <= steps) return [];
  const message = `${stepsOf([steps + 1, savedStep])} missing at the end: checkpoints/step-${savedStep} has them`;
  return [{ kind: 'missing-steps', message }];
}

/** `step 3 is`, `steps 3 to 5 are` */
function stepsOf(range: Range): string {
  return range[0] === range[1] ? `step ${range[0]} is` : `steps ${describeRanges([range])} are`;
}

function samplesByWorker(spans: readonly Span[]): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  for (const { shares, steps } of spans) {
    for (const { worker, from, to } of shares) {
      samples.set(worker, (samples.get(worker) ?? 0) + (to - from) * steps);
    }
  }
  return samples;
}

function groupByEpoch(spans: readonly Span[]): ReadonlyMap<number, readonly Span[]> {
  const byEpoch = new Map<number, Span[]>();
  for (const span of spans) {
    const group = byEpoch.get(span.epoch);
    if (group === undefined) byEpoch.set(span.epoch, [span]);
    else group.push(span);
  }
  return byEpoch;
}

function epochsToCount(
  byEpoch: ReadonlyMap<number, readonly Span[]>,
  lost: ReadonlyMap<number, number>,
  lastEpoch: number,
): readonly number[] {
  const absent = Array.from({ length: Math.min(lastEpoch, mostAbsentEpochs) }, (_, index) => index + 1);
  return [...new Set([...byEpoch.keys(), ...lost.keys(), ...absent])].sort((a, b) => a - b);
}

/** The samples that an epoch's first steps apply. @param steps none, or more than it has, where the run is elsewhere */
function samplesSoFar(steps: number, { batchSize, trainCount }: Pick<AuditHeader, 'batchSize' | 'trainCount'>): number {
  return Math.max(0, Math.min(steps * batchSize, trainCount));
}
