/** A run whose disk is full trains on, says so, keeps its last good checkpoint, and misses nothing once there is room. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { fallen, readLedgerRows } from '../support/ledger-lines.ts';
import { needs } from '../support/machine-parts.ts';
import { childrenOf, killAll, type Running, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

const { describe, it } = await needs('mount');

/** A checkpoint of the default model has 1.1 MB. */
const diskMebibytes = 16;
const dataset = writeIdxFolder(1990, 100);
let disk: SmallDisk | undefined;

afterEach(() => {
  killAll();
  disk?.unmount();
  disk = undefined;
});

interface Watched {
  readonly job: Running;
  readonly out: string;
  readonly disk: SmallDisk;
  metric(name: string): Promise<number>;
}

/** Starts a run on a disk of its own, and waits for its first checkpoint. */
async function trainOnSmallDisk(workers: string, ...flags: readonly string[]): Promise<Watched> {
  disk = mountSmallDisk(diskMebibytes);
  const out = join(disk.folder, 'run');
  const settings = [
    '--dataset',
    dataset,
    '--backend',
    'wasm',
    '--workers',
    workers,
    '--price',
    '36',
    '--metrics-port',
    '0',
  ];
  const job = start(['train', ...settings, '--epochs', '99999', '--checkpoint-every', '10', '--out', out, ...flags]);
  const [, url = ''] = await job.waitFor(/metrics at (http:\S+)/);
  await eventually('a checkpoint', () => checkpointsOf(out).some((name) => name.startsWith('step-')), 60_000);
  return {
    job,
    out,
    disk,
    async metric(name) {
      const text = await (await fetch(url)).text();
      return Number(text.match(new RegExp(`^${name}(\\{.*\\})? (\\S+)$`, 'm'))?.[2]);
    },
  };
}

const checkpointsOf = (out: string) => {
  try {
    return readdirSync(join(out, 'checkpoints'));
  } catch {
    return [];
  }
};

/** Leaves no room, until neither a checkpoint nor a line can be written. */
async function fillUp({ disk: filled, metric }: Watched): Promise<void> {
  const isFull = async () => {
    // A draft that could not be completed gives its room back.
    filled.fill();
    return (
      (await metric('pennygrad_last_checkpoint_successful')) === 0 &&
      (await metric('pennygrad_run_files_writable')) === 0
    );
  };
  await eventually('the run meets the full disk', isFull, 60_000);
}

describe('a disk that is full', () => {
  it('for a while costs the run nothing but the checkpoints of that while', async () => {
    const watched = await trainOnSmallDisk('1:2', '--keep', '3');
    const { job, out, metric } = watched;
    await fillUp(watched);
    expect(await metric('pennygrad_checkpoint_failures_total')).toBeGreaterThan(0);
    const [good, before] = [lastCheckpoint(out), await metric('pennygrad_steps_total')];
    await eventually('steps on a full disk', async () => (await metric('pennygrad_steps_total')) > before + 30, 60_000);
    expect(lastCheckpoint(out)).toBe(good);
    // Nor does it cost the run that a worker is lost meanwhile.
    process.kill(childrenOf(job.child.pid ?? 0)[0] ?? 0, 'SIGKILL');
    await job.waitFor(/lost worker w[01]: killed by SIGKILL/);
    await job.waitFor(/training goes on with w0, w1/);
    const after = await metric('pennygrad_steps_total');
    await eventually('steps after a loss', async () => (await metric('pennygrad_steps_total')) > after + 30, 60_000);

    watched.disk.empty();
    await job.waitFor(/checkpoints are written again: step-\d+/);
    await job.waitFor(/the files of the run are written again\n/);
    const isWell = async () =>
      (await metric('pennygrad_last_checkpoint_successful')) === 1 &&
      (await metric('pennygrad_run_files_writable')) === 1;
    await eventually('metrics that say so', isWell);
    job.child.kill('SIGINT');
    const { code, stderr } = await job.exit;
    expect(stderr.match(/no checkpoint at step \d+: cannot write \S+: ENOSPC.*; training goes on/g)).toHaveLength(1);
    expect(stderr).toMatch(/the last good one is step-\d+, and the next is tried\n/);
    expect(stderr).toMatch(
      /cannot write \S+\.(jsonl|audit): ENOSPC.*; training goes on, and the lines of the run wait in memory\n/,
    );
    expect(code).toBe(130);

    // Each step has its line, and no line was torn.
    const { steps } = readSummary(out);
    const trained = readJsonLines(join(out, 'metrics.jsonl')).filter(({ type }) => type === 'step');
    expect(trained.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    expect(fallen(readLedgerRows(out))).toEqual([]);
    const saved = checkpointsOf(out);
    expect(saved.every((name) => /^step-\d+$/.test(name))).toBe(true);
    expect(saved).toHaveLength(3);
    expect(lastCheckpoint(out)).toMatch(new RegExp(`step-${steps}$`));
    const resumed = await run(['train', '--resume', out, '--steps', String(steps + 5)]);
    expect(resumed.stderr).toBe('');
    expect(resumed.code).toBe(0);
    expect(checkpointsOf(out)).toHaveLength(3);
    const audited = await run(['audit', out]);
    expect(audited.code, audited.stdout).toBe(0);
  });

  it('to the end is a failure of the run, which can be resumed from its last good checkpoint', async () => {
    const watched = await trainOnSmallDisk('1');
    const { job, out } = watched;
    await fillUp(watched);
    const good = lastCheckpoint(out);
    job.child.kill('SIGINT');
    const { code, stderr } = await job.exit;
    expect(stderr).toMatch(
      /^pennygrad: cannot write \S+: ENOSPC: no space left on device, write; before that: interrupted after/m,
    );
    expect(code).toBe(3);
    expect(checkpointsOf(out).sort()).toContain(good.split('/').at(-1));
    expect(checkpointsOf(out).every((name) => /^step-\d+$/.test(name))).toBe(true);

    watched.disk.empty();
    const step = Number(good.match(/step-(\d+)$/)?.[1]);
    const resumed = await run(['train', '--resume', out, '--steps', String(step + 5)]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(lastCheckpoint(out)).toMatch(new RegExp(`step-${step + 5}$`));
  });
});
