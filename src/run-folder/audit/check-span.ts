/** Whether the steps of a span are what seed and batch size say: the epoch, the global batch, and that shares make it up. */
import { globalBatch, type Interval, stepsPerEpoch } from '../../shared/core/sampling.ts';
import { describeRanges } from '../json-lines.ts';
import { type AuditHeader, type AuditShare, extentOf } from './audit-line.ts';
import type { Span } from './audit-record.ts';

export type ProblemKind =
  /** Steps that the file lacks, or has again without a resume between. */
  | 'missing-steps'
  | 'repeated-steps'
  /** Steps of another epoch than their number says, or of other positions than seed and batch size say. */
  | 'wrong-epoch'
  | 'wrong-batch'
  /** Positions of a step that nobody has, or several workers. */
  | 'gap'
  | 'overlap'
  /** Lines that cannot be read, and lines that repeat a step which they may have held. */
  | 'damaged'
  /** Another file of the run says something else. */
  | 'config'
  | 'summary';

export interface AuditProblem {
  readonly kind: ProblemKind;
  /** One line that names steps and lines of the file. */
  readonly message: string;
}

/** The epoch of a step, both from 1. */
export function epochOf(step: number, perEpoch: number): number {
  return Math.ceil(step / perEpoch);
}

export function checkSpan(span: Span, header: Pick<AuditHeader, 'batchSize' | 'trainCount'>): readonly AuditProblem[] {
  return [...checkEpoch(span, header), ...checkBatch(span, header), ...checkShares(span)];
}

/** `line 7: steps 3 to 9: ` */
function placeOf({ line }: Span, first: number, last: number): string {
  return `line ${line}: ${first === last ? 'step' : 'steps'} ${describeRanges([[first, last]])}: `;
}

function checkEpoch(span: Span, { batchSize, trainCount }: Pick<AuditHeader, 'batchSize' | 'trainCount'>) {
  const perEpoch = stepsPerEpoch(trainCount, batchSize);
  const last = span.step + span.steps - 1;
  const [first, end] = [epochOf(span.step, perEpoch), epochOf(last, perEpoch)];
  if (first === span.epoch && end === span.epoch) return [];
  // A span that runs past the end of its epoch is right up to there.
  const wrong = first === span.epoch ? span.epoch * perEpoch + 1 : span.step;
  const kind: ProblemKind = 'wrong-epoch';
  const belongs = epochOf(wrong, perEpoch);
  return [{ kind, message: `${placeOf(span, wrong, last)}recorded in epoch ${span.epoch}, of epoch ${belongs}` }];
}

function checkBatch(span: Span, { batchSize, trainCount }: Pick<AuditHeader, 'batchSize' | 'trainCount'>) {
  const perEpoch = stepsPerEpoch(trainCount, batchSize);
  const held = extentOf(span.shares);
  let wrong: { readonly first: number; last: number; readonly message: string } | undefined;
  for (let index = 0; index < span.steps; index++) {
    const step = span.step + index;
    const batch = globalBatch((step - 1) % perEpoch, batchSize, trainCount);
    const found = { from: held.from + index * span.stride, to: held.to + index * span.stride };
    if (found.from === batch.from && found.to === batch.to) continue;
    wrong ??= { first: step, last: step, message: `${positions(found)}, the global batch is ${positions(batch)}` };
    wrong.last = step;
  }
  if (wrong === undefined) return [];
  const kind: ProblemKind = 'wrong-batch';
  return [{ kind, message: `${placeOf(span, wrong.first, wrong.last)}the shares are of ${wrong.message}` }];
}

function checkShares(span: Span): readonly AuditProblem[] {
  const problems: AuditProblem[] = [];
  const last = span.step + span.steps - 1;
  const place = `${placeOf(span, span.step, last)}${span.steps === 1 ? '' : `in step ${span.step} `}`;
  const held = span.shares.filter(({ from, to }) => from < to).toSorted((a, b) => a.from - b.from || a.to - b.to);
  let before: AuditShare | undefined;
  for (const share of held) {
    if (before !== undefined && share.from > before.to) {
      const gap = positions({ from: before.to, to: share.from });
      problems.push({ kind: 'gap', message: `${place}nobody has ${gap}` });
    }
    if (before !== undefined && share.from < before.to) {
      const both = positions({ from: share.from, to: Math.min(before.to, share.to) });
      const message = `${place}${before.worker} and ${share.worker} both have ${both}`;
      problems.push({ kind: 'overlap', message });
    }
    if (before === undefined || share.to > before.to) before = share;
  }
  return problems;
}

function positions({ from, to }: Interval): string {
  if (from >= to) return 'no positions';
  return to - from === 1 ? `position ${from}` : `positions ${from} to ${to - 1}`;
}
