/** Writes checkpoints while training goes on. One that cannot be written ends no run: the ones before stay. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointName, sortCheckpoints } from '../../run-folder/checkpoints.ts';
import type { Clock } from '../../shared/core/clock.ts';
import { PennygradError } from '../../shared/core/errors.ts';
import { writeFolderAtomically } from '../../shared/files/atomic-folder.ts';
import { cannotWrite } from '../../shared/files/line-file.ts';
import { encodeCheckpoint } from '../../shared/model/checkpoint-files.ts';
import type { TrainedSpec } from '../../shared/model/model-spec.ts';
import type { Checkpoint } from '../../shared/model/training-state.ts';
import type { RunObserver } from '../run-events.ts';

export interface CheckpointWriter {
  /**
   * Takes a checkpoint over and returns at once. One is written at a time; if another still waits, this one replaces it.
   * @param seconds what it took so far
   */
  save(checkpoint: Checkpoint, seconds: number): void;
  /**
   * Resolves when no checkpoint is left to write.
   * @returns why the newest one could not be written, if it could not even when it was tried once more
   * @throws what an observer threw when it was told of a checkpoint
   */
  settled(): Promise<PennygradError | undefined>;
  /** Resolves when no checkpoint is being written; never throws. */
  idle(): Promise<void>;
}

export interface CheckpointWriterOptions {
  /** The run's `checkpoints/`. */
  readonly folder: string;
  readonly trained: TrainedSpec;
  readonly clock: Clock;
  /** So many of the newest checkpoints stay. */
  readonly keep: number;
  /** What an earlier process of the run left there. */
  readonly found: FoundCheckpoints;
  /** Puts what led to the checkpoint on the disk, before the checkpoint gets its name. */
  readonly before: () => Promise<void>;
  /** Told of each checkpoint that was written, or could not be. */
  readonly report: RunObserver;
  /** Throws where another process has the folder by now. */
  readonly requireHeld?: (() => void) | undefined;
}

export interface FoundCheckpoints {
  /** The one that the run goes on from. */
  readonly whole: string | undefined;
  readonly damaged: readonly string[];
}

interface Waiting {
  readonly checkpoint: Checkpoint;
  readonly takenAt: number;
}

export function createCheckpointWriter(options: CheckpointWriterOptions): CheckpointWriter {
  const { folder, trained, clock, before, report, requireHeld = () => {} } = options;
  const whole = new Set(options.found.whole === undefined ? [] : [options.found.whole]);
  let damaged = options.found.damaged;
  let waiting: Waiting | undefined;
  let writing: Promise<void> | undefined;
  /** What an observer threw. */
  let unforeseen: unknown;
  /** The newest checkpoint could not be written. It stays in memory until the next one is taken. */
  let failed: { readonly taken: Waiting; readonly error: PennygradError } | undefined;

  async function write({ checkpoint }: Waiting): Promise<void> {
    const name = checkpointName(checkpoint.step);
    requireHeld();
    await before();
    requireHeld();
    // A run that was resumed between its last step and its test pass saves that step again. What is there is as good.
    if (!whole.has(name)) await writeFolderAtomically(join(folder, name), encodeCheckpoint(checkpoint, trained));
    whole.add(name);
    damaged = damaged.filter((other) => other !== name);
    await prune();
  }

  /** Damaged ones do not count among those that are kept. They go once there is another to go on from. */
  async function prune(): Promise<void> {
    try {
      requireHeld();
      const good = sortCheckpoints(await readdir(folder)).filter((name) => !damaged.includes(name));
      for (const old of [...damaged, ...good.slice(0, -options.keep)]) {
        await rm(join(folder, old), { recursive: true, force: true });
      }
      damaged = [];
    } catch {
      // The next checkpoint tries again.
    }
  }

  async function tryToWrite(taken: Waiting): Promise<void> {
    const { step } = taken.checkpoint;
    try {
      await write(taken);
      failed = undefined;
    } catch (error) {
      const known = error instanceof PennygradError ? error : cannotWrite(join(folder, checkpointName(step)), error);
      failed = { taken, error: known };
    }
    const error = failed?.error;
    if (error !== undefined) report({ type: 'checkpoint-failed', step, reason: error.message });
    else report({ type: 'checkpoint-saved', step, seconds: clock.now() - taken.takenAt, unixMs: clock.unixMs() });
  }

  async function writeAll(): Promise<void> {
    // Whoever tells of the checkpoint tells in the same moment what it has cost, which belongs to what led to it.
    await Promise.resolve();
    try {
      for (let taken = waiting; taken !== undefined; taken = waiting) {
        waiting = undefined;
        await tryToWrite(taken);
      }
    } catch (error) {
      unforeseen = error;
    } finally {
      writing = undefined;
    }
  }

  async function writeWaiting(): Promise<void> {
    writing ??= writeAll();
    await writing;
    const error = unforeseen;
    unforeseen = undefined;
    if (error !== undefined) throw error;
  }

  return {
    save(checkpoint, seconds) {
      waiting = { checkpoint, takenAt: clock.now() - seconds };
      failed = undefined;
      writing ??= writeAll();
    },
    async settled() {
      await writeWaiting();
      if (failed === undefined) return undefined;
      waiting = failed.taken;
      await writeWaiting();
      return failed?.error;
    },
    async idle() {
      await writing;
    },
  };
}
