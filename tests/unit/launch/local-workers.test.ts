import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { RestartRules } from '../../../src/launch/decide-restart.ts';
import {
  type LocalWorkers,
  launchLocalWorkers,
  type WorkerExit,
  workerEnvironment,
} from '../../../src/launch/local-workers.ts';
import { managedVariable } from '../../../src/launch/managed-variable.ts';
import type { PreemptionPlan } from '../../../src/launch/preemptions.ts';
import { createNotices } from '../../../src/launch/preemptions.ts';
import { eventually } from '../../support/eventually.ts';
import { isAlive } from '../../support/pennygrad.ts';
import { createVirtualTime } from '../../support/virtual-time.ts';

it("keeps what describes the host from a worker's environment, and drops what flags decide", () => {
  const environment = { PATH: '/bin', PENNYGRAD_BATCH_SIZE: '8', PENNYGRAD_HOME: '/data', PENNYGRAD_WASM_SIMD: 'simd' };
  expect(workerEnvironment(environment, 0)).toEqual({
    PATH: '/bin',
    PENNYGRAD_HOME: '/data',
    PENNYGRAD_WASM_SIMD: 'simd',
    [managedVariable]: '1',
  });
});

it('gives workers the named GPUs in turn', () => {
  const adapters = [0, 1, 2].map(
    (localRank) => workerEnvironment({ PENNYGRAD_WEBGPU_ADAPTER: '1,3' }, localRank).PENNYGRAD_WEBGPU_ADAPTER,
  );
  expect(adapters).toEqual(['1', '3', '1']);
});

/** As a worker says itself. */
interface Life {
  readonly id: string;
  readonly note: string;
  readonly rank: string;
  readonly pid: number;
}

const launched: LocalWorkers[] = [];
afterEach(() => {
  for (const local of launched.splice(0)) local.kill();
});

/** Real processes, which stay or end as their last argument says. Restarts and deadlines wait for `time`. */
function launch(
  ends: Readonly<Record<string, string>>,
  rules: Partial<RestartRules> = {},
  more: (localRank: number) => Readonly<Record<string, string>> = () => ({}),
  plan?: PreemptionPlan,
) {
  const time = createVirtualTime();
  const ending = new AbortController();
  const lives: Life[] = [];
  const gone: string[] = [];
  const notices: string[] = [];
  const exits: (WorkerExit & { readonly id: string })[] = [];
  const local = launchLocalWorkers({
    program: fileURLToPath(new URL('../../support/mortal-worker.mjs', import.meta.url)),
    workers: Object.entries(ends).map(([id, end], index) => ({ id, args: [`port ${9100 + index}`, end] })),
    environment: (localRank) => ({ TEST_LOCAL_RANK: String(localRank), ...more(localRank) }),
    rules: { restarts: 2, lossEndsRun: false, ...rules },
    preemptions: plan && { plan, onNotice: (id) => notices.push(id) },
    signal: ending.signal,
    clock: time.clock,
    timers: time.timers,
    onLine(_, line) {
      if (line.startsWith('{')) lives.push(JSON.parse(line));
    },
    onGone: (id) => gone.push(id),
    onExit: (id, exit) => exits.push({ id, ...exit }),
  });
  launched.push(local);
  const livesOf = (id: string) => lives.filter((life) => life.id === id);
  return {
    local,
    time,
    ending,
    exits,
    gone,
    notices,
    livesOf,
    /** Waits for the nth life of a worker, counted from 1. */
    async life(id: string, nth: number): Promise<Life> {
      await eventually(`life ${nth} of ${id}`, () => livesOf(id).length >= nth);
      return livesOf(id)[nth - 1] as Life;
    },
    ended: (count: number) => eventually(`${count} exits`, () => exits.length >= count),
  };
}

const kill = ({ pid }: Life) => process.kill(pid, 'SIGKILL');
const dead = ({ pid }: Life) => eventually(`process ${pid} ends`, () => !isAlive(pid));

describe('a local worker that dies', () => {
  it('is started again as it was, after the delay and not before, and the others stay', async () => {
    const { life, ended, exits, gone, time, livesOf } = launch({ a: 'stays', b: 'stays' });
    const other = await life('a', 1);
    const first = await life('b', 1);
    kill(first);
    await ended(1);
    expect(exits).toEqual([
      {
        id: 'b',
        reason: 'killed by SIGKILL',
        code: null,
        restart: { kind: 'restart', reason: 'its first restart', delayMs: 100, left: 1 },
      },
    ]);
    time.advance(99);
    expect(time.pending()).toBe(1);
    time.advance(1);
    const second = await life('b', 2);
    expect(second).toEqual({ id: 'b', note: 'port 9101', rank: '1', pid: expect.any(Number) });
    expect({ ...first, pid: second.pid }).toEqual(second);
    expect(second.pid).not.toBe(first.pid);

    kill(second);
    await ended(2);
    expect(exits[1]?.restart).toMatchObject({ kind: 'restart', delayMs: 200, left: 0 });
    time.advance(200);
    kill(await life('b', 3));
    await ended(3);
    expect(exits[2]?.restart.kind).toBe('exhausted');
    expect(time.pending()).toBe(0);
    expect(gone).toEqual(['b', 'b', 'b']);
    expect(livesOf('a')).toEqual([other]);
    expect(isAlive(other.pid)).toBe(true);
  });

  it('after a minute of life is started again as soon as at first', async () => {
    const { life, ended, exits, time } = launch({ a: 'stays' });
    kill(await life('a', 1));
    await ended(1);
    time.advance(100);
    const second = await life('a', 2);
    time.advance(60_000);
    kill(second);
    await ended(2);
    expect(exits[1]?.restart).toMatchObject({ delayMs: 100, left: 0 });
  });

  it('is told by its exit code and its last words, which decide whether it comes back', async () => {
    const { ended, exits, time } = launch({ failed: '3', refused: '2', left: '0' });
    await ended(3);
    const by = Object.fromEntries(exits.map(({ id, reason, code, restart }) => [id, [reason, code, restart.kind]]));
    expect(by).toEqual({
      failed: ['exited with code 3: ends with 3', 3, 'restart'],
      refused: ['exited with code 2: ends with 2', 2, 'leave'],
      left: ['exited with code 0: ends with 0', 0, 'leave'],
    });
    expect(time.pending()).toBe(1);
  });

  it('stays dead where a loss ends the run', async () => {
    const { life, ended, exits, time } = launch({ a: 'stays' }, { lossEndsRun: true });
    kill(await life('a', 1));
    await ended(1);
    expect(exits[0]?.restart.kind).toBe('leave');
    expect(time.pending()).toBe(0);
  });
});

describe('a process that cannot be started', () => {
  it('counts as one that died, once, and is tried again', async () => {
    let isShort = true;
    // More than the kernel takes in one variable.
    const { life, exits, time } = launch({ a: 'stays' }, {}, () => ({ LONG: 'x'.repeat(isShort ? 1 : 200_000) }));
    isShort = false;
    kill(await life('a', 1));
    await eventually('an exit', () => exits.length === 1);
    time.advance(100);
    expect(exits[1]).toMatchObject({ reason: 'not started: spawn E2BIG', code: null, restart: { delayMs: 200 } });
    isShort = true;
    time.advance(200);
    await life('a', 2);
    expect(exits).toHaveLength(2);
  });

  it('is told once where the system says so later', async () => {
    const node = process.execPath;
    process.execPath = '/nowhere/node';
    try {
      const { local, exits, ended } = launch({ a: 'stays' }, { restarts: 0 });
      await ended(1);
      await local.stop(1000);
      expect(exits.map(({ reason }) => reason)).toEqual(['not started: spawn /nowhere/node ENOENT']);
    } finally {
      process.execPath = node;
    }
  });
});

describe('the end of a run', () => {
  it('cancels restarts from the moment it begins, and is still told of workers that die', async () => {
    const { life, ended, ending, exits, time } = launch({ a: 'stays', b: 'stays' });
    kill(await life('a', 1));
    const other = await life('b', 1);
    await ended(1);
    expect(time.pending()).toBe(1);
    ending.abort();
    expect(time.pending()).toBe(0);
    kill(other);
    await ended(2);
    expect(exits[1]).toMatchObject({ id: 'b', restart: { kind: 'leave', reason: 'the run stops' } });
    expect(time.pending()).toBe(0);
  });

  it('stops workers that were started again, is told of none, and leaves no restart behind', async () => {
    const { life, ended, local, exits, gone, time } = launch({ a: 'stays', b: 'stays' });
    const first = await life('a', 1);
    kill(first);
    kill(await life('b', 1));
    await ended(2);
    time.advance(100);
    const [a, b] = [await life('a', 2), await life('b', 2)];
    kill(a);
    await ended(3);
    const stopped = local.stop(3000);
    // The kill of those that stay. The restart of `a` is no longer due.
    expect(time.pending()).toBe(1);
    time.advance(2999);
    expect(isAlive(b.pid)).toBe(true);
    time.advance(1);
    await stopped;
    await dead(b);
    expect(exits).toHaveLength(3);
    expect(gone).toHaveLength(4);
    expect(time.pending()).toBe(0);
  });

  it('kills what lives, and starts nothing any more', async () => {
    const { life, ended, local, exits, time } = launch({ a: 'stays', b: 'stays' });
    const other = await life('b', 1);
    kill(await life('a', 1));
    await ended(1);
    local.kill();
    await dead(other);
    expect(time.pending()).toBe(0);
    expect(exits).toHaveLength(1);
  });

  it('may begin in the answer to an exit', async () => {
    const time = createVirtualTime();
    let stopped: Promise<void> | undefined;
    const local = launchLocalWorkers({
      program: fileURLToPath(new URL('../../support/mortal-worker.mjs', import.meta.url)),
      workers: [{ id: 'a', args: ['', '3'] }],
      environment: () => ({}),
      rules: { restarts: 2, lossEndsRun: false },
      signal: new AbortController().signal,
      clock: time.clock,
      timers: time.timers,
      onLine() {},
      onGone() {},
      onExit() {
        stopped = local.stop(1000);
      },
    });
    await eventually('the exit', () => stopped !== undefined);
    await stopped;
    expect(time.pending()).toBe(0);
  });
});

describe('workers whose machines are taken away', () => {
  const plan: PreemptionPlan = { ratePerHour: 60, noticeSeconds: 5, backSeconds: 3, seed: 1 };

  it('are told to leave, and are back some time after they left, without using up a restart', async () => {
    const { time, life, exits, ended, notices, livesOf } = launch({ w0: 'drains' }, { restarts: 0 }, undefined, plan);
    const next = createNotices(plan, 0);
    for (const nth of [1, 2]) {
      await life('w0', nth);
      const afterMs = next() * 1000;
      time.advance(afterMs - 1);
      expect(notices).toHaveLength(nth - 1);
      time.advance(2);
      expect(notices).toHaveLength(nth);
      await ended(nth);
      expect(exits[nth - 1]).toMatchObject({ code: 0, restart: { kind: 'return', delayMs: 3000 } });
      time.advance(2999);
      expect(livesOf('w0')).toHaveLength(nth);
      time.advance(1);
    }
    await life('w0', 3);
  });

  it('are killed when the notice is over and they are still there', async () => {
    const { time, life, exits, ended } = launch({ w0: 'ignores' }, {}, undefined, plan);
    const first = await life('w0', 1);
    time.advance(createNotices(plan, 0)() * 1000 + 1);
    time.advance(4990);
    expect(isAlive(first.pid)).toBe(true);
    time.advance(10);
    await ended(1);
    expect(exits[0]).toMatchObject({ reason: 'killed by SIGKILL', restart: { kind: 'return' } });
  });

  it('keep them when the run ends first', async () => {
    const { time, life, notices, ending, exits, ended } = launch({ w0: 'ignores' }, {}, undefined, plan);
    const first = await life('w0', 1);
    ending.abort();
    time.advance(3_600_000);
    expect(notices).toEqual([]);
    kill(first);
    await ended(1);
    expect(exits[0]).toMatchObject({ restart: { kind: 'leave' } });
  });
});
