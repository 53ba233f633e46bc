/** Follows the steps in a run's `metrics.jsonl`, as a coordinator and its successors write it. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** A committed step: who trained it, and in which generation. */
export interface RecordedStep {
  readonly step: number;
  readonly generation: number;
  readonly workers: readonly string[];
}

export interface RecordWatch {
  /** All steps on record now. */
  steps(): readonly RecordedStep[];
  last(): RecordedStep;
}

const none: RecordedStep = { step: 0, generation: 0, workers: [] };

/** @param file that may not be there yet */
export function watchRecord(file: string): RecordWatch {
  let steps: RecordedStep[] = [];
  let [inode, offset, rest] = [0, 0, ''];
  let { generation, workers } = none;

  function take(line: string): void {
    const { type, ...entry } = JSON.parse(line) as {
      readonly type: string;
      readonly step?: number;
      readonly generation?: number;
      readonly worker_samples?: Readonly<Record<string, number>>;
    };
    if (type !== 'fleet' && type !== 'step') return;
    if (type === 'fleet') {
      generation = entry.generation ?? 0;
      return;
    }
    if (entry.worker_samples !== undefined) workers = Object.keys(entry.worker_samples);
    // A step that a worker had trained before the coordinator died names its own generation, and no other step's.
    steps.push({ step: entry.step ?? 0, generation: entry.generation ?? generation, workers });
  }

  function read(): void {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return;
    // A coordinator that resumes the run writes the file anew, without the steps that nobody has.
    if (found.ino !== inode || found.size < offset) {
      [inode, offset, rest, steps] = [found.ino, 0, '', []];
      ({ generation, workers } = none);
    }
    if (found.size === offset) return;
    const piece = Buffer.alloc(found.size - offset);
    const descriptor = openSync(file, 'r');
    const length = readSync(descriptor, piece, 0, piece.length, offset);
    closeSync(descriptor);
    offset += length;
    const lines = (rest + piece.toString('utf8', 0, length)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }

  return {
    steps() {
      read();
      return steps;
    },
    last() {
      read();
      return steps.at(-1) ?? none;
    },
  };
}
