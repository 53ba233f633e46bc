/** `--deterministic` with real processes: the same parameters, bit for bit, whatever the workers are and what befalls them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { childrenOf, killAll, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { sha256 } from '../support/small-dataset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** 16 steps an epoch, of seven micro-shards, the last of four samples; the last batch is short. */
const folder = writeIdxFolder(810, 50);
const deterministic = [
  ...['--dataset', folder, '--deterministic', '--batch-size', '52', '--metrics-port', '0', '--price', '1'],
  ...['--epochs', '99999'],
];
const settings = [...deterministic, '--backend', 'wasm'];

afterEach(killAll);

function parametersAfter(steps: number, out: string): string {
  expect(readSummary(out)).toMatchObject({ steps, deterministic: true });
  return sha256(readFileSync(join(lastCheckpoint(out), 'weights.bin')));
}

/** The losses of steps and of test passes. */
function lossesOf(out: string): readonly unknown[] {
  return readJsonLines(join(out, 'metrics.jsonl')).flatMap(({ type, loss, test_loss }) =>
    type === 'step' || type === 'epoch' ? [[loss, test_loss]] : [],
  );
}

async function trainWhole(steps: number, ...workers: readonly string[]): Promise<string> {
  const out = join(temporaryFolder(), 'run');
  const { code, stderr } = await run(['train', ...settings, '--steps', String(steps), ...workers, '--out', out]);
  expect(code, stderr).toBe(0);
  return out;
}

describe('a deterministic run', () => {
  it('comes to the same bits with two workers that are not equally fast, and with three', async () => {
    const steps = 32;
    const whole = await trainWhole(steps, '--workers', '1');
    const uneven = await trainWhole(steps, '--worker', 'id=slow,duty=0.1', '--worker', 'id=fast');
    const shares = readSummary(uneven).workers.map(({ samples }) => samples);
    expect(Math.max(...shares)).toBeGreaterThan(1.3 * Math.min(...shares));
    const three = await trainWhole(steps, '--workers', '3');
    for (const out of [uneven, three]) {
      expect(parametersAfter(steps, out)).toBe(parametersAfter(steps, whole));
      expect(lossesOf(out)).toEqual(lossesOf(whole));
    }
  });

  it('comes to the same bits when a worker is killed, and when it is interrupted and resumed with others', async () => {
    const out = join(temporaryFolder(), 'run');
    const job = start(['train', ...settings, '--workers', '1:3', '--checkpoint-every', '5', '--out', out]);
    const pid = job.child.pid ?? 0;
    await eventually('three workers train', () => /"world_size":3|training with|epoch 1\b/i.test(job.output()));
    await eventually('the workers are there', () => childrenOf(pid).length === 3);
    process.kill(childrenOf(pid)[0] ?? 0, 'SIGKILL');
    await job.waitFor(/lost worker (w[0-2]): killed by SIGKILL/);
    job.child.kill('SIGINT');
    expect((await job.exit).code).toBe(130);
    const steps = readSummary(out).steps + 16;
    const resumed = await run(['train', '--resume', out, '--steps', String(steps), '--workers', '2']);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(parametersAfter(steps, out)).toBe(parametersAfter(steps, await trainWhole(steps, '--workers', '1')));
  });

  it('refuses what it cannot be with, and says what to do', async () => {
    const refused = async (...flags: readonly string[]) => {
      const { code, stderr } = await run([
        'train',
        ...deterministic,
        ...flags,
        '--out',
        join(temporaryFolder(), 'run'),
      ]);
      expect(code, stderr).toBe(2);
      return stderr;
    };
    const [tensorflow, threads, star, workers] = await Promise.all([
      refused('--backend', 'tensorflow', '--workers', '1'),
      refused('--backend', 'wasm', '--threads', '2', '--workers', '1'),
      refused('--backend', 'wasm', '--all-reduce', 'star'),
      refused('--backend', 'wasm', '--workers', '8'),
    ]);
    expect(tensorflow).toContain('engine tensorflow is not usable: it does not promise the same bits every time');
    expect(threads).toContain('engine wasm is not usable: --deterministic needs it to compute on one thread, got 2');
    expect(star).toContain('--all-reduce star: --deterministic has a sum of its own; leave --all-reduce out');
    expect(workers).toContain('--workers 8 is more than the 7 micro-shards of 8 samples');
  });
});
