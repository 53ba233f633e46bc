/** Whatever became of a checkpoint's files, it is not taken for whole: real files, damaged at random places. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readResumption } from '../../../../src/coordinator/record/resumption.ts';
import { writeFolderAtomically } from '../../../../src/shared/files/atomic-folder.ts';
import { encodeCheckpoint } from '../../../../src/shared/model/checkpoint-files.ts';
import type { TrainedSpec } from '../../../../src/shared/model/model-spec.ts';
import { trainingConfig } from '../../../support/settings.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { rounds } from '../../../support/thoroughness.ts';

const trained = {
  model: { name: 'softmax', inputShape: [4, 4, 1], classes: 3 },
  optimizer: { name: 'adam', learningRate: 0.001 },
  seed: 1,
} as const satisfies TrainedSpec;
const parameterCount = 4 * 4 * 3 + 3;
const steps = [4, 6] as const;
const files = ['SHA256SUMS', 'model.json', 'optimizer.bin', 'training.json', 'weights.bin'];

const folder = temporaryFolder();
const placeOf = (step: number, file = '') => join(folder, 'checkpoints', `step-${step}`, file);

beforeAll(async () => {
  mkdirSync(join(folder, 'checkpoints'));
  for (const step of steps) {
    const vector = (of: number) => Float32Array.from({ length: parameterCount }, (_, i) => Math.sin(i * of + step));
    const checkpoint = {
      step,
      epoch: 0,
      cursor: step * 16,
      state: { parameters: vector(1), optimizer: { iterations: step, slots: [vector(2), vector(3)] } },
      artifacts: {
        topology: { layers: 1 },
        weightSpecs: [{ name: 'w', shape: [parameterCount], dtype: 'float32' as const }],
      },
    };
    await writeFolderAtomically(placeOf(step), encodeCheckpoint(checkpoint, trained));
  }
  const categories = ['compute', 'communicate', 'wait', 'load', 'startup', 'evaluate', 'idle', 'wasted', 'other'];
  const nothing = Object.fromEntries(categories.map((category) => [category, 0]));
  const line = {
    cause: 'checkpoint',
    time: '2025-06-01T12:00:00.000Z',
    worker: 'w0',
    rank: 0,
    step: 6,
    samples: 96,
    run_seconds: 1,
    alive_seconds: 1,
    price_usd_per_hour: 1,
    price_since: '2025-06-01T12:00:00.000Z',
    seconds: nothing,
    usd: nothing,
    cost_usd: 0,
  };
  writeFileSync(join(folder, 'metrics.jsonl'), '');
  writeFileSync(join(folder, 'ledger.jsonl'), `${JSON.stringify(line)}\n`);
});

const resume = () =>
  readResumption(folder, { spec: trained, training: trainingConfig({ batchSize: 16 }), trainCount: 1000 });

/** Damages a file of the newest checkpoint, looks at what is resumed from, and puts it back. */
function resumeWith(file: string, damage: (path: string, content: Buffer) => void): ReturnType<typeof resume> {
  const path = placeOf(6, file);
  const content = readFileSync(path);
  try {
    damage(path, content);
    return resume();
  } finally {
    writeFileSync(path, content);
  }
}

function expectTheOneBefore({ start, notes, checkpoints }: ReturnType<typeof resume>): void {
  expect(start).toMatchObject({ step: 4, state: { optimizer: { iterations: 4 } } });
  expect(start.state?.parameters[0]).toBeCloseTo(Math.sin(4), 6);
  expect(notes[0]).toMatch(/^damaged checkpoint: \S*step-6\/\S+: .*; going on from step-4$/);
  expect(checkpoints).toEqual({ whole: 'step-4', damaged: ['step-6'] });
}

describe('the newest checkpoint', () => {
  it('is taken, without a warning of it, while it is whole', () => {
    expect(readdirSync(placeOf(6)).sort()).toEqual(files);
    const { start, notes, checkpoints } = resume();
    expect(start).toMatchObject({ step: 6, state: { optimizer: { iterations: 6 } } });
    expect(notes.join()).not.toMatch(/damaged checkpoint/);
    expect(checkpoints).toEqual({ whole: 'step-6', damaged: [] });
  });

  it('is not taken with any bit of any file flipped', () => {
    const place = fc.record({
      file: fc.constantFrom(...files),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bit: fc.nat(7),
    });
    fc.assert(
      fc.property(place, ({ file, at, bit }) => {
        const resumed = resumeWith(file, (path, content) => {
          const flipped = Buffer.from(content);
          const index = Math.min(content.length - 1, Math.floor(at * content.length));
          flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
          writeFileSync(path, flipped);
        });
        expectTheOneBefore(resumed);
      }),
      { numRuns: rounds(40, 2000) },
    );
  });

  it('is not taken with any file cut off anywhere, or longer than it was', () => {
    const cut = fc.record({
      file: fc.constantFrom(...files),
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    });
    fc.assert(
      fc.property(cut, ({ file, at }) => {
        expectTheOneBefore(
          resumeWith(file, (path, content) =>
            writeFileSync(path, content.subarray(0, Math.floor(at * content.length))),
          ),
        );
      }),
      { numRuns: rounds(20, 500) },
    );
    for (const file of files) {
      for (const byte of ['\0', '\n', ' ']) {
        expectTheOneBefore(
          resumeWith(file, (path, content) => writeFileSync(path, `${content.toString('latin1')}${byte}`, 'latin1')),
        );
      }
    }
  });

  it.each(files)('is not taken without its %s, or with that of another checkpoint', (file) => {
    expectTheOneBefore(resumeWith(file, (path) => rmSync(path)));
    // What names no step is the same in both.
    if (file === 'model.json') return;
    expectTheOneBefore(resumeWith(file, (path) => copyFileSync(placeOf(4, file), path)));
  });
});
