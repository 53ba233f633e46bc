import { describe, expect, it } from 'vitest';
import { findMismatch, findObstacle, findOtherArithmetic } from '../../../../src/coordinator/membership/handshake.ts';
import { findStuck, type Signs } from '../../../../src/coordinator/membership/liveness.ts';
import { deadlinesFrom } from '../../../../src/shared/core/deadlines.ts';

describe('findStuck', () => {
  const deadlines = deadlinesFrom(10);
  const computing: Signs = { activity: 'compute', since: 100, lastHeard: 100 };

  it('lets a worker be that keeps its deadlines', () => {
    expect(findStuck([computing], 108, deadlines)).toBeUndefined();
    expect(findStuck([{ ...computing, activity: 'load' }], 108, deadlines)).toBeUndefined();
  });

  it.each(['compute', 'communicate', 'evaluate', 'checkpoint', 'predict', 'wait'] as const)(
    'finds one that is stuck in %s',
    (activity) => {
      const stuck = { ...computing, activity, lastHeard: 108 };
      expect(findStuck([stuck], 108.1, deadlines)).toEqual({
        worker: stuck,
        reason: 'no result for 8.1 s, though it is alive',
        isAlive: true,
      });
    },
  );

  it('lets a worker compute in silence: whether it lives, its connection tells', () => {
    expect(findStuck([{ ...computing, since: 107, lastHeard: 0 }], 108, deadlines)).toBeUndefined();
  });

  it.each(['load', 'rendezvous', 'idle'] as const)(
    'lets %s take as long as it does while the worker is heard, and finds one that is silent',
    (activity) => {
      const worker = { activity, since: 0, lastHeard: 108 };
      expect(findStuck([worker], 108.1, deadlines)).toBeUndefined();
      expect(findStuck([worker], 116.1, deadlines)).toEqual({
        worker,
        reason: 'silent for 8.1 s, though it is connected',
        isAlive: false,
      });
      // What it did before it began with this does not count.
      expect(findStuck([{ ...worker, since: 115 }], 116.1, deadlines)).toBeUndefined();
    },
  );

  it.each(['load', 'rendezvous', 'idle'] as const)('is just past the deadline, not at it: %s', (activity) => {
    const worker = { activity, since: 100, lastHeard: 0 };
    expect(findStuck([worker], 108, deadlines)).toBeUndefined();
    expect(findStuck([worker], 108.001, deadlines)).toEqual({
      worker,
      reason: 'silent for 108.0 s, though it is connected',
      isAlive: false,
    });
  });

  it('names a silent worker before one that is overdue, and the first of several', () => {
    const silent: Signs = { activity: 'idle', since: 90, lastHeard: 90 };
    expect(findStuck([computing, silent, { ...silent }], 109, deadlines)?.worker).toBe(silent);
    const [predicting, saving] = (['predict', 'checkpoint'] as const).map((activity) => ({ ...computing, activity }));
    if (predicting === undefined || saving === undefined) throw new Error('two workers');
    expect(findStuck([predicting, saving], 109, deadlines)?.worker).toBe(saving);
    expect(findStuck([predicting, { ...predicting }], 109, deadlines)?.worker).toBe(predicting);
  });

  it('blames the one that still computes, not those that wait for it', () => {
    const waiting: Signs = { activity: 'communicate', since: 99, lastHeard: 108 };
    expect(findStuck([waiting, computing], 108.5, deadlines)?.worker).toBe(computing);
    expect(findStuck([waiting], 108.5, deadlines)?.worker).toBe(waiting);
    const voted: Signs = { activity: 'wait', since: 99, lastHeard: 108 };
    expect(findStuck([voted, waiting], 108.5, deadlines)?.worker).toBe(waiting);
    expect(findStuck([voted], 108.5, deadlines)?.worker).toBe(voted);
  });
});

describe('the handshake', () => {
  const identity = {
    version: '1.0.0',
    model: { name: 'cnn' as const, inputShape: [28, 28, 1] as [number, number, number], classes: 10 },
    datasetDigest: 'abc',
    seed: 1,
  };

  it('lets equals pass', () => {
    expect(findMismatch(identity, { ...identity, model: { ...identity.model } })).toBeUndefined();
  });

  it.each([
    ['pennygrad version', { version: '2.0.0' }, '2.0.0'],
    ['model', { model: { ...identity.model, name: 'mlp' as const } }, 'mlp (28×28×1 to 10 classes)'],
    ['model', { model: { ...identity.model, classes: 7 } }, 'cnn (28×28×1 to 7 classes)'],
    ['dataset digest', { datasetDigest: 'xyz' }, 'xyz'],
    ['seed', { seed: 2 }, '2'],
  ])('names the field that differs: %s', (field, change, actual) => {
    expect(findMismatch(identity, { ...identity, ...change })).toMatchObject({ field, actual });
  });

  it('keeps out another version, a second worker of one name, and one too many', () => {
    const run = { version: '1.0.0', places: 2, present: ['w0'], dropped: new Map([['slow', 'it was slow']]) };
    expect(findObstacle({ workerId: 'w1', version: '1.0.0' }, run)).toBeUndefined();
    expect(findObstacle({ workerId: 'w1', version: '2.0.0' }, run)?.field).toBe('pennygrad version');
    expect(findObstacle({ workerId: 'w0', version: '1.0.0' }, run)?.field).toBe('worker id');
    expect(findObstacle({ workerId: 'slow', version: '1.0.0' }, run)).toEqual({
      field: 'speed',
      expected: 'no place for stragglers (--drop-stragglers)',
      actual: 'was dropped: it was slow',
    });
    expect(findObstacle({ workerId: 'w2', version: '1.0.0' }, { ...run, present: ['w0', 'w1'] })?.field).toBe(
      'world size',
    );
  });
});

describe('the arithmetic of a deterministic run', () => {
  const own = 'wasm (wasm, SIMD) on x64';
  const engine = (actual: string) => ({
    field: 'engine',
    expected: '--deterministic needs wasm or cpu, on one thread',
    actual,
  });

  it.each([
    ['any, where the run is not deterministic', 'tensorflow', 8, undefined, undefined, undefined],
    ['that of the first worker', 'wasm', 1, own, undefined, undefined],
    ['the same as that of the first worker', 'wasm', 1, own, own, undefined],
    ['one thread, where none is named', 'cpu', undefined, own, own, undefined],
    ['no engine that chooses its order of adding', 'tensorflow', 1, own, own, engine('tensorflow')],
    ['no threads, which add in any order', 'wasm', 2, own, own, engine('wasm on 2 threads')],
    [
      'no other one',
      'wasm',
      1,
      own,
      'cpu (cpu) on x64',
      { field: 'arithmetic', expected: '--deterministic needs that of the others, cpu (cpu) on x64', actual: own },
    ],
  ] as const)('may be %s', (_, backend, threads, key, first, mismatch) => {
    expect(findOtherArithmetic({ backend, threads }, key, first)).toEqual(mismatch);
  });
});
