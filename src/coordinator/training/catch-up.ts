/**
 * Steps that a worker has applied and its coordinator has not on record. A worker that trains alone does not wait for commits:
 * when its coordinator dies, it has done what it was assigned. It keeps what it reported of these steps.
 */
import type { Interval } from '../../shared/core/sampling.ts';
import type { Applied, MessageOf, WorkerMessage } from '../../shared/protocol/messages.ts';
import { checkFigures } from '../generation/figures-check.ts';
import type { RecordedRun } from '../run-events.ts';

type Kept = NonNullable<MessageOf<WorkerMessage, 'ready'>['kept']>;
export type StepReport = Kept['reports'][number];

export interface UnrecordedSteps {
  readonly workerId: string;
  /** What the worker's replica has. */
  readonly applied: Applied;
  /** What led to the first of the steps. */
  readonly record: RecordedRun;
  /** In order. */
  readonly steps: readonly StepReport[];
}

export interface Recorded {
  readonly savedStep: number;
  /** Undefined where the record ends before the step. @param isFollowed the worker has steps after this one */
  readonly recordAt: (step: number, isFollowed: boolean) => RecordedRun | undefined;
  /** The global batch of a step, counted from 0. */
  readonly batchOf: (step: number) => Interval;
}

/** @returns undefined where nobody has such steps, or they do not follow from what is on record */
export function findUnrecorded(
  workers: readonly { readonly workerId: string; readonly kept: Kept | undefined }[],
  recorded: Recorded,
): UnrecordedSteps | undefined {
  for (const { workerId, kept } of workers) {
    const { applied, reports = [] } = kept ?? {};
    if (applied === undefined) continue;
    const found = follow(applied, reports, recorded);
    if (found !== undefined) return { workerId, applied, record: found.record, steps: found.steps };
  }
  return undefined;
}

function follow(
  { step: last, generation }: Applied,
  reports: readonly StepReport[],
  { savedStep, recordAt, batchOf }: Recorded,
): Pick<UnrecordedSteps, 'record' | 'steps'> | undefined {
  const steps: StepReport[] = [];
  for (let step = last; step >= savedStep; step--) {
    const record = recordAt(step, steps.length > 0);
    if (record !== undefined) {
      const hasReported = reports.some((one) => one.step === step && one.generation === record.generation);
      // All replicas are made alike, so whoever has reported every step has begun where the run does.
      const leadsHere = record.generation === generation || hasReported || step === 0;
      return leadsHere && steps.length > 0 ? { record, steps } : undefined;
    }
    const { from, to } = batchOf(step - 1);
    const report = reports.find((one) => one.step === step && one.generation === generation);
    if (report === undefined || checkFigures(report, to - from, 'a report', '') !== undefined) return undefined;
    steps.unshift(report);
  }
  return undefined;
}
