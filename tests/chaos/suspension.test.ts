/**
 * Processes that are suspended, as by Ctrl-Z, `docker pause` or a closed lid, for longer than `--timeout`. Who slept holds
 * nothing against the others; who sleeps alone is missed by them within the deadline.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { childrenOf, killAll, type Running, run, start } from '../support/pennygrad.ts';
import { readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = writeIdxFolder(1000, 100);
/** `--timeout` in seconds: short, but long enough to start all that a run needs on this machine now. */
let timeout = 5;
let suspendedSeconds: number;
const endless = () => [
  ...['--dataset', folder, '--timeout', String(timeout), '--metrics-port', '0', '--epochs', '100000'],
  ...['--model', 'softmax', '--on-loss', 'fail'],
];

beforeAll(async () => {
  // A run's three processes begin at once as well, and load more than these.
  const starts = await Promise.all([1, 2, 3].map(() => run(['--version'])));
  const slowest = Math.max(...starts.map(({ seconds }) => seconds));
  timeout = Math.min(30, Math.max(timeout, Math.ceil(10 * slowest)));
  suspendedSeconds = timeout * 1.3;
});

/** Nobody may wait for good, but `--timeout` may be long on a busy machine. */
const patience = { timeout: 400_000 };

/** Processes that a test stopped, which would outlive it otherwise. */
const stopped = new Set<number>();
afterEach(() => {
  for (const pid of stopped) signal(pid, 'SIGCONT');
  stopped.clear();
  killAll();
});

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Time is what this is about: nobody may take a sleeper of this length for dead. */
async function suspend(pids: readonly number[], seconds = suspendedSeconds): Promise<void> {
  for (const pid of pids) stopped.add(pid);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  await sleep(seconds * 1000);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
}

/** The standstills as long as a suspension that a process tells of: on a busy machine it may get no processor for shorter ones. */
function toldSuspensions(printed: string): readonly number[] {
  const told = printed.matchAll(
    /this process (?:had stood still|was suspended, or got no processor,) for (\d+\.\d) s/g,
  );
  return [...told].map(([, seconds]) => Number(seconds)).filter((seconds) => seconds >= suspendedSeconds - 0.1);
}

/** What ending in order takes on this machine now, in seconds: at least what the program takes to say its version. */
async function endingSeconds(): Promise<number> {
  return 1 + (await run(['--version'])).seconds;
}

const epochsOf = (job: Running) => job.output().match(/epoch \d+\/100000/g)?.length ?? 0;

/** Epochs end that had not ended yet. */
async function trainsOn(job: Running): Promise<void> {
  await job.waitFor(new RegExp(`(epoch \\d+/100000[^]*?){${epochsOf(job) + 3}}`));
}

const pidOf = ({ child }: Running) => child.pid ?? 0;

async function startApart(): Promise<{ readonly coordinator: Running; readonly workers: readonly Running[] }> {
  const coordinator = start(['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', '2', ...endless()]);
  const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
  const workers = ['a', 'b'].map((id) =>
    start(['worker', '--connect', endpoint, '--id', id, '--backend', 'wasm', '--timeout', String(timeout)]),
  );
  await trainsOn(coordinator);
  return { coordinator, workers };
}

describe('a run on this host', patience, () => {
  it.each([
    ['the command alone, as by Ctrl-Z: its workers are in groups of their own', false],
    ['the command and its workers together', true],
  ])('goes on after %s', async (_, together) => {
    const out = `${temporaryFolder()}/run`;
    const job = start(['train', '--workers', '2', '--backend', 'wasm', ...endless(), '--out', out]);
    await trainsOn(job);
    await suspend([pidOf(job), ...(together ? childrenOf(pidOf(job)) : [])]);
    await trainsOn(job);
    job.child.kill('SIGINT');
    const { code, stderr } = await job.exit;
    expect(code).toBe(130);
    expect(readSummary(out)).toMatchObject({ status: 'interrupted', replicas_identical: true });
    expect(toldSuspensions(stderr)).toHaveLength(1);
    expect(stderr).not.toMatch(/lost/);
  });
});

describe('a run whose workers are apart', patience, () => {
  it('goes on after all of it slept, and every process says so once', async () => {
    const { coordinator, workers } = await startApart();
    const all = [coordinator, ...workers];
    await suspend(all.map(pidOf));
    await trainsOn(coordinator);
    coordinator.child.kill('SIGINT');
    for (const job of all) {
      const { code, stdout, stderr } = await job.exit;
      expect(code).toBe(job === coordinator ? 130 : 0);
      expect(toldSuspensions(stdout + stderr)).toHaveLength(1);
    }
  });

  it('finds within the deadline that one of them sleeps alone, which learns it when it wakes', async () => {
    const { coordinator, workers } = await startApart();
    const [sleeper] = workers;
    if (sleeper === undefined) throw new Error('a worker');
    const began = performance.now();
    const sleeping = suspend([pidOf(sleeper)], timeout * 1.5);
    const { code, stderr } = await coordinator.exit;
    const seconds = (performance.now() - began) / 1000;
    expect(seconds).toBeLessThan(timeout + (await endingSeconds()));
    expect(code).toBe(4);
    expect(stderr).toMatch(/worker a \(rank 0, .*(cannot be reached|no result)/);
    await sleeping;
    const exit = await sleeper.exit;
    expect(exit.code).toBe(4);
    expect(toldSuspensions(exit.stdout + exit.stderr)).not.toHaveLength(0);
  });

  it('is missed by its workers when its coordinator sleeps alone', async () => {
    const { coordinator, workers } = await startApart();
    stopped.add(pidOf(coordinator));
    const began = performance.now();
    process.kill(pidOf(coordinator), 'SIGSTOP');
    for (const worker of workers) {
      const { code, stderr } = await worker.exit;
      expect(code).toBe(4);
      const [, silence] = stderr.match(/no word from the coordinator at tcp:\S+ for (\d+\.\d) s/) ?? [];
      expect(Number(silence)).toBeGreaterThanOrEqual(0.8 * timeout);
      expect(Number(silence)).toBeLessThanOrEqual(timeout);
    }
    const seconds = (performance.now() - began) / 1000;
    // As long as they wait for a word, they ask for their places again.
    expect(seconds).toBeLessThan(2 * 0.8 * timeout + (await endingSeconds()));
  });
});
