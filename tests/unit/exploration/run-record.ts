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
  let saved: SavedCheckpoint | undefined;
  const metrics = createText();
  const ledger: (() => readonly LedgerLine[])[] = [];
  const ledgerSoFar = () => ledger.flatMap((lines) => lines());
  const readLedger = (): Pick<Ledger, 'lines' | 'gaps'> => ({ lines: ledgerSoFar(), gaps: [] });

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
        metrics.append(() => lines.step(step));
      },
      observe(event) {
        switch (event.type) {
          case 'listening':
            isBegun = true;
            break;
          case 'step':
            if (event !== recorded) metrics.append(() => lines.step(event));
            break;
          case 'went-on':
            metrics.append(() => lines.follow(event));
            metrics.become(event.record.keptMetrics);
            break;
          case 'ledger': {
            const unixMs = clock.unixMs();
            ledger.push(() => ledgerLines(event, unixMs));
            break;
          }
          case 'checkpoint':
            save(event.checkpoint);
            break;
          default:
            metrics.append(() => lines.follow(event));
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
      const readAudit = () => ({ gap: undefined, highestStep: 0, lastStep: 0 });
      const files = { saved, damages: [], checkpoints, metrics: metrics.read(), readLedger, readAudit };
      return resumeFrom('run-1', told, files);
    },
    recordAt: (position) => recordFrom(told, position, { metrics: metrics.read(), readLedger: ledgerSoFar }),
  };
}

/** A text that is put together when it is read: most runs end without anybody having read it. */
function createText() {
  let text = '';
  let parts: (() => string)[] = [];
  function read(): string {
    const added = parts;
    parts = [];
    for (const part of added) text += part();
    return text;
  }
  return {
    append: (part: () => string) => parts.push(part),
    become(next: string) {
      read();
      text = next;
    },
    read,
  };
}
