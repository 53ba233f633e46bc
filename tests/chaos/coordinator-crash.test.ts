/** A coordinator that is killed, or taken for dead: real processes and signals. Its remote workers go on with the next one. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, type Running, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readJsonLines, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Two epochs of 60 steps, saved only at their ends. */
const settings = [
  ...['--dataset', writeIdxFolder(1800, 100), '--epochs', '2', '--batch-size', '30', '--seed', '7'],
  ...['--metrics-port', '0', '--price', '36'],
];
const stepsOfRun = 120;

afterEach(killAll);

interface Apart {
  readonly out: string;
  readonly endpoint: string;
  readonly coordinator: Running;
  readonly workers: readonly Running[];
}

/** A coordinator at a port that is known before, and its two workers. */
async function startApart(...flags: readonly string[]): Promise<Apart> {
  const out = join(temporaryFolder(), 'run');
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const bind = ['--bind', endpoint, '--workers', '2', '--out', out];
  const coordinator = start(['coordinator', ...bind, ...settings, ...flags]);
  const workers = ['a', 'b'].map((id) =>
    start(['worker', '--connect', endpoint, '--id', id, '--backend', 'wasm', '--timeout', '60']),
  );
  return { out, endpoint, coordinator, workers };
}

function recordedSteps(out: string): readonly number[] {
  const lines = readJsonLines(join(out, 'metrics.jsonl'));
  return lines.flatMap(({ type, step }) => (type === 'step' ? Number(step) : []));
}

/** The record may be in the middle of being made. */
function hasRecorded(out: string, steps: number): boolean {
  try {
    return recordedSteps(out).length >= steps;
  } catch {
    return false;
  }
}

const all = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('a coordinator that is killed and started again', () => {
  it('finds its workers as it left them: no step is lost, and the run ends as if nothing had happened', async () => {
    const { out, endpoint, coordinator, workers } = await startApart('--timeout', '30');
    await eventually('an epoch under way', () => hasRecorded(out, 20), 60_000);
    coordinator.child.kill('SIGKILL');
    await coordinator.exit;
    expect(readdirSync(join(out, 'checkpoints'))).toEqual([]);
    const before = recordedSteps(out).length;
    for (const worker of workers)
      await worker.waitFor(/is gone; keeping step \d+ and asking for a place again for 24 s/);

    const { code, stdout, stderr } = await run(['coordinator', '--bind', endpoint, '--resume', out]);
    expect(code, stderr).toBe(0);
    // They are the same processes, and end with the run.
    for (const worker of workers) expect((await worker.exit).code).toBe(0);
    const [, kept] = (stdout + stderr).match(/going on after step (\d+), which workers have kept/) ?? [];
    // The step in flight may have been on record and not yet told to anybody.
    expect(before - Number(kept)).toBeLessThanOrEqual(1);
    expect(recordedSteps(out)).toEqual(all(stepsOfRun));
    const summary = readSummary(out);
    expect(summary).toMatchObject({ status: 'completed', steps: stepsOfRun, replicas_identical: true });
    expect(summary.epochs.map(({ samples }) => samples)).toEqual([1800, 1800]);
    expect(summary.workers.map(({ samples }) => samples)).toEqual([1800, 1800]);
    expect(summary.interruptions?.by_reason.coordinator?.count).toBe(1);
    const [interruption] = summary.interruptions?.last ?? [];
    expect(interruption).toMatchObject({ worker_id: 'coordinator', lost_steps: before - Number(kept) });
    // Both waited for it.
    expect(interruption?.wasted_seconds).toBeGreaterThan(interruption?.recovery_seconds ?? Number.POSITIVE_INFINITY);
    expect((await run(['audit', out])).code).toBe(0);

    const whole = join(temporaryFolder(), 'whole');
    expect((await run(['train', '--backend', 'wasm', ...settings, '--out', whole])).code).toBe(0);
    for (const name of ['weights.bin', 'optimizer.bin']) {
      const [ours, theirs] = [out, whole].map((folder) => readFileSync(join(lastCheckpoint(folder), name)));
      expect(ours?.equals(theirs ?? Buffer.of()), name).toBe(true);
    }
  });
});

describe('a coordinator that stood still while another process took its run', () => {
  it('writes nothing more when it wakes, and ends', async () => {
    const { out, coordinator } = await startApart('--timeout', '60');
    await eventually('an epoch under way', () => hasRecorded(out, 5), 60_000);
    coordinator.child.kill('SIGSTOP');
    // To others it is a process of another host, which they watch: it does not touch its lock.
    const [holder = ''] = readdirSync(join(out, 'lock'));
    const lock = join(out, 'lock', holder);
    writeFileSync(lock, JSON.stringify({ ...JSON.parse(readFileSync(lock, 'utf8')), host: 'elsewhere' }));
    const successor = start(['coordinator', '--bind', 'tcp://127.0.0.1:*', '--resume', out]);
    await successor.waitFor(/watching for \d+ s whether it still does/);
    await successor.waitFor(/--connect tcp:/);
    const files = ['metrics.jsonl', 'ledger.jsonl', 'samples.audit', 'config.json'];
    successor.child.kill('SIGSTOP');
    const content = () => files.map((name) => readFileSync(join(out, name), 'utf8'));
    const left = content();
    coordinator.child.kill('SIGCONT');
    const { code, stderr } = await coordinator.exit;
    expect(code).toBe(3);
    expect(stderr).toMatch(/another process has taken this run over; this one ends and writes nothing more\n/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(content()).toEqual(left);
    expect(readdirSync(out)).not.toContain('summary.json');
    expect(statSync(join(out, 'lock')).isDirectory()).toBe(true);
  });
});
