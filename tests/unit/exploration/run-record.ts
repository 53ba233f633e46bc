/**
 * The record of a run, in memory: what its folder holds, written and read by the same code. It outlives the coordinators, and a
 * checkpoint that is still being written when one of them dies is lost.
 */
import { type Ledger, ledgerLines } from '../../../src/coordinator/record/ledger-file.ts';
import { createMetricsLines } from '../../../src/coordinator/record/metrics-lines.ts';
import {
  type RecordPosition,
  type ResumedTraining,
  type Resumption,
  recordFrom,
  resumeFrom,
} from '../../../src/coordinator/record/resumption.ts';
import type { RecordedRun, RunEvent, StepEvent } from '../../../src/coordinator/run-events.ts';
import type { LedgerLine } from '../../../src/run-folder/ledger-line.ts';
import { createDeferred } from '../../../src/shared/core/deferred.ts';
import type { SavedCheckpoint } from '../../../src/shared/model/checkpoint-files.ts';
import type { Checkpoint } from '../../../src/shared/model/training-state.ts';
import type { SimulatedProcess } from '../../support/simulated-process.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';

export interface RunRecord {
  /** What a coordinator that begins now finds; undefined where none was there before. @throws bad-input as `--resume` does */
  read(): Resumption | undefined;
  recordAt(position: RecordPosition): RecordedRun | undefined;
  /** For a coordinator's process. */
  openFor(process: SimulatedProcess): RecordWriter;
}

export interface RecordWriter {
  record(step: StepEvent): void;
  observe(event: RunEvent): void;
  /** Resolves when no checkpoint is left to write. */
  checkpointsWritten(): Promise<void>;
}

export function createRunRecord(
  told: ResumedTraining,
  { clock, timers }: Pick<VirtualTime, 'clock' | 'timers'>,
  /** How long the next checkpoint takes to be written, in milliseconds. */
  writingMs: () => number,
): RunRecord {
  let isBegun = false;
  let metrics = '';
  let saved: SavedCheckpoint | undefined;
  const ledger: LedgerLine[] = [];
  const readLedger = (): Pick<Ledger, 'lines' | 'gaps'> => ({ lines: ledger, gaps: [] });

  function openFor(process: SimulatedProcess): RecordWriter {
    const lines = createMetricsLines();
    let recorded: StepEvent | undefined;
    let writing = Promise.resolve();

    function save(checkpoint: Checkpoint): void {
      const { promise, resolve } = createDeferred<void>();
      writing = Promise.all([writing, promise]).then(() => {});
      timers.after(writingMs(), () =>
        process.run(() => {
          saved = { checkpoint, trained: told.spec };
          resolve();
        }),
      );
    }

    return {
      record(step) {
        recorded = step;
        metrics += lines.step(step);
      },
      observe(event) {
        switch (event.type) {
          case 'listening':
            isBegun = true;
            break;
          case 'step':
            if (event !== recorded) metrics += lines.step(event);
            break;
          case 'went-on':
            lines.follow(event);
            metrics = event.record.keptMetrics;
            break;
          case 'ledger':
            ledger.push(...ledgerLines(event, clock.unixMs()));
            break;
          case 'checkpoint':
            save(event.checkpoint);
            break;
          default:
            metrics += lines.follow(event);
        }
      },
      checkpointsWritten: () => writing,
    };
  }

  return {
    openFor,
    read() {
      const checkpoints = { whole: undefined, damaged: [] };
      if (!isBegun) return undefined;
      const findAuditGap = () => undefined;
      return resumeFrom('run-1', told, { saved, damages: [], checkpoints, metrics, readLedger, findAuditGap });
    },
    recordAt: (position) => recordFrom(told, position, { metrics, readLedger: () => ledger }),
  };
}
