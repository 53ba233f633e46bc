import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { summarize } from '../../../src/economics/record/summarize.ts';
import { evenFleet, sweepPoints } from '../../../src/sweep/grid.ts';
import { runSweep } from '../../../src/sweep/run-sweep.ts';
import { readSweep } from '../../../src/sweep/sweep-file.ts';
import type { TrainExit } from '../../../src/sweep/train-process.ts';
import { runRecord } from '../../support/run-records.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const machine = { cpu: 'a CPU', cores: 2, node: 'v20', pennygrad: '0.1.0' };
const points = sweepPoints([evenFleet(1, 'wasm'), evenFleet(2, 'wasm')], [64]);
const done: TrainExit = { code: 0, lastWords: '' };

/** A sweep whose runs are as `exitOf` says; each takes ten seconds of this clock. */
function sweep(
  out: string,
  exitOf: (name: string) => TrainExit = () => done,
  more: Partial<Parameters<typeof runSweep>[0]> = {},
) {
  const controller = new AbortController();
  const log: string[] = [];
  let time = 0;
  const result = runSweep(
    { out, points, repeats: 2, args: ['--epochs', '1'], machine, ...more },
    {
      clock: { now: () => time, unixMs: () => 0 },
      signal: controller.signal,
      async train(args) {
        time += 10;
        const folder = args[args.indexOf('--out') + 1] ?? '';
        const name = folder.slice(out.length + 1);
        log.push(`train ${name}`);
        const exit = exitOf(name);
        if (exit.code === 130) controller.abort();
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'config.json'), '{}');
        if (exit.code === 0) writeFileSync(join(folder, 'summary.json'), JSON.stringify(summarize(runRecord())));
        return exit;
      },
      onSkip: ({ id }) => log.push(`skip ${id}`),
      onBegin: ({ number, total, remainingSeconds }) => log.push(`${number}/${total} ${remainingSeconds ?? '?'}`),
      onRun: () => {},
      onFailure: ({ id }, reason) => log.push(`${id} failed: ${reason}`),
    },
  );
  return { result, log };
}

describe('runSweep', () => {
  test('runs everything, round by round, and says how long the rest takes', async () => {
    const out = temporaryFolder();
    const { result, log } = sweep(out);
    expect(await result).toEqual([]);
    expect(log).toEqual([
      ...['1/4 ?', 'train w1-wasm-b64-r1', '2/4 30', 'train w2-wasm-b64-r1'],
      ...['3/4 20', 'train w1-wasm-b64-r2', '4/4 10', 'train w2-wasm-b64-r2'],
    ]);
    expect(readSweep(out)?.runs.map(({ folder, seconds }) => [folder, seconds])).toEqual([
      ...[
        ['w1-wasm-b64-r1', 10],
        ['w2-wasm-b64-r1', 10],
      ],
      ...[
        ['w1-wasm-b64-r2', 10],
        ['w2-wasm-b64-r2', 10],
      ],
    ]);
  });

  test('goes on after an interruption with the run that was cut short, and runs nothing twice', async () => {
    const out = temporaryFolder();
    const first = sweep(out, (name) => (name === 'w2-wasm-b64-r1' ? { code: 130, lastWords: 'interrupted' } : done));
    await expect(first.result).rejects.toMatchObject({ code: 'interrupted', message: 'interrupted with 3 runs to go' });
    const second = sweep(out);
    await second.result;
    expect(second.log).toEqual([
      ...['skip w1-wasm-b64-r1', '2/4 30', 'train w2-wasm-b64-r1'],
      ...['3/4 20', 'train w1-wasm-b64-r2', '4/4 10', 'train w2-wasm-b64-r2'],
    ]);
  });

  test('runs again what was removed, and only what a larger grid adds', async () => {
    const out = temporaryFolder();
    await sweep(out).result;
    rmSync(join(out, 'w1-wasm-b64-r2'), { recursive: true });
    const again = sweep(out, undefined, {
      points: [...points, ...sweepPoints([evenFleet(4, 'wasm')], [64])],
      repeats: 2,
    });
    await again.result;
    expect(again.log.filter((line) => line.startsWith('train'))).toEqual([
      'train w4-wasm-b64-r1',
      'train w1-wasm-b64-r2',
      'train w4-wasm-b64-r2',
    ]);
  });

  test('a run that fails does not keep the others from running; one that cannot begin ends the sweep', async () => {
    const failing = sweep(temporaryFolder(), (name) =>
      name.startsWith('w2') ? { code: 4, lastWords: 'worker w1 was lost' } : done,
    );
    expect((await failing.result).map(({ id }) => id)).toEqual(['w2-wasm-b64-r1', 'w2-wasm-b64-r2']);
    expect(failing.log).toContain('w2-wasm-b64-r1 failed: worker w1 was lost');
    const refused = sweep(temporaryFolder(), () => ({ code: 2, lastWords: '--dataset x: no such folder' }));
    await expect(refused.result).rejects.toThrow('run w1-wasm-b64-r1: --dataset x: no such folder');
    expect(refused.log).toHaveLength(2);
  });

  test('refuses to mix what does not compare', async () => {
    const out = temporaryFolder();
    await sweep(out).result;
    await expect(sweep(out, undefined, { args: ['--price', '1', '--epochs', '2'] }).result).rejects.toThrow(
      'holds a sweep with other settings: --epochs is 1 there and 2 here, --price is not set there and 1 here; choose',
    );
    await expect(sweep(out, undefined, { machine: { ...machine, cpu: 'other' } }).result).rejects.toThrow(
      'was started on another machine',
    );
    writeFileSync(join(out, 'sweep.json'), readFileSync(join(out, 'sweep.json'), 'utf8').replace('"repeats"', '"x"'));
    await expect(sweep(out).result).rejects.toThrow('not a sweep of this version');
  });
});
