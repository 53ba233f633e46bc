/** Places in a run that has not begun: whose they are, when they become free, and what waiting for one costs. */
import { afterEach, describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { pennygradVersion } from '../../src/shared/core/version.ts';
import { encode } from '../../src/shared/protocol/codec.ts';
import type { WorkerMessage } from '../../src/shared/protocol/messages.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, type Running, start } from '../support/pennygrad.ts';
import { readJsonLines, readSummary } from '../support/run-folder.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = writeIdxFolder(500, 100);
const dealers: Dealer[] = [];
afterEach(() => {
  for (const dealer of dealers.splice(0)) dealer.close();
  killAll();
});

/** Of one epoch, unless arguments say otherwise. */
async function startCoordinator(workers: number, timeout: number, args: readonly string[] = ['--epochs', '1']) {
  const coordinator = start([
    ...['coordinator', '--bind', 'tcp://127.0.0.1:*', '--workers', String(workers), '--timeout', String(timeout)],
    ...['--dataset', folder, '--metrics-port', '0', '--model', 'softmax', ...args],
  ]);
  const [, endpoint = ''] = await coordinator.waitFor(/--connect (tcp:\S+)/);
  const join = (id: string, timeoutSeconds = 60): Running =>
    start(['worker', '--connect', endpoint, '--id', id, '--backend', 'wasm', '--timeout', String(timeoutSeconds)]);
  return { coordinator, endpoint, join };
}

describe('a worker that finds its name taken', () => {
  it('gets the place when the one before it is killed, and the run counts both once', async () => {
    const { coordinator, join } = await startCoordinator(2, 60);
    const first = join('a');
    await first.waitFor(/waiting for the others/);
    const second = join('a');
    await second.waitFor(/no place in the run yet: the name a is taken; .*asking again for 48 s/);
    first.child.kill('SIGKILL');
    await second.waitFor(/waiting for the others/);
    const other = join('b');
    for (const job of [coordinator, second, other]) expect(await job.exit).toMatchObject({ code: 0 });
    const { stdout } = await coordinator.exit;
    expect(stdout.match(/joined from .*: \d of 2/g)?.map((line) => line.slice(-6))).toEqual([
      '1 of 2',
      '1 of 2',
      '2 of 2',
    ]);
  });
});

describe('a worker that is one too many', () => {
  it('gives up at its own deadline with code 4, while the run goes on', async () => {
    const { coordinator, join } = await startCoordinator(1, 60, ['--epochs', '100000']);
    const worker = join('a');
    await worker.waitFor(/training as rank 0/);
    const { code, stderr, seconds } = await join('b', 2).exit;
    expect(code).toBe(4);
    expect(stderr).toMatch(/no place in the run after 1\.6 s \(--timeout 2\): all [12] places are taken/);
    expect(seconds).toBeGreaterThan(1.6);
    coordinator.child.kill('SIGINT');
    expect((await coordinator.exit).code).toBe(130);
    expect((await worker.exit).code).toBe(0);
  });

  it('gets the place of one that says hello and nothing else', async () => {
    const { coordinator, endpoint, join } = await startCoordinator(1, 20);
    const mute = new Dealer({ linger: 0 });
    dealers.push(mute);
    mute.connect(endpoint);
    const hello = { workerId: 'mute', version: pennygradVersion, host: 'h', cpu: 'c', pid: 1, uptime: 0 };
    await mute.send(encode<WorkerMessage>('', { type: 'hello', ...hello }));
    await coordinator.waitFor(/mute joined/);
    const worker = join('a');
    await worker.waitFor(/no place in the run yet: all [12] places are taken/);
    expect((await coordinator.exit).code).toBe(0);
    expect((await worker.exit).code).toBe(0);
    expect((await coordinator.exit).stdout).toMatch(/worker mute lost: it was not ready after (8|9)\.\d s/);
  });
});

describe('a run that waits for workers', () => {
  it('counts what those that are here cost, line by line, and ends when that is its budget', async () => {
    const out = `${temporaryFolder()}/run`;
    const { coordinator, join } = await startCoordinator(2, 60, ['--price', '3600', '--budget-usd', '4', '--out', out]);
    const worker = join('a');
    const { code, stderr } = await coordinator.exit;
    expect(code).toBe(5);
    expect(stderr).toMatch(/--budget-usd 4 is reached before training began/);
    expect(await worker.exit).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/ended before it began: --budget/),
    });
    expect(readSummary(out)).toMatchObject({ status: 'interrupted', steps: 0 });
    const costs = readJsonLines(`${out}/ledger.jsonl`).map(({ cause, cost_usd }) => [
      cause,
      Math.floor(Number(cost_usd)),
    ]);
    expect(costs.at(-1)).toEqual(['end', expect.any(Number)]);
    // A dollar a second: no line is much dearer than the one before it.
    const interim = costs.filter(([cause]) => cause === 'interim').map(([, usd]) => Number(usd));
    expect(interim.length).toBeGreaterThanOrEqual(2);
    expect(interim).toEqual(interim.toSorted((a, b) => a - b));
    expect(interim.at(-1)).toBeGreaterThan(interim[0] ?? 0);
  });
});
