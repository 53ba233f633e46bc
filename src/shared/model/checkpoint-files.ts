/**
 * The files in a checkpoint's folder: the model in tfjs's own format, and what training needs to continue.
 *
 * - `model.json`, `weights.bin`: any tfjs program can load them (https://www.tensorflow.org/js/guide/save_load)
 * - `training.json`, `optimizer.bin`: position, seed, and the optimizer's slots, one after the other
 */
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { badInput, messageOf, PennygradError } from '../core/errors.ts';
import { fileLimits } from '../files/file-limits.ts';
import { maxParameters } from './model-fit.ts';
import { modelNames, optimizerNames, optimizerSlots, type TrainedSpec } from './model-spec.ts';
import type { Checkpoint } from './training-state.ts';

/** A checkpoint with the model, optimizer and seed that it was trained with. */
export interface SavedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly trained: TrainedSpec;
}

const fileNames = ['model.json', 'weights.bin', 'training.json', 'optimizer.bin'] as const;
export type CheckpointFile = (typeof fileNames)[number];

const count = z.int().min(0);

const modelFile = z.object({
  modelTopology: z.looseObject({}),
  weightsManifest: z.tuple([
    z.object({
      paths: z.array(z.string()),
      weights: z.array(z.object({ name: z.string(), shape: z.array(count), dtype: z.literal('float32') })),
    }),
  ]),
});

const trainingFile = z.object({
  format: z.literal(1),
  model: z.object({
    name: z.enum(modelNames),
    inputShape: z.tuple([count, count, count]).readonly(),
    classes: z.int().min(2),
  }),
  optimizer: z.object({ name: z.enum(optimizerNames), learningRate: z.number().positive(), iterations: count }),
  seed: count,
  step: count,
  epoch: count,
  cursor: count,
  /** CRC-32 of the binary files. Checkpoints of older versions do not have it. */
  crc32: z.object({ 'weights.bin': count, 'optimizer.bin': count }).optional(),
});

/** Encodes a checkpoint as the contents of its files, by name. */
export function encodeCheckpoint(
  { step, epoch, cursor, state, artifacts }: Checkpoint,
  { model, optimizer, seed }: TrainedSpec,
): Readonly<Record<CheckpointFile, string | Uint8Array>> {
  const [weights, slots] = [bytesOf([state.parameters]), bytesOf(state.optimizer.slots)];
  return {
    'model.json': json({
      format: 'layers-model',
      generatedBy: 'pennygrad',
      convertedBy: null,
      modelTopology: artifacts.topology,
      weightsManifest: [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }],
    }),
    'weights.bin': weights,
    'training.json': json({
      format: 1,
      model,
      seed,
      step,
      epoch,
      cursor,
      optimizer: { ...optimizer, iterations: state.optimizer.iterations },
      crc32: { 'weights.bin': crc32(weights), 'optimizer.bin': crc32(slots) },
    } satisfies z.input<typeof trainingFile>),
    'optimizer.bin': slots,
  };
}

/**
 * Decodes a checkpoint.
 * @param folder for error messages
 * @param read reads one of its files, which may have at most `maxBytes`
 * @throws PennygradError `bad-input` that names the file, the field and the expected value
 */
export function decodeCheckpoint(
  folder: string,
  read: (file: CheckpointFile, maxBytes: number) => Uint8Array,
): SavedCheckpoint {
  const content = (file: CheckpointFile, maxBytes: number) => {
    try {
      return read(file, maxBytes);
    } catch (error) {
      if (error instanceof PennygradError) throw error;
      throw badInput(`${folder}/${file}: ${messageOf(error)}`, error);
    }
  };
  const parse = <Schema extends z.ZodType>(file: CheckpointFile, schema: Schema): z.output<Schema> => {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(content(file, fileLimits.checkpointJson)).toString('utf8'));
    } catch (error) {
      throw error instanceof SyntaxError ? badInput(`${folder}/${file}: ${error.message}`, error) : error;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw badInput(`${folder}/${file}: ${issue?.path.join('.') || 'content'}: ${issue?.message}`);
  };
  const floats = (file: 'weights.bin' | 'optimizer.bin', length: number) => {
    const expected = length * Float32Array.BYTES_PER_ELEMENT;
    const bytes = content(file, expected);
    if (bytes.byteLength !== expected) {
      throw badInput(`${folder}/${file}: has ${bytes.byteLength} bytes, expected ${expected} (${length} float32)`);
    }
    if (checksums !== undefined && crc32(bytes) !== checksums[file]) {
      throw badInput(`${folder}/${file}: was changed or damaged since it was saved (its CRC-32 differs)`);
    }
    return new Float32Array(Uint8Array.from(bytes).buffer);
  };

  const { modelTopology, weightsManifest } = parse('model.json', modelFile);
  const { optimizer, crc32: checksums, model, seed, step, epoch, cursor } = parse('training.json', trainingFile);
  const weightSpecs = weightsManifest[0].weights;
  const parameterCount = weightSpecs.reduce((sum, { shape }) => sum + shape.reduce((size, n) => size * n, 1), 0);
  if (parameterCount > maxParameters) {
    throw badInput(`${folder}/model.json: has ${parameterCount} parameters, at most ${maxParameters} can be trained`);
  }
  const { iterations, ...optimizerSpec } = optimizer;
  const slotCount = optimizerSlots[optimizer.name].length;
  const memory = floats('optimizer.bin', slotCount * parameterCount);
  const slots = Array.from({ length: slotCount }, (_, slot) =>
    memory.subarray(slot * parameterCount, (slot + 1) * parameterCount),
  );
  return {
    trained: { model, optimizer: optimizerSpec, seed },
    checkpoint: {
      step,
      epoch,
      cursor,
      state: { parameters: floats('weights.bin', parameterCount), optimizer: { iterations, slots } },
      artifacts: { topology: modelTopology, weightSpecs },
    },
  };
}

function bytesOf(vectors: readonly Float32Array[]): Uint8Array {
  return Buffer.concat(
    vectors.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  );
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
