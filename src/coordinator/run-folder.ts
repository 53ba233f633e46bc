/** The files of a run. Everything is written as it happens, so that a run that dies leaves what it had. */
import { createWriteStream, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { addPhases, noPhaseSeconds } from '../shared/core/phases.ts';
import { encodeCheckpoint } from '../shared/model/checkpoint-files.ts';
import type { ModelSpec, OptimizerSpec } from '../shared/model/model-spec.ts';
import type { Checkpoint, RunEvent } from './run-events.ts';

export interface RunFolder {
  readonly path: string;
  /** Takes what belongs in `metrics.jsonl` and `checkpoints/`; everything else passes by. */
  observe(event: RunEvent): void;
  /** Writes a file of the run, whole or not at all. */
  write(name: string, content: string): void;
  close(): Promise<void>;
}

/** What the run trains: part of every checkpoint. */
export interface TrainedSpec {
  readonly model: ModelSpec;
  readonly optimizer: OptimizerSpec;
  readonly seed: number;
}

/** Checkpoints that are kept; older ones are removed once a newer one is complete. */
const keptCheckpoints = 2;

/** @throws bad-input when the folder cannot be made or written to, or already holds a run */
export function openRunFolder(path: string, trained: TrainedSpec): RunFolder {
  try {
    mkdirSync(join(path, 'checkpoints'), { recursive: true });
  } catch (error) {
    throw badInput(`--out ${path}: cannot make the run folder: ${messageOf(error)}`, error);
  }
  if (readdirSync(path).includes('config.json')) {
    throw badInput(`--out ${path}: already holds a run; choose another folder`);
  }
  const metrics = createWriteStream(join(path, 'metrics.jsonl'), { flags: 'a' });
  const writeLine = (line: object) => metrics.write(`${JSON.stringify(line)}\n`);

  return {
    path,
    observe(event) {
      switch (event.type) {
        case 'step': {
          const total = event.members.reduce((sum, { phases }) => addPhases(sum, phases), noPhaseSeconds);
          const { type, step, epoch, samples, loss, seconds } = event;
          writeLine({
            ...{ type, step, epoch, samples, loss, seconds },
            accuracy: event.correct / samples,
            samples_per_second: samples / seconds,
            // Of all ranks together, to be divided by their number for the mean.
            phase_seconds: total,
          });
          break;
        }
        case 'epoch': {
          const { type, epoch, loss, accuracy, testLoss, testAccuracy, samples, seconds } = event;
          writeLine({
            ...{ type, epoch, loss, accuracy, test_loss: testLoss, test_accuracy: testAccuracy, samples, seconds },
            evaluate_seconds: event.evaluateSeconds,
            samples_per_second: samples / seconds,
          });
          break;
        }
        case 'checkpoint':
          writeCheckpoint(join(path, 'checkpoints'), event.checkpoint, trained);
          break;
      }
    },
    write(name, content) {
      writeWhole(join(path, name), content);
    },
    close: () => new Promise((resolve) => metrics.end(() => resolve())),
  };
}

/** `checkpoints/step-N/`: complete as soon as it is there under its name. */
function writeCheckpoint(folder: string, checkpoint: Checkpoint, { model, optimizer, seed }: TrainedSpec): void {
  const name = `step-${checkpoint.step}`;
  const draft = join(folder, `.${name}-${process.pid}`);
  mkdirSync(draft, { recursive: true });
  const files = encodeCheckpoint({
    ...{ model, optimizer, seed },
    ...checkpoint,
    ...checkpoint.artifacts,
    optimizerIterations: checkpoint.optimizerState.iterations,
    optimizerSlots: checkpoint.optimizerState.slots,
  });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(draft, file), content);
  rmSync(join(folder, name), { recursive: true, force: true });
  renameSync(draft, join(folder, name));
  for (const old of listCheckpoints(folder).slice(0, -keptCheckpoints)) {
    rmSync(join(folder, old), { recursive: true, force: true });
  }
}

/** Names of the complete checkpoints, oldest first. */
export function listCheckpoints(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^step-\d+$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
}

function writeWhole(file: string, content: string): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}
