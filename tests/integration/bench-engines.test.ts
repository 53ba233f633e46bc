/** The comparison as a program, with engines alone: what others' programs are installed differs from machine to machine. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { childrenOf, isAlive } from '../support/pennygrad.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const program = fileURLToPath(new URL('../../dist/bench/peers/main.js', import.meta.url));
const started = new Set<ReturnType<typeof spawn>>();

afterEach(() => {
  for (const child of started) child.kill('SIGTERM');
  started.clear();
});

function bench(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, NO_COLOR: '1', ...env } });
  started.add(child);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, text, code };
}

it('measures engines in rounds and two workers, and writes what it prints', async () => {
  const file = join(temporaryFolder(), 'bench.json');
  const { text, code } = bench([
    ...['--engines', 'wasm', '--peers', 'none', '--batch-sizes', '4', '--seconds', '0.05', '--rounds', '2'],
    ...['--steps', '3', '--json', file],
  ]);
  expect(await code, text.stderr).toBe(0);
  expect(text.stdout).toMatch(/93,322 parameters, 16\.4 MFLOP a sample/);
  expect(text.stdout).toMatch(/^ wasm simd +4 +[\d,]+/m);
  expect(text.stdout).toMatch(/^ pennygrad train, wasm +4 +[\d,]+/m);

  const figures = JSON.parse(readFileSync(file, 'utf8'));
  const turns = figures.measurements.map((each: Record<string, unknown>) => `${each.candidate} ${each.round}`);
  expect(turns).toEqual(['wasm relaxed-simd 0', 'wasm relaxed-simd 1', 'wasm simd 0', 'wasm simd 1']);
  expect(figures.engines).toHaveLength(2);
  expect(figures.pair.rows).toMatchObject([
    {
      candidate: 'pennygrad train, wasm',
      ratios: {
        'one worker': expect.any(Number),
        'two threads': expect.any(Number),
        'two engines': expect.any(Number),
      },
    },
    { candidate: 'one worker' },
    { candidate: 'two threads' },
    { candidate: 'two engines' },
  ]);
  expect(figures.pair.measurements).toHaveLength(8);
});

it('goes on without peers that cannot be had, and says why in their rows', async () => {
  // No Python is found on an empty path, and nothing is installed in empty folders.
  const nowhere = temporaryFolder();
  const env = { PATH: nowhere, XDG_CACHE_HOME: nowhere, XDG_DATA_HOME: nowhere, HOME: nowhere };
  const args = ['--engines', 'wasm', '--batch-sizes', '4', '--seconds', '0.05', '--rounds', '1', '--steps', '1'];
  const { text, code } = bench(args, env);
  expect(await code, text.stderr).toBe(0);
  expect(text.stdout).toMatch(/not pinned/);
  expect(text.stdout).toMatch(/^ wasm simd +4 +[\d,]+/m);
  expect(text.stdout).toMatch(/^ PyTorch .*not measured: no Python 3 found$/m);
  expect(text.stdout).toMatch(/^ tfjs-node .*not measured: @tensorflow\/tfjs-node is not installed/m);
  expect(text.stdout).toMatch(/^ PyTorch DDP .*not measured: no Python 3 found$/m);
});

it('leaves no process behind when it is interrupted', async () => {
  const { child, text, code } = bench(['--engines', 'wasm', '--peers', 'none', '--seconds', '30', '--rounds', '9']);
  const pid = child.pid ?? 0;
  await eventually('a candidate works', () => childrenOf(pid).length > 0 && text.stdout !== '', 60_000);
  const candidates = childrenOf(pid);
  child.kill('SIGINT');
  expect(await code).toBe(130);
  await eventually('its candidates are gone', () => !candidates.some(isAlive));
});
