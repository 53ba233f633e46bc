/**
 * The files in a checkpoint's folder: the model in tfjs's own format, and what training needs to continue.
 *
 * - `model.json`, `weights.bin`: any tfjs program can load them (https://www.tensorflow.org/js/guide/save_load)
 * - `training.json`, `optimizer.bin`: position, seed, and the optimizer's slots, one after the other
 *
 * Whoever writes them adds `SHA256SUMS`, by which a damaged checkpoint is known when it is read.
 */

import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { badInput, codeOf, messageOf, PennygradError } from '../core/errors.ts';
import { sumOf } from '../core/sums.ts';
import { sha256Of } from '../data/hashed-bytes.ts';
import type { Parts } from '../files/atomic-folder.ts';
import { type Digests, digestsFile, parseDigests } from '../files/digests.ts';
import { fileLimits } from '../files/file-limits.ts';
import { maxParameters } from './model-fit.ts';
import { modelNames, slotNames, type TrainedSpec } from './model-spec.ts';
import { optimizerSchema } from './optimizer-schema.ts';
import type { Checkpoint } from './training-state.ts';
import { variableSizes } from './training-state.ts';

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
  optimizer: optimizerSchema.extend({ iterations: count }),
  seed: count,
  step: count,
  epoch: count,
  cursor: count,
  /** That there is a `SHA256SUMS`. Checkpoints of older versions have CRC-32 of the binary files instead, or nothing. */
  digests: z.literal(digestsFile).optional(),
  crc32: z.object({ 'weights.bin': count, 'optimizer.bin': count }).optional(),
});

/** Encodes a checkpoint as the contents of its files, by name. The floats are not copied. */
export function encodeCheckpoint(
  { step, epoch, cursor, state, artifacts }: Checkpoint,
  { model, optimizer, seed }: TrainedSpec,
): Readonly<Record<CheckpointFile, Parts>> {
  return {
    'model.json': json({
      format: 'layers-model',
      generatedBy: 'pennygrad',
      convertedBy: null,
      modelTopology: artifacts.topology,
      weightsManifest: [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }],
    }),
    'weights.bin': [bytesOf(state.parameters)],
    'training.json': json({
      format: 1,
      model,
      seed,
      step,
      epoch,
      cursor,
      optimizer: { ...optimizer, iterations: state.optimizer.iterations },
      digests: digestsFile,
    } satisfies z.input<typeof trainingFile>),
    'optimizer.bin': state.optimizer.slots.map(bytesOf),
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
  read: (file: CheckpointFile | typeof digestsFile, maxBytes: number) => Uint8Array,
): SavedCheckpoint {
  const digests = readDigests(folder, () => read(digestsFile, fileLimits.checkpointJson));
  const content = (file: CheckpointFile, maxBytes: number) => {
    try {
      return read(file, maxBytes);
    } catch (error) {
      if (error instanceof PennygradError) throw error;
      throw badInput(`${folder}/${file}: ${messageOf(error)}`, error);
    }
  };
  const undamaged = (file: CheckpointFile, bytes: Uint8Array) => {
    if (digests !== undefined && sha256Of(bytes) !== digests.get(file)) throw damaged(`${folder}/${file}`, 'SHA-256');
    return bytes;
  };
  const parse = <Schema extends z.ZodType>(file: CheckpointFile, schema: Schema): z.output<Schema> => {
    let value: unknown;
    try {
      const bytes = undamaged(file, content(file, fileLimits.checkpointJson));
      value = JSON.parse(Buffer.from(bytes).toString('utf8'));
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
    undamaged(file, bytes);
    if (checksums !== undefined && crc32(bytes) !== checksums[file]) {
      throw damaged(`${folder}/${file}`, 'CRC-32');
    }
    return new Float32Array(Uint8Array.from(bytes).buffer);
  };

  const { modelTopology, weightsManifest } = parse('model.json', modelFile);
  const training = parse('training.json', trainingFile);
  const { optimizer, crc32: checksums, model, seed, step, epoch, cursor } = training;
  if (training.digests !== undefined && digests === undefined) throw badInput(`${folder}/${digestsFile}: not found`);
  const weightSpecs = weightsManifest[0].weights;
  const parameterCount = sumOf(variableSizes(weightSpecs));
  if (parameterCount > maxParameters) {
    throw badInput(`${folder}/model.json: has ${parameterCount} parameters, at most ${maxParameters} can be trained`);
  }
  const { iterations, ...optimizerSpec } = optimizer;
  const slotCount = slotNames(optimizer).length;
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

/** @returns undefined where there is no such file */
function readDigests(folder: string, read: () => Uint8Array): Digests | undefined {
  let text: string;
  try {
    text = Buffer.from(read()).toString('utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error instanceof PennygradError ? error : badInput(`${folder}/${digestsFile}: ${messageOf(error)}`, error);
  }
  const digests = parseDigests(text, fileNames);
  if (digests !== undefined) return digests;
  throw badInput(`${folder}/${digestsFile}: was changed or damaged: expected the SHA-256 of ${fileNames.join(', ')}`);
}

function damaged(file: string, differing: 'SHA-256' | 'CRC-32'): PennygradError {
  return badInput(`${file}: was changed or damaged since it was saved (its ${differing} differs)`);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function json(value: object): Parts {
  return [Buffer.from(`${JSON.stringify(value)}\n`)];
}
