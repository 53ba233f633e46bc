import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  pointsOf,
  sharedArguments,
  sweepSettings,
  sweepTask,
  withoutTrainVariables,
} from '../../../src/cli/sweep-settings.ts';
import { resolveSettings } from '../../../src/settings/resolve-settings.ts';
import { remainingSeconds, sweepRuns } from '../../../src/sweep/grid.ts';
import { writeSweep } from '../../../src/sweep/sweep-file.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const resolve = (flags: Record<string, unknown>, file?: Record<string, unknown>) =>
  resolveSettings(sweepSettings, flags, {}, file && { path: 'sweep.yaml', values: file });
const points = (flags: Record<string, unknown>, file?: Record<string, unknown>) => pointsOf(resolve(flags, file));

describe('the grid of a sweep', () => {
  test('is every number of workers with every engine and every batch', () => {
    const grid = points({ workers: '1,2,4', backend: 'wasm, tensorflow', batchSize: '64,256' });
    expect(grid.map(({ id }) => id)).toEqual([
      ...['w1-wasm-b64', 'w1-wasm-b256', 'w2-wasm-b64', 'w2-wasm-b256', 'w4-wasm-b64', 'w4-wasm-b256'],
      ...['w1-tensorflow-b64', 'w1-tensorflow-b256', 'w2-tensorflow-b64', 'w2-tensorflow-b256'],
      ...['w4-tensorflow-b64', 'w4-tensorflow-b256'],
    ]);
    expect(grid[2]).toEqual({ id: 'w2-wasm-b64', args: ['--workers', '2', '--backend', 'wasm'], batchSize: 64 });
  });

  test('is one and two workers when nothing was said, and lists from a file may be lists', () => {
    expect(points({}).map(({ id }) => id)).toEqual(['w1-auto-b64', 'w2-auto-b64']);
    expect(points({}, { workers: [1, 3], 'batch-size': 32 }).map(({ id }) => id)).toEqual([
      'w1-auto-b32',
      'w3-auto-b32',
    ]);
  });

  test('takes fleets as text or from a file, and leaves the rest of the grid out unless it was named', () => {
    const text = 'backend=wasm,price=1 + backend=cpu,price=0.1,count=2';
    const args = ['--worker', 'backend=wasm,price=1', '--worker', 'backend=cpu,price=0.1,count=2'];
    const id = 'wasm,price1+cpu,price0.1,count2-b64';
    expect(points({ fleet: text })).toEqual([{ id, args, batchSize: 64 }]);
    const list = [
      [
        { backend: 'wasm', price: 1 },
        { backend: 'cpu', price: 0.1, count: 2 },
      ],
    ];
    expect(points({}, { fleet: list })).toEqual([{ id, args, batchSize: 64 }]);
    expect(points({ fleet: text, workers: '1' }).map((point) => point.id)).toEqual(['w1-auto-b64', id]);
  });

  test('refuses what train would refuse, in its words', () => {
    expect(() => points({ fleet: 'backend=wasm + price=-1' })).toThrow("--worker 'price=-1': price must be at least 0");
    expect(() => points({ workers: '1,0' })).toThrow('--workers must be at least 1');
    expect(() => points({ backend: 'wasm,gpu' })).toThrow('--backend must be one of auto');
  });

  test('looks the price of a label up before anything runs, also in a table of the user', () => {
    const fleet = 'gpu=acme/t4/spot + gpu=gcp/t4/spot';
    expect(() => points({ fleet })).toThrow("no price is known for 'acme/t4/spot'");
    const table = join(temporaryFolder(), 'mine.csv');
    writeFileSync(table, 'gpu,provider,pricing,usd_per_hour,date\nT4,acme,spot,0.09,2026-01\n');
    expect(points({ fleet, prices: table }).map(({ id }) => id)).toEqual(['gpuacme_t4_spot+gpugcp_t4_spot-b64']);
    expect(sharedArguments(resolve({ prices: table })).join(' ')).toContain(`--prices ${table}`);
  });

  test('repeats round by round', () => {
    const runs = sweepRuns(points({ workers: '1,2' }), 2);
    expect(runs.map(({ id }) => id)).toEqual(['w1-auto-b64-r1', 'w2-auto-b64-r1', 'w1-auto-b64-r2', 'w2-auto-b64-r2']);
  });

  test('passes on what all runs share, and keeps variables from telling them otherwise', () => {
    const args = sharedArguments(resolve({ steps: '9', price: '0.35' }));
    expect(args.join(' ')).toMatch(/--price 0\.35\b.*--epochs 1 --steps 9\b/);
    expect(args.join(' ')).toMatch(/--on-loss fail\b/);
    expect(args.join(' ')).not.toMatch(/--(workers|restarts|backend|batch-size|out|json|metrics-port) /);
    expect(
      withoutTrainVariables({
        PENNYGRAD_WORKERS: '3',
        PENNYGRAD_PRICES: 'p',
        PENNYGRAD_CONFIG: 'a',
        PENNYGRAD_HOME: 'b',
        HOME: 'c',
      }),
    ).toEqual({ PENNYGRAD_HOME: 'b', HOME: 'c' });
  });
});

describe('a sweep of which only the folder is named', () => {
  const out = temporaryFolder();
  const begun = {
    ...({ format: 1, created_at: '2026-01-01T00:00:00.000Z', repeats: 2, runs: [] } as const),
    machine: { cpu: 'a CPU', cores: 2, node: 'v20', pennygrad: '0.1.0' },
    args: ['--steps', '9', '--epochs', '1'],
    points: [{ id: 'w4-wasm-b32', args: ['--workers', '4', '--backend', 'wasm'], batch_size: 32 }],
  };
  const task = (flags: Record<string, unknown>, environment: Record<string, string> = {}, file?: object) =>
    sweepTask(out, [flags, environment, file && { path: 'sweep.yaml', values: { ...file } }]);

  test('is what the folder says, else the default grid', () => {
    const grid = task({ out, quiet: true }, { PENNYGRAD_JSON: '1' }, { out });
    expect(grid.points.map(({ id }) => id)).toEqual(['w1-auto-b64', 'w2-auto-b64']);
    writeSweep(out, begun);
    const same = {
      repeats: 2,
      args: begun.args,
      points: [{ id: 'w4-wasm-b32', args: ['--workers', '4', '--backend', 'wasm'], batchSize: 32 }],
    };
    expect(task({ out, quiet: true }, { PENNYGRAD_JSON: '1' }, { out })).toEqual(same);
  });

  test('is what is asked for as soon as anything is, from any layer', () => {
    writeSweep(out, begun);
    for (const asked of [
      task({ out, batchSize: '32' }),
      task({ out }, { PENNYGRAD_BATCH_SIZE: '32' }),
      task({ out }, {}, { 'batch-size': 32 }),
    ]) {
      expect(asked.points.map(({ id }) => id)).toEqual(['w1-auto-b32', 'w2-auto-b32']);
      expect(asked).toMatchObject({ repeats: 3 });
    }
  });
});

describe('remainingSeconds', () => {
  test('takes what the same point took, or the mean of all for one not yet run', () => {
    const done = [
      { point: 'a', seconds: 10 },
      { point: 'a', seconds: 20 },
      { point: 'b', seconds: 60 },
    ];
    expect(remainingSeconds(done, ['a', 'b', 'c'])).toBe(15 + 60 + 30);
    expect(remainingSeconds([], ['a'])).toBeUndefined();
  });
});
