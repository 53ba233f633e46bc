import { crc32 } from 'node:zlib';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/engine/engine.ts';
import { wasmProvider } from '../../../../src/engine/wasm/wasm-provider.ts';
import {
  type CheckpointFile,
  decodeCheckpoint,
  encodeCheckpoint,
  type SavedCheckpoint,
} from '../../../../src/shared/model/checkpoint-files.ts';
import { relativeError } from '../../../support/compare-vectors.ts';
import { engineDataset } from '../../../support/engine-dataset.ts';

const model = { name: 'cnn', inputShape: [18, 18, 1], classes: 4 } as const;
const optimizer = { name: 'adam', learningRate: 0.001 } as const;
const dataset = engineDataset(model.inputShape, model.classes, 4, 3);
let engine: Engine;
let saved: SavedCheckpoint;

beforeAll(async () => {
  engine = await wasmProvider().create({ model, optimizer, seed: 1, dataset });
  const gradients = new Float32Array(engine.parameterCount);
  await engine.computeGradients(Uint32Array.of(0, 1, 2, 3), gradients);
  await engine.applyGradients(gradients, 4);
  saved = {
    trained: { model, optimizer, seed: 1 },
    checkpoint: {
      step: 1,
      epoch: 0,
      cursor: 4,
      state: { parameters: await engine.getParameters(), optimizer: await engine.getOptimizerState() },
      artifacts: engine.artifacts(),
    },
  };
});
afterAll(() => engine.dispose());

type Files = Record<CheckpointFile, Uint8Array>;
type Read = Parameters<typeof decodeCheckpoint>[1];

function filesOf(contents: ReturnType<typeof encodeCheckpoint>): Files {
  const bytes = (name: CheckpointFile) => Buffer.concat(contents[name]);
  return {
    'model.json': bytes('model.json'),
    'weights.bin': bytes('weights.bin'),
    'training.json': bytes('training.json'),
    'optimizer.bin': bytes('optimizer.bin'),
  };
}

/** As older versions wrote them: without digests. */
function encodedFiles(): Files {
  const files = filesOf(encodeCheckpoint(saved.checkpoint, saved.trained));
  edit(files, 'training.json', ({ digests: _, ...training }) => training);
  return files;
}

function readFrom(files: Files): Read {
  return (file) => {
    if (file === 'SHA256SUMS') throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
    return files[file];
  };
}

function decode(files: Files): SavedCheckpoint {
  return decodeCheckpoint('run', readFrom(files));
}

describe('checkpoint files', () => {
  it('hold everything', () => {
    const { trained, checkpoint } = decode(encodedFiles());
    const { state, ...position } = checkpoint;
    const { state: expected, ...expectedPosition } = saved.checkpoint;
    expect(trained).toEqual(saved.trained);
    expect(position).toEqual(JSON.parse(JSON.stringify(expectedPosition)));
    expect(relativeError(state.parameters, expected.parameters)).toBe(0);
    expect(state.optimizer.iterations).toBe(1);
    expect(state.optimizer.slots.length).toBe(2);
    for (const [i, slot] of state.optimizer.slots.entries()) {
      expect(relativeError(slot, expected.optimizer.slots[i] ?? [])).toBe(0);
    }
  });

  it('hold what compression has left out, and how gradients were compressed', () => {
    const { trained, checkpoint } = saved;
    const residual = Float32Array.from(checkpoint.state.parameters, (_, i) => i / 3);
    const { iterations, slots } = checkpoint.state.optimizer;
    const state = { ...checkpoint.state, optimizer: { iterations, slots: [...slots, residual] } };
    const compressed = { ...trained, optimizer: { ...trained.optimizer, compression: 'topk:2.5' } };
    const contents = encodeCheckpoint({ ...checkpoint, state }, compressed);
    const files = filesOf(contents);
    // A whole checkpoint has digests.
    edit(files, 'training.json', ({ digests: _, ...training }) => training);
    const decoded = decode(files);
    expect(decoded.trained).toEqual(compressed);
    expect(decoded.checkpoint.state.optimizer.slots).toHaveLength(3);
    expect(decoded.checkpoint.state.optimizer.slots[2]).toEqual(residual);
    edit(files, 'training.json', (training) => ({
      ...training,
      optimizer: { ...compressed.optimizer, compression: 'int4', iterations },
    }));
    expect(() => decode(files)).toThrow(/training\.json: optimizer\.compression/);
  });

  it('load in tfjs as they are, and predict what the engine does', async () => {
    tf.enableProdMode();
    await tf.setBackend('cpu');
    const files = encodedFiles();
    const json = JSON.parse(Buffer.from(files['model.json']).toString());
    const [manifest] = json.weightsManifest;
    expect(manifest.paths).toEqual(['weights.bin']);
    const loaded = await loadLayersModel({
      load: async () => ({
        modelTopology: json.modelTopology,
        weightSpecs: manifest.weights,
        weightData: Uint8Array.from(files['weights.bin']).buffer,
      }),
    });
    const { images, count } = dataset.test;
    const pixels = tf.tensor4d(
      Float32Array.from(images, (byte) => byte / 255),
      [count, 18, 18, 1],
    );
    const predicted = (loaded.predict(pixels) as tf.Tensor).dataSync();
    expect(relativeError(await engine.predict(images, count), predicted)).toBeLessThan(1e-5);
    loaded.dispose();
  });

  const damages: [string, (files: Files) => void, RegExp][] = [
    ['a truncated weights.bin', (f) => shorten(f, 'weights.bin'), /run\/weights\.bin: has \d+ bytes, expected \d+/],
    [
      'a truncated optimizer.bin',
      (f) => shorten(f, 'optimizer.bin'),
      /run\/optimizer\.bin: has \d+ bytes, expected \d+/,
    ],
    ['a truncated model.json', (f) => shorten(f, 'model.json'), /run\/model\.json: .*JSON/],
    ['another format', (f) => edit(f, 'training.json', (t) => ({ ...t, format: 9 })), /run\/training\.json: format/],
    ['a step that is no count', (f) => edit(f, 'training.json', (t) => ({ ...t, step: -1 })), /training\.json: step/],
    ['no topology', (f) => edit(f, 'model.json', ({ modelTopology: _, ...m }) => m), /model\.json: modelTopology/],
  ];
  it.each(damages)('are refused with %s, by name', (_, damage, message) => {
    const files = encodedFiles();
    damage(files);
    expect(() => decode(files)).toThrow(message);
  });

  it('of versions that wrote a CRC-32 of the binary files are still checked by it', () => {
    const files = encodedFiles();
    const sums = { 'weights.bin': crc32(files['weights.bin']), 'optimizer.bin': crc32(files['optimizer.bin']) };
    edit(files, 'training.json', (training) => ({ ...training, crc32: sums }));
    expect(decode(files).checkpoint.step).toBe(1);
    for (const name of ['weights.bin', 'optimizer.bin'] as const) {
      const damaged = { ...files, [name]: Uint8Array.from(files[name], (byte, i) => (i === 9 ? byte ^ 1 : byte)) };
      expect(() => decode(damaged)).toThrow(
        `run/${name}: was changed or damaged since it was saved (its CRC-32 differs)`,
      );
    }
  });

  it('that say that they have digests are refused without them', () => {
    const files = encodedFiles();
    edit(files, 'training.json', (training) => ({ ...training, digests: 'SHA256SUMS' }));
    expect(() => decode(files)).toThrow('run/SHA256SUMS: not found');
  });

  it('are read no further than they can be: by a fixed limit, or as the model says', () => {
    const files = encodedFiles();
    const limits: Partial<Record<string, number>> = {};
    decodeCheckpoint('run', (file, maxBytes) => {
      limits[file] = maxBytes;
      return readFrom(files)(file, maxBytes);
    });
    expect(limits).toEqual({
      SHA256SUMS: 2 ** 20,
      'model.json': 2 ** 20,
      'training.json': 2 ** 20,
      'weights.bin': files['weights.bin'].length,
      'optimizer.bin': files['optimizer.bin'].length,
    });
  });

  it('are refused with more parameters than can be trained, before those are read', () => {
    const files = encodedFiles();
    const [manifest] = JSON.parse(Buffer.from(files['model.json']).toString()).weightsManifest;
    const weights = [{ name: 'huge', shape: [2 ** 27 + 1], dtype: 'float32' }];
    edit(files, 'model.json', (model) => ({ ...model, weightsManifest: [{ ...manifest, weights }] }));
    const read: Read = (file, maxBytes) => {
      if (file.endsWith('.bin')) throw new Error('must not be read');
      return readFrom(files)(file, maxBytes);
    };
    expect(() => decodeCheckpoint('run', read)).toThrow('run/model.json: has 134217729 parameters, at most 134217728');
  });

  it('are refused when one is missing, by name', () => {
    for (const missing of Object.keys(encodedFiles())) {
      const read: Read = (file, maxBytes) => {
        if (file === missing) throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
        return readFrom(encodedFiles())(file, maxBytes);
      };
      expect(() => decodeCheckpoint('run', read)).toThrow(`run/${missing}: ENOENT: no such file`);
    }
  });
});

function shorten(files: Files, name: CheckpointFile): void {
  files[name] = files[name].subarray(0, -4);
}

function edit(files: Files, name: CheckpointFile, change: (content: Record<string, unknown>) => object): void {
  files[name] = Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(files[name]).toString()))));
}
