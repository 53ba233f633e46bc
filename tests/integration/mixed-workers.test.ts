/** Workers that are not alike, in processes of their own: what they train, and how they share the work. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, run, start } from '../support/pennygrad.ts';
import { lastParameters, maxDifference, readJsonLines, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = writeIdxFolder(333, 60);
/** Few test images, and the smallest that the CNN takes: it is slow on the cpu engine. */
const smallImages = writeIdxFolder(333, 4, 18);
const mixed = ['--worker', 'backend=cpu,price=1.2', '--worker', 'backend=wasm,price=0.05,id=fast'];

afterEach(killAll);

async function train(args: readonly string[], model = 'mlp', dataset = folder): Promise<string> {
  const out = join(temporaryFolder(), 'run');
  const { code, stderr } = await run([
    ...['train', '--dataset', dataset, '--model', model, '--epochs', '999', '--timeout', '60'],
    ...['--out', out, '--metrics-port', '0', '--quiet', ...args],
  ]);
  expect(stderr.replace(/.*workers share.*\n/, '')).toBe('');
  expect(code).toBe(0);
  return out;
}

describe('after 50 steps, workers on cpu and wasm', () => {
  it('hold the parameters that workers on cpu alone hold, with sgd', async () => {
    const common = ['--batch-size', '50', '--steps', '50', '--seed', '11', '--optimizer', 'sgd', '--lr', '0.1'];
    const expected = lastParameters(await train(['--workers', '2', '--backend', 'cpu', ...common]));
    const out = await train([...mixed, ...common]);
    expect(maxDifference(lastParameters(out), expected)).toBeLessThan(1e-4);
    const { replicas_identical, replicas_difference } = readSummary(out);
    expect(replicas_difference).toBeLessThan(1e-4);
    expect(replicas_identical).toBe(replicas_difference === 0);
  });
});

// Fewer steps of the CNN: the cpu engine takes a second for the gradient of a larger image. With Adam a seed for which no ReLU
// changes sides for a last bit, as in equivalence.test.ts.
describe('after 3 steps of the CNN, workers on cpu and wasm', () => {
  it('hold the parameters that workers on cpu alone hold, with adam', async () => {
    const common = ['--batch-size', '2', '--steps', '3', '--seed', '11', '--optimizer', 'adam', '--lr', '0.001'];
    const expected = lastParameters(await train(['--workers', '2', '--backend', 'cpu', ...common], 'cnn', smallImages));
    const out = await train([...mixed, ...common], 'cnn', smallImages);
    expect(maxDifference(lastParameters(out), expected)).toBeLessThan(1e-4);
    expect(readSummary(out).replicas_difference).toBeLessThan(1e-4);
  });
});

describe('a run on cpu and wasm', () => {
  it('gives the faster engine more, and says what each worker was', async () => {
    const common = ['--batch-size', '128', '--steps', '60', '--optimizer', 'sgd', '--lr', '0.1'];
    const out = await train([...mixed, ...common]);
    const expectedWorkers = [
      { worker_id: 'fast', rank: 0, backend: 'wasm', price_usd_per_hour: 0.05 },
      { worker_id: 'w0', rank: 1, backend: 'cpu', price_usd_per_hour: 1.2 },
    ];
    const summary = readSummary(out);
    expect(summary).toMatchObject({ backend: 'cpu+wasm', steps: 60, workers: expectedWorkers });
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'));
    expect(config.workers).toMatchObject(expectedWorkers);
    expect(config.workers.map(({ device }: { device: string }) => device)).toEqual(
      summary.workers.map(({ device }) => device),
    );

    const lines = readJsonLines(join(out, 'metrics.jsonl'));
    const [wasm = 0, cpu = 0] = lastShares(out, 128);
    expect(wasm + cpu).toBe(128);
    expect(cpu).toBeGreaterThanOrEqual(1);
    expect(wasm).toBeGreaterThan(cpu);
    const losses = lines.filter(({ type }) => type === 'step').map(({ loss }) => Number(loss));
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
    expect(summary.workers.map(({ samples }) => samples).reduce((a, b) => a + b)).toBe(20 * 333);
  });

  it('keeps even shares where it is told to', async () => {
    const out = await train([...mixed, '--balance', 'off', '--batch-size', '64', '--steps', '20']);
    const [first, second] = readSummary(out).workers;
    expect(Math.abs((first?.samples ?? 0) - (second?.samples ?? 0))).toBeLessThanOrEqual(20);
  });
});

describe('a worker that is slowed down from outside', () => {
  it('gets a smaller share of a run whose shares follow speed', async () => {
    const out = join(temporaryFolder(), 'run');
    const dataset = writeIdxFolder(5120, 100);
    const coordinator = start([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', '--dataset', dataset, '--balance', 'on'],
      ...['--batch-size', '512', '--epochs', '9', '--steps', '80', '--timeout', '120', '--out', out],
      ...['--metrics-port', '0'],
    ]);
    const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
    const workers = ['a', 'b'].map((id) => start(['worker', '--connect', endpoint, '--id', id, '--timeout', '120']));
    await coordinator.waitFor(/rank 1: worker b/);
    const release = slowDown(workers[1]?.child);
    try {
      for (const job of [coordinator, ...workers]) expect((await job.exit).code).toBe(0);
    } finally {
      release();
    }
    const [a = 0, b = 0] = lastShares(out, 512);
    // Stopped two thirds of the time; how exactly, the scheduler decides.
    expect(a / b).toBeGreaterThan(1.5);
    // Workers with the same engine stay the same bit for bit, whatever their shares.
    expect(readSummary(out)).toMatchObject({ steps: 80, replicas_identical: true, replicas_difference: 0 });
  });
});

/** The shares that a run settled on, by rank. */
/** By rank. The first ones fit what the workers measured themselves, so they may never change. */
function lastShares(out: string, batch: number): readonly number[] {
  const changes = readJsonLines(join(out, 'metrics.jsonl')).flatMap(({ worker_samples }) => worker_samples ?? []);
  const shares = changes.map((samples) => Object.values(samples as Record<string, number>));
  // Not those of the short last step of an epoch.
  return shares.filter((counts) => counts.reduce((sum, count) => sum + count, 0) === batch).at(-1) ?? [];
}

/** Stops a process for 20 ms of every 30, until the returned function is called: its time is what the test is about. */
function slowDown(child: ChildProcess | undefined): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const turn = () => {
    stopped = !stopped;
    child?.kill(stopped ? 'SIGSTOP' : 'SIGCONT');
    timer = setTimeout(turn, stopped ? 20 : 10);
  };
  turn();
  return () => {
    clearTimeout(timer);
    child?.kill('SIGCONT');
  };
}
