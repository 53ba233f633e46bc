import { describe, expect, test } from 'vitest';
import type { ComparedRun } from '../../../../src/economics/comparison/compared-fleets.ts';
import { compareRuns } from '../../../../src/economics/comparison/comparison.ts';
import type { RunRecord } from '../../../../src/economics/record/run-record.ts';
import { comparedRun, type TestKind, type TestRun } from '../../../support/compared-runs.ts';
import { runRecord } from '../../../support/run-records.ts';

/** What a note is about, by words that it has. */
const subjects = {
  'generated data': 'generated digits',
  'no price': 'without a price',
  billing: 'billed: ',
  'few repeats': 'confidence interval',
  batches: 'batches of different sizes',
  emulation: 'emulated workers',
  machines: 'different machines',
  'one machine': 'shared one machine',
  compression: 'gradients travelled compressed: --compress int8',
  'local steps': 'a step has 16 updates of each worker',
} as const;

const subjectsOf = (runs: readonly ComparedRun[]) =>
  compareRuns(runs).notes.map(
    (note) => Object.entries(subjects).find(([, words]) => note.includes(words))?.[0] ?? `unknown: ${note}`,
  );

const dear: TestKind = { backend: 'wasm', price: 0.4 };
const free: TestKind = { backend: 'wasm' };
const repeats = (workers: readonly TestKind[], overrides: Partial<TestRun> = {}, count = 3) =>
  Array.from({ length: count }, (_, index) => comparedRun({ workers, rate: 1000 + index, batch: 64, ...overrides }));

describe('the notes of a comparison', () => {
  const slow = { ...dear, speed: 0.25 };
  const { dataset } = runRecord();
  const digits = { dataset: { ...dataset, fallbackReason: 'no network' } };
  test.each([
    { what: 'three repeats of a worker with a price', runs: repeats([dear]), notes: ['billing'] },
    { what: 'two repeats', runs: repeats([dear], {}, 2), notes: ['billing', 'few repeats'] },
    {
      what: 'two repeats of one of two points',
      runs: [...repeats([dear]), ...repeats([dear, { ...dear, host: 'beta' }], {}, 2)],
      notes: ['billing', 'few repeats'],
    },
    { what: 'no price', runs: repeats([free]), notes: ['no price'] },
    { what: 'a price on some', runs: [...repeats([dear]), ...repeats([free])], notes: ['no price', 'billing'] },
    {
      what: 'two batches',
      runs: [...repeats([dear]), ...repeats([dear], { batch: 32 })],
      notes: ['billing', 'batches'],
    },
    {
      what: 'compressed gradients',
      runs: repeats([dear], { record: { compression: 'int8' } }),
      notes: ['billing', 'compression'],
    },
    {
      what: 'local steps',
      runs: repeats([dear], { record: { localSteps: 16 } }),
      notes: ['billing', 'local steps'],
    },
    {
      what: 'one emulated worker among others',
      runs: [...repeats([dear]), ...repeats([dear, { ...slow, host: 'beta' }])],
      notes: ['billing', 'emulation'],
    },
    {
      what: 'generated data in one of the runs',
      runs: [...repeats([dear]), comparedRun({ workers: [dear], rate: 1000, batch: 64, record: digits })],
      notes: ['generated data', 'billing'],
    },
    {
      what: 'two workers on the one machine of all runs',
      runs: [...repeats([dear]), ...repeats([dear, dear])],
      notes: ['billing', 'one machine'],
    },
    {
      what: 'two workers on one of two machines',
      runs: [...repeats([dear, dear]), ...repeats([dear, { ...dear, host: 'beta' }])],
      notes: ['billing'],
    },
  ])('of runs with $what', ({ runs, notes }) => {
    expect(subjectsOf(runs)).toEqual(notes);
  });

  test('end with what the runs themselves do not say', () => {
    expect(compareRuns(repeats([dear]), { furtherNotes: ['a card alone'] }).notes.at(-1)).toBe('a card alone');
  });

  describe('on machines', () => {
    const at = (...hosts: readonly string[]) =>
      comparedRun({ workers: hosts.map((host) => ({ ...dear, host })), rate: 1000, batch: 64 });
    const named = (runs: readonly ComparedRun[]) =>
      /different machines \(([^)]*)\)/.exec(compareRuns(runs).notes.join('\n'))?.[1];

    test('do not depend on the order of workers', () => {
      expect(named([at('alpha', 'beta'), at('beta', 'alpha')])).toBeUndefined();
    });

    test('are of every run: one that shares its machines with all others does not join those apart', () => {
      expect(named([at('alpha'), at('beta'), at('alpha', 'beta')])).toBe('alpha; beta; alpha, beta');
    });

    test('name five, and say that there are more', () => {
      const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((host) => at(host));
      expect(named(all.slice(0, 5))).toBe('a; b; c; d; e');
      expect(named(all)).toBe('a; b; c; d; e; …');
    });
  });
});

describe('runs that cannot be compared', () => {
  const failed = repeats([dear], { status: 'failed', folder: 'runs/a' }, 2);
  const withRecord = (record: Partial<RunRecord>) => comparedRun({ workers: [dear], rate: 1000, batch: 64, record });
  const { dataset } = runRecord();
  const sha256 = { labels: '0123456789abcdef', images: 'fedcba9876543210' };

  test('are none at all: the first is named, and how many more there are', () => {
    expect(() => compareRuns(failed.slice(1))).toThrow(/: runs\/a, which failed$/);
    expect(() => compareRuns(failed)).toThrow(/: runs\/a, which failed \(and 1 more\)$/);
    const interrupted = repeats([dear], { status: 'interrupted', folder: 'runs/b' }, 1);
    expect(() => compareRuns(interrupted)).toThrow(/: runs\/b, which was interrupted$/);
  });

  test('trained no step', () => {
    expect(() => compareRuns([withRecord({ samples: 0, steps: 0, trainSeconds: 0 })])).toThrow('which trained no step');
  });

  test.each([
    [
      { model: { name: 'mlp', parameters: 93_322 } },
      'differ in model: cnn with 93322 parameters, mlp with 93322 parameters',
    ],
    [{ compression: 'int8' }, 'differ in compression: none, int8;'],
    [{ localSteps: 16, globalBatchSize: 1024 }, 'differ in local steps: 1, 16;'],
    [{ model: { name: 'cnn', parameters: 7 } }, 'differ in model: cnn with 93322 parameters, cnn with 7 parameters'],
    [{ dataset: { ...dataset, testCount: 1 } }, 'differ in number of images: 60000 + 10000, 60000 + 1'],
    [
      { dataset: { ...dataset, sha256 } },
      'differ in data: mnist with SHA-256 ba89…, mnist with SHA-256 fedcba98… 01234567…',
    ],
    [{ dataset: { ...dataset, sha256: {} } }, 'differ in data: mnist with SHA-256 ba89…, mnist;'],
  ])('trained different things: %j', (record, message) => {
    expect(() => compareRuns([withRecord({}), withRecord(record)])).toThrow(message);
  });

  test('but the same files in another order are the same data', () => {
    const reversed = { images: sha256.images, labels: sha256.labels };
    const runs = [sha256, reversed].map((sums) => withRecord({ dataset: { ...dataset, sha256: sums } }));
    expect(compareRuns(runs).points).toHaveLength(1);
  });
});
