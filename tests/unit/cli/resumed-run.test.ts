import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadRunData, resolveRunSettings } from '../../../src/cli/resumed-run.ts';
import { writtenSettings } from '../../../src/settings/resolve-settings.ts';
import { trainSettings } from '../../../src/settings/train-settings.ts';
import { PennygradError } from '../../../src/shared/core/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { toyDataset } from '../../support/toy-engine.ts';

function runOf(settings: object, more: object = {}): string {
  const folder = temporaryFolder();
  const config = {
    run_id: 'r1',
    started_at: '2025-06-01T12:00:00.000Z',
    settings,
    dataset: { name: 'mnist', digest: 'd1' },
    ...more,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

/** As a finished run has them: with every default in place. */
const finished = { workers: 3, batchSize: 32, lr: 0.01, model: 'mlp', optimizer: 'adam', seed: 5, json: true };

afterEach(() => vi.unstubAllEnvs());

describe('a run that goes on', () => {
  test('has its own settings, and what may change of them changed', () => {
    const folder = runOf({ ...finished, mirrors: ['https://a.example/x', 'https://b.example/y'] });
    const { settings, resumed } = resolveRunSettings(trainSettings, { resume: folder, epochs: '9', budgetUsd: '1' });
    expect(settings).toMatchObject({
      workers: { min: 3, max: 3 },
      batchSize: 32,
      lr: 0.01,
      model: 'mlp',
      seed: 5,
      epochs: 9,
      budgetUsd: 1,
    });
    expect(settings.mirrors).toEqual(['https://a.example/x', 'https://b.example/y']);
    expect(settings.json).toBe(false);
    expect(resumed).toEqual({
      folder,
      runId: 'r1',
      startedAtUnixMs: Date.UTC(2025, 5, 1, 12),
      dataset: { name: 'mnist', digest: 'd1' },
    });
  });

  test('keeps a budget, changes it, or is freed of it with none', () => {
    const folder = runOf({ ...finished, budgetUsd: 2, budgetHours: 3 });
    const budgetsOf = (flags: object) => {
      const { budgetUsd, budgetHours } = resolveRunSettings(trainSettings, { resume: folder, ...flags }).settings;
      return [budgetUsd, budgetHours];
    };
    expect(budgetsOf({})).toEqual([2, 3]);
    expect(budgetsOf({ budgetUsd: 'none', budgetHours: '4' })).toEqual([undefined, 4]);
    expect(budgetsOf({ budgetHours: 'none' })).toEqual([2, undefined]);
    vi.stubEnv('PENNYGRAD_BUDGET_USD', 'none');
    expect(budgetsOf({})).toEqual([undefined, 3]);
    for (const given of ['0', '-1', 'nothing', '']) {
      expect(() => budgetsOf({ budgetHours: given })).toThrow(
        /^--budget-hours must be a number greater than 0, or none, got /,
      );
    }
  });

  test('that is older than a setting has its default', () => {
    const folder = runOf(finished);
    expect(resolveRunSettings(trainSettings, { resume: folder }).settings.compress).toBe('none');
    expect(resolveRunSettings(trainSettings, { resume: folder, compress: 'none' }).settings.compress).toBe('none');
  });

  test('may be told again what it is, in words or by its name', () => {
    const folder = runOf(finished);
    const flags = { resume: folder, dataset: 'mnist', lr: '1e-2', model: 'mlp' };
    expect(resolveRunSettings(trainSettings, flags).resumed?.folder).toBe(folder);
  });

  test.each([
    ['lr', { lr: '0.5' }, /--lr 0\.5: a resumed run keeps its own \(0\.01\)/],
    ['model', { model: 'cnn' }, /--model cnn: a resumed run keeps its own \(mlp\)/],
    ['compression', { compress: 'int8' }, /--compress int8: a resumed run keeps its own \(none\)/],
    ['batch size', { batchSize: '8' }, /--batch-size 8: a resumed run keeps its own \(32\)/],
    ['folder', { out: 'elsewhere' }, /--out elsewhere: a resumed run stays in its folder, /],
  ])('cannot have another %s', (_, flags, message) => {
    expect(() => resolveRunSettings(trainSettings, { resume: runOf(finished), ...flags })).toThrow(message);
  });

  test('nor by the environment', () => {
    vi.stubEnv('PENNYGRAD_SEED', '6');
    expect(() => resolveRunSettings(trainSettings, { resume: runOf(finished) })).toThrow(
      /--seed 6: .*keeps its own \(5\)/,
    );
  });

  test('takes a number of workers for its list of them, and the other way round', () => {
    const folder = runOf({ ...finished, workers: 2, worker: ['backend=wasm,count=2'] });
    expect(resolveRunSettings(trainSettings, { resume: folder, workers: '4' }).settings).toMatchObject({
      workers: { min: 4, max: 4 },
    });
    expect(resolveRunSettings(trainSettings, { resume: folder, workers: '4' }).settings.worker).toBeUndefined();
    const others = resolveRunSettings(trainSettings, { resume: folder, worker: 'backend=cpu' }).settings;
    expect(others).toMatchObject({ worker: ['backend=cpu'], workers: undefined });
  });

  test('goes on with as few workers as before, or as is said now', () => {
    const folder = runOf({
      ...finished,
      ...writtenSettings(trainSettings, { workers: { min: 2, max: 8 } }),
      restarts: 7,
    });
    const resumed = (flags: object) => resolveRunSettings(trainSettings, { resume: folder, ...flags }).settings;
    expect(resumed({})).toMatchObject({ workers: { min: 2, max: 8 }, restarts: 7 });
    expect(resumed({ workers: '1:8', onLoss: 'wait' })).toMatchObject({ workers: { min: 1, max: 8 }, onLoss: 'wait' });
  });

  test('may be called by its moved folder, however that is written', () => {
    const folder = runOf({ ...finished, out: 'runs/before-it-moved' });
    for (const out of [folder, `${folder}/`, relative(process.cwd(), folder)]) {
      expect(resolveRunSettings(trainSettings, { resume: folder, out }).resumed?.folder).toBe(folder);
    }
    expect(resolveRunSettings(trainSettings, { resume: folder }).settings.out).toBeUndefined();
  });

  test('needs the same data, whatever it is called', async () => {
    const { resumed } = resolveRunSettings(trainSettings, { resume: runOf(finished), dataset: '/elsewhere' });
    if (resumed === undefined) throw new Error('a resumed run');
    const load = (digest: string) => loadRunData(resumed, async () => toyDataset(1, digest));
    expect((await load('d1')).name).toBe('toy');
    const advice = "name the run's data with --dataset or --data-dir; the digest of its data is d1";
    await expect(load('d2')).rejects.toThrow(
      `was trained on other data (mnist) than toy is now (digest d2); ${advice}`,
    );
    const absent = loadRunData(resumed, async () => {
      throw new PennygradError('bad-input', 'folder /x: does not exist');
    });
    await expect(absent).rejects.toMatchObject({ code: 'bad-input', message: `folder /x: does not exist; ${advice}` });
  });

  test('has its paths from where it was started, and from here where nothing is there', () => {
    const directory = temporaryFolder();
    for (const name of ['data', 'cache', 'digits']) mkdirSync(join(directory, name));
    const settings = { ...finished, dataset: 'data', cacheDir: 'cache', dataDir: 'absent', prices: '/p.csv' };
    const dataset = { name: './data', digest: 'd1' };
    const of = (changes: object, flags = {}) =>
      resolveRunSettings(trainSettings, {
        resume: runOf({ ...settings, ...changes }, { directory, dataset }),
        ...flags,
      });
    const { settings: resolved, resumed } = of({});
    expect(resolved).toMatchObject({
      dataset: join(directory, 'data'),
      cacheDir: join(directory, 'cache'),
      dataDir: 'absent',
      prices: '/p.csv',
    });
    expect(resumed?.dataset.name).toBe(join(directory, 'data'));
    // A name is no path, and a flag is meant from here.
    expect(of({ dataset: 'digits' }, { cacheDir: 'cache' }).settings).toMatchObject({
      dataset: 'digits',
      cacheDir: 'cache',
    });
  });

  test('that is none is named, with what is wrong', () => {
    expect(() => resolveRunSettings(trainSettings, { resume: '/nowhere' })).toThrow(
      /--resume \/nowhere: there is no run/,
    );
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'config.json'), '{"run_id":"r"}');
    expect(() => resolveRunSettings(trainSettings, { resume: folder })).toThrow(
      /config\.json: started_at: .* \(and 2 more\)$/,
    );
    writeFileSync(join(folder, 'config.json'), '{');
    expect(() => resolveRunSettings(trainSettings, { resume: folder })).toThrow(/config\.json: /);
  });
});

test('without --resume settings are those of the flags', () => {
  expect(resolveRunSettings(trainSettings, { lr: '0.5' })).toMatchObject({ settings: { lr: 0.5 }, resumed: undefined });
});
