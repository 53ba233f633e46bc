/** Workers come and go while a run trains: it goes on, and every sample of every epoch still counts once. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { auditRun } from '../../src/run-folder/audit/read-audit.ts';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { fallen, readLedgerRows } from '../support/ledger-lines.ts';
import { childrenOf, killAll, type Running, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const images = 12_000;
const batch = 48;
/** So many that the run lasts until a worker that was lost is back, or another has come. */
const untilThere = 6;
const folder = writeIdxFolder(images, 100);
const settings = [
  ...['--dataset', folder, '--batch-size', String(batch), '--model', 'mlp'],
  ...['--backend', 'wasm', '--metrics-port', '0', '--price', '3.6'],
];

afterEach(killAll);

/** What must be true of a run that completed, whatever happened to its workers. */
async function expectWhole(out: string, epochs: number): Promise<void> {
  const steps = epochs * Math.ceil(images / batch);
  expect(readSummary(out)).toMatchObject({ status: 'completed', steps, replicas_identical: true });
  expect(lastCheckpoint(out)).toMatch(new RegExp(`step-${steps}$`));
  const counted = readJsonLines(join(out, 'metrics.jsonl')).flatMap(({ type, step }) => (type === 'step' ? step : []));
  expect(counted).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
  const report = await auditRun(out);
  expect(report).toMatchObject({ proved: true, problems: [], steps });
  expect(report.epochs.map(({ once }) => once)).toEqual(Array(epochs).fill(images));
  expect(fallen(readLedgerRows(out))).toEqual([]);
}

async function trainingWith(job: Running, workers: number): Promise<readonly number[]> {
  await job.waitFor(/epoch 1\b/i);
  await eventually('the workers are there', () => childrenOf(job.child.pid ?? 0).length === workers);
  return childrenOf(job.child.pid ?? 0);
}

describe('train', () => {
  it('goes on without a worker that is killed, and takes it in again', async () => {
    const out = join(temporaryFolder(), 'run');
    const job = start(['train', ...settings, '--epochs', String(untilThere), '--workers', '1:2', '--out', out]);
    const [first = 0] = await trainingWith(job, 2);
    process.kill(first, 'SIGKILL');
    await job.waitFor(/lost worker (w[01]): killed by SIGKILL/);
    await job.waitFor(/training goes on with w[01]: a worker is ready/);
    await job.waitFor(/training goes on with w0, w1: all 2 workers are ready/);
    expect((await job.exit).code).toBe(0);
    await expectWhole(out, untilThere);
  });

  it('waits for a worker that it cannot do without, and replaces one that freezes', async () => {
    const out = join(temporaryFolder(), 'run');
    const job = start(['train', ...settings, '--epochs', '2', '--workers', '2', '--timeout', '8', '--out', out]);
    const [first = 0] = await trainingWith(job, 2);
    process.kill(first, 'SIGSTOP');
    await job.waitFor(/lost worker (w[01]): [\s\S]*waiting up to \d s for workers: 1 of 2 workers ready/);
    expect((await job.exit).code).toBe(0);
    await expectWhole(out, 2);
  });

  it('ends with code 4 and a checkpoint when a worker dies too often', async () => {
    const out = join(temporaryFolder(), 'run');
    const job = start(['train', ...settings, '--epochs', '2', '--workers', '2', '--restarts', '0', '--out', out]);
    const [first = 0] = await trainingWith(job, 2);
    process.kill(first, 'SIGKILL');
    const { code, stderr } = await job.exit;
    expect(code).toBe(4);
    expect(stderr).toMatch(/worker w[01] was lost in phase \w+: killed by SIGKILL; the checkpoint has step \d+/);
    expect(lastCheckpoint(out)).toMatch(new RegExp(`step-${readSummary(out).steps}$`));
  });
});

describe('workers of a coordinator', () => {
  it('leave after their step when they are told to, and others join in between', async () => {
    const out = join(temporaryFolder(), 'run');
    const coordinator = start([
      ...[
        'coordinator',
        '--bind',
        'tcp://127.0.0.1:*',
        '--workers',
        '1:3',
        '--epochs',
        String(untilThere),
        '--out',
        out,
      ],
      ...settings.filter((setting, index) => setting !== '--backend' && settings[index - 1] !== '--backend'),
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    const joinAs = (id: string) => start(['worker', '--connect', endpoint, '--id', id, '--backend', 'wasm']);
    const [first, second] = [joinAs('a'), joinAs('b')];
    await coordinator.waitFor(/epoch 1\b/i);
    const third = joinAs('c');
    await third.waitFor(/training as rank 2 of 3/);
    first.child.kill('SIGTERM');
    second.child.kill('SIGUSR1');
    for (const job of [first, second]) {
      const { code, stdout } = await job.exit;
      expect(code).toBe(0);
      expect(stdout).toMatch(/leaving the run after the step in flight: it got SIG(TERM|USR1)/);
    }
    for (const job of [third, coordinator]) expect((await job.exit).code).toBe(0);
    const { stdout, stderr } = await coordinator.exit;
    expect(stdout + stderr).not.toMatch(/lost worker/);
    await expectWhole(out, untilThere);
  });
});
