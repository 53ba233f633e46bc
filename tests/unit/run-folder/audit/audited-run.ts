/** Runs as their `samples.audit` tells them, and what they did to each sample, counted as plainly as can be. */
import { createAuditEncoder } from '../../../../src/coordinator/record/audit-file.ts';
import { type AuditHeader, headerLine } from '../../../../src/run-folder/audit/audit-line.ts';
import { type AuditRecord, createAuditBuilder } from '../../../../src/run-folder/audit/audit-record.ts';
import type { Evidence } from '../../../../src/run-folder/audit/check-evidence.ts';
import { epochOrder } from '../../../../src/shared/core/sampling.ts';

/** As the coordinator tells it: steps and epochs count from 0. */
export interface CommittedStep {
  readonly step: number;
  readonly epoch: number;
  readonly shares: readonly { readonly workerId: string; readonly from: number; readonly to: number }[];
  readonly skipped?: string | undefined;
}

/** Why the steps of these runs are skipped, where they are. */
export const skippedBecause = 'it was not finite';

/** A step, or a resume that keeps so many steps. */
export type AuditedEvent = CommittedStep | { readonly resume: number };

export const noEvidence: Evidence = { unread: [], config: undefined, summary: undefined, savedStep: undefined };

/** The file: each resume is a process of its own. */
export function fileOf(header: AuditHeader, events: readonly AuditedEvent[]): string {
  let encode = createAuditEncoder();
  const lines = events.map((event) => {
    if (!('resume' in event)) return encode(event);
    encode = createAuditEncoder();
    return `{"type":"resume","step":${event.resume}}\n`;
  });
  return `${JSON.stringify(headerLine(header))}\n${lines.join('')}`;
}

/** @throws the first problem of a line */
export function recordOf(text: string): AuditRecord {
  const record = damagedRecordOf(text);
  for (const { line, problem } of record.damage.named) throw new Error(`line ${line}: ${problem}`);
  return record;
}

/** Reads on where a line is damaged. */
export function damagedRecordOf(text: string): AuditRecord {
  const builder = createAuditBuilder();
  for (const [index, line] of text.trimEnd().split('\n').entries()) builder.add(line, index + 1);
  const record = builder.record();
  if (record === undefined) throw new Error('no record');
  return record;
}

/** The steps that count, each by itself. */
export function stepsOf({ spans }: AuditRecord): readonly CommittedStep[] {
  return spans.flatMap(({ step, steps, epoch, shares, stride, skipped }) =>
    Array.from({ length: steps }, (_, index) => ({
      step: step - 1 + index,
      epoch: epoch - 1,
      skipped: skipped ? skippedBecause : undefined,
      shares: shares.map(({ worker, from, to }) => ({
        workerId: worker,
        from: from + index * stride,
        to: to + index * stride,
      })),
    })),
  );
}

/** The indices of the events whose steps count: no later resume keeps fewer steps. */
export function keptEvents(events: readonly AuditedEvent[]): readonly number[] {
  let kept: number[] = [];
  for (const [index, event] of events.entries()) {
    if (!('resume' in event)) kept.push(index);
    else kept = kept.filter((other) => (events[other] as CommittedStep).step < event.resume);
  }
  return kept;
}

/** What became of the samples of each epoch, by these steps, of which there should be `due`. */
export function countPlainly(
  { seed, trainCount, batchSize }: AuditHeader,
  steps: readonly CommittedStep[],
  due: number,
) {
  const perEpoch = Math.ceil(trainCount / batchSize);
  const epochs = new Set([...steps.map(({ epoch }) => epoch), ...Array(Math.ceil(due / perEpoch)).keys()]);
  return [...epochs]
    .sort((a, b) => a - b)
    .map((epoch) => {
      const order = [...epochOrder(seed, epoch, trainCount)];
      const samplesOf = (some: readonly CommittedStep[]) =>
        some
          .filter((step) => step.epoch === epoch)
          .flatMap(({ shares }) => shares.flatMap(({ from, to }) => order.slice(from, to)));
      const drawn = samplesOf(steps);
      const applied = samplesOf(steps.filter(({ skipped }) => skipped === undefined));
      const times = (sample: number) => drawn.filter((other) => other === sample).length;
      const dueSteps = Math.min(perEpoch, Math.max(0, due - epoch * perEpoch));
      const ascending = (samples: readonly number[]) => samples.toSorted((a, b) => a - b);
      return {
        epoch: epoch + 1,
        expected: Math.min(dueSteps * batchSize, trainCount),
        once: order.filter((sample) => times(sample) === 1 && applied.includes(sample)).length,
        skipped: order.filter((sample) => times(sample) === 1 && !applied.includes(sample)).length,
        missingSamples: ascending(order.slice(0, dueSteps * batchSize).filter((sample) => times(sample) === 0)),
        repeatedSamples: ascending(order.filter((sample) => times(sample) > 1)),
      };
    });
}
