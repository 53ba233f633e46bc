/** Whatever happens to a worker, a run that is to end with it ends within its deadline and says who, and in which phase. */

import { afterEach, describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { eventually } from '../support/eventually.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { childrenOf, isAlive, killAll, type Running, run, start } from '../support/pennygrad.ts';
import { lastCheckpoint, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = writeIdxFolder(2000, 200);
const timeout = 10;
/** What ending takes beside a deadline, on a machine that does much else. A second deadline would be longer. */
const endingSeconds = 4;
/** A run that lasts until something happens to it. */
const common = ['--dataset', folder, '--timeout', String(timeout), '--metrics-port', '0', '--on-loss', 'fail'];
const endless = [...common, '--epochs', '100000'];

afterEach(killAll);

/** Waits until training is under way, and returns the workers' process ids. */
async function training(job: Running): Promise<number[]> {
  await job.waitFor(/epoch 1\b/i);
  await eventually('two workers', () => childrenOf(job.child.pid ?? 0).length === 2);
  return childrenOf(job.child.pid ?? 0);
}

/** Seconds until the promise settles. */
async function secondsUntil(promise: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await promise;
  return (performance.now() - started) / 1000;
}

describe('a worker that fails during training', () => {
  it('is named when it is killed, at once', async () => {
    const out = temporaryFolder();
    const job = start(['train', ...endless, '--out', `${out}/run`]);
    const [, second] = await training(job);
    process.kill(second ?? 0, 'SIGKILL');
    expect(await secondsUntil(job.exit)).toBeLessThan(timeout);
    const { code, stderr } = await job.exit;
    expect(code).toBe(4);
    expect(stderr).toMatch(new RegExp(`worker w[01] \\(rank [01], pid ${second} on .*phase \\w+: killed by SIGKILL`));
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(readSummary(`${out}/run`)).toMatchObject({ status: 'failed', reason: expect.stringContaining('SIGKILL') });
  });

  it('is named when it freezes, within the deadline, and does not stay behind', async () => {
    const job = start(['train', ...endless]);
    const [first, second] = await training(job);
    process.kill(first ?? 0, 'SIGSTOP');
    expect(await secondsUntil(job.exit)).toBeLessThan(timeout + endingSeconds);
    const { code, stderr } = await job.exit;
    expect(code).toBe(4);
    expect(stderr).toMatch(
      new RegExp(`worker w[01] \\(rank [01], pid ${first} on .*phase \\w+: .*(cannot be reached|no result)`),
    );
    for (const pid of [first, second]) expect(isAlive(pid ?? 0)).toBe(false);
  });
});

describe('a coordinator', () => {
  it('gives up on workers that never arrive, and says how many', async () => {
    const { code, stderr, seconds } = await run([
      ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', '--timeout', '2'],
      ...['--dataset', folder, '--metrics-port', '0'],
    ]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/0 of 2 workers ready, 2 never arrived/);
    expect(seconds).toBeLessThan(20);
  });

  it('that is killed takes its local workers with it', async () => {
    const job = start(['train', ...endless]);
    const workers = await training(job);
    job.child.kill('SIGKILL');
    await eventually('workers end with their parent', () => workers.every((pid) => !isAlive(pid)));
  });

  it('that is killed is missed by its remote workers, who end with code 4', async () => {
    const { coordinator, workers } = await startApart();
    await coordinator.waitFor(/epoch 1\b/i);
    coordinator.child.kill('SIGKILL');
    for (const worker of workers) {
      const { code, stdout, stderr } = await worker.exit;
      expect(code).toBe(4);
      expect(stdout + stderr).toMatch(
        /coordinator at tcp:\S+ is gone; keeping step \d+ and asking for a place again for 8 s/,
      );
      expect(stderr).toMatch(
        /no word from the coordinator at tcp:\S+ for 8\.\d s; is it still running and reachable\?/,
      );
    }
  });

  it('is told by a remote worker that leaves by Ctrl-C', async () => {
    const { coordinator, workers } = await startApart();
    await coordinator.waitFor(/epoch 1\b/i);
    workers[0]?.child.kill('SIGINT');
    expect((await workers[0]?.exit)?.code).toBe(130);
    const { code, stderr } = await coordinator.exit;
    expect(code).toBe(4);
    expect(stderr).toMatch(/worker a \(rank 0, .* left during \w+: interrupted/);
  });

  it('notices within the deadline that a remote worker was killed', async () => {
    const { coordinator, workers } = await startApart();
    await coordinator.waitFor(/epoch 1\b/i);
    workers[1]?.child.kill('SIGKILL');
    expect(await secondsUntil(coordinator.exit)).toBeLessThan(timeout + endingSeconds);
    const { code, stderr } = await coordinator.exit;
    expect(code).toBe(4);
    expect(stderr).toMatch(/worker b \(rank 1, /);
  });

  it('goes on training while strangers send it garbage', async () => {
    const job = start(['train', ...common, '--epochs', '3', '--verbose']);
    const [, endpoint] = await job.waitFor(/(?:listening on|--connect) (tcp:\S+)/);
    const stranger = new Dealer({ linger: 0 });
    stranger.connect(endpoint ?? '');
    await job.waitFor(/epoch 1\b/i);
    for (let i = 0; i < 2000; i++) {
      const frames = Array.from({ length: i % 5 }, (_, k) => Buffer.alloc((i * 37 + k * 11) % 500, i & 255));
      await stranger.send(frames.length === 0 ? [Buffer.alloc(0)] : frames);
    }
    await stranger.send([Buffer.alloc(4 << 20, 7), Buffer.alloc(1 << 20)]);
    const { code, stdout } = await job.exit;
    stranger.close();
    expect(code).toBe(0);
    expect(stdout).toMatch(/frames rejected/i);
  });
});

describe('Ctrl-C', () => {
  it('finishes the step, writes a checkpoint and a summary, stops the workers and exits 130', async () => {
    const out = `${temporaryFolder()}/run`;
    const job = start(['train', ...endless, '--out', out]);
    const workers = await training(job);
    job.child.kill('SIGINT');
    const { code, stdout } = await job.exit;
    expect(code).toBe(130);
    const summary = readSummary(out);
    expect(summary).toMatchObject({ status: 'interrupted', replicas_identical: true });
    expect(summary.steps).toBeGreaterThan(0);
    expect(lastCheckpoint(out)).toMatch(new RegExp(`step-${summary.steps}$`));
    expect(stdout).toMatch(/worker/i);
    for (const pid of workers) expect(isAlive(pid)).toBe(false);
  });

  it('pressed again kills at once', async () => {
    const job = start(['train', ...endless]);
    const workers = await training(job);
    process.kill(workers[0] ?? 0, 'SIGSTOP'); // the step in flight cannot finish
    job.child.kill('SIGINT');
    await job.waitFor(/Ctrl-C again/);
    job.child.kill('SIGINT');
    // The step in flight would be given up after 8 s.
    expect(await secondsUntil(job.exit)).toBeLessThan(6);
    expect((await job.exit).code).toBe(130);
    await eventually('no worker stays behind', () => workers.every((pid) => !isAlive(pid)));
  });

  it('during the rendezvous ends the wait', async () => {
    const job = start(['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '1', ...endless]);
    await job.waitFor(/waiting for/);
    job.child.kill('SIGINT');
    expect((await job.exit).code).toBe(130);
  });
});

async function startApart(): Promise<{ coordinator: Running; workers: Running[] }> {
  const coordinator = start(['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', ...endless]);
  const [, endpoint] = await coordinator.waitFor(/(?:listening on|--connect) (tcp:\S+)/);
  const workers = ['a', 'b'].map((id) =>
    start(['worker', '--connect', endpoint ?? '', '--id', id, '--timeout', String(timeout)]),
  );
  return { coordinator, workers };
}
