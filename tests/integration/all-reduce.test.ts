/** Gradients between real processes: in shared memory where they have some, through the coordinator where they have none. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { needs } from '../support/machine-parts.ts';
import { childrenOf, killAll, program, run, start, startedHere } from '../support/pennygrad.ts';
import { lastCheckpoint, readSummary } from '../support/run-folder.ts';
import { sha256 } from '../support/small-dataset.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = writeIdxFolder(333, 60);
const settings = [
  ...['--dataset', folder, '--batch-size', '50', '--epochs', '999', '--balance', 'off', '--model', 'mlp'],
  ...['--metrics-port', '0', '--price', '1'],
];

afterEach(killAll);

async function train(...args: readonly string[]): Promise<{ readonly weights: string; readonly stdout: string }> {
  const out = join(temporaryFolder(), 'run');
  const { code, stdout, stderr } = await run([
    'train',
    ...settings,
    '--backend',
    'wasm',
    '--steps',
    '30',
    ...args,
    '--out',
    out,
  ]);
  expect(code, stderr).toBe(0);
  expect(readSummary(out)).toMatchObject({ steps: 30, replicas_identical: true });
  return { weights: sha256(readFileSync(join(lastCheckpoint(out), 'weights.bin'))), stdout };
}

const linux = await needs('linux');
const containers = await needs('containers');

linux.describe('workers on one host', () => {
  it('read each other, say so, and come to the bits of the star', async () => {
    const mesh = await train('--workers', '3');
    expect(mesh.stdout).toContain("all-reduce mesh: all workers are on one host, and read each other's gradients");
    const star = await train('--workers', '3', '--all-reduce', 'star');
    expect(star.stdout).not.toContain('all-reduce');
    expect(mesh.weights).toBe(star.weights);
  });

  it('go on reading each other when one is killed and comes back, and leave nothing in memory', async () => {
    const out = join(temporaryFolder(), 'run');
    const job = start(['train', ...settings, '--steps', '100000', '--workers', '1:3', '--out', out]);
    await job.waitFor(/all-reduce mesh/);
    const pids = () => childrenOf(job.child.pid ?? 0);
    const [first, second] = pids();
    process.kill(first ?? 0, 'SIGKILL');
    await job.waitFor(/lost worker/);
    await eventually('it is started again', () => pids().length === 3 && !pids().includes(first ?? 0));
    process.kill(second ?? 0, 'SIGKILL');
    job.child.kill('SIGKILL');
    await job.exit;
    expect(job.output()).not.toContain('all-reduce star');
    // Others may be between making a file and taking its name away.
    await eventually('no name is left', () => !readdirSync('/dev/shm').some((name) => name.startsWith('pennygrad-')));
  });
});

describe('workers that cannot read each other', () => {
  // What a container is to another one on its host: the same boot, other processes.
  containers.it('train through the coordinator, which says why', async () => {
    const out = join(temporaryFolder(), 'run');
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', ...settings, '--steps', '30', '--out', out],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    const worker = start(['worker', '--connect', endpoint, '--backend', 'wasm', '--id', 'a']);
    const contained = spawn(
      'unshare',
      [
        '--pid',
        '--fork',
        '--mount-proc',
        process.execPath,
        program,
        'worker',
        '--connect',
        endpoint,
        '--backend',
        'wasm',
        '--id',
        'b',
      ],
      { stdio: 'ignore' },
    );
    startedHere(contained);
    const { code, stdout, stderr } = await coordinator.exit;
    expect(code, stderr).toBe(0);
    expect((await worker.exit).code).toBe(0);
    expect(stdout).toMatch(/all-reduce star: worker [ab] .* cannot read the others' gradients: those of [ab]: /);
    expect(readSummary(out)).toMatchObject({ steps: 30, world_size: 2, replicas_identical: true });
  });
});
