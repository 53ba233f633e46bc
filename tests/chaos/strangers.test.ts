/** What anyone who reaches the port can make a coordinator process do: nothing that costs it memory, time or money. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { pingCoordinator } from '../../src/doctor/facts/ping-coordinator.ts';
import { pennygradVersion as version } from '../../src/shared/core/version.ts';
import { encode } from '../../src/shared/protocol/codec.ts';
import type { WorkerMessage } from '../../src/shared/protocol/messages.ts';
import { writeIdxFolder } from '../support/idx-folder.ts';
import { killAll, start, startedHere } from '../support/pennygrad.ts';
import { connectRawPeer } from '../support/raw-peer.ts';
import { lastCheckpoint, readSummary } from '../support/run-folder.ts';
import { sharedGraph } from '../support/shared-graph.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const dataset = writeIdxFolder(200, 50);

afterEach(killAll);

/** Resident memory of a process, in bytes, by the kernel's own account. */
function residentBytes(pid: number | undefined): number {
  const [, kibibytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB$/m) ?? [];
  return Number(kibibytes) * 1024;
}

async function startCoordinator(...flags: readonly string[]) {
  const out = `${temporaryFolder()}/run`;
  const common = ['--dataset', dataset, '--metrics-port', '0', '--workers', '1', '--epochs', '1', '--out', out];
  const coordinator = start(['coordinator', '--bind', 'tcp://127.0.0.1:*', ...common, ...flags]);
  const [, endpoint = ''] = await coordinator.waitFor(/(?:listening on|--connect) (tcp:\S+)/);
  return {
    coordinator,
    out,
    endpoint,
    port: Number(endpoint.slice(endpoint.lastIndexOf(':') + 1)),
    answers: async () => (await pingCoordinator(endpoint, { pings: 1, timeoutMs: 5000 })).answered,
    /** The run as it should go: one worker comes and trains. */
    async train() {
      const worker = start(['worker', '--connect', endpoint, '--id', 'honest']);
      expect((await worker.exit).code).toBe(0);
      expect((await coordinator.exit).code).toBe(0);
    },
  };
}

it('frames of 50 MB that never end a message cost no memory', async () => {
  const { coordinator, port, answers, train } = await startCoordinator('--timeout', '60');
  const before = residentBytes(coordinator.child.pid);
  let refused = 0;
  for (let i = 0; i < 12; i++) {
    const peer = await connectRawPeer('127.0.0.1', port);
    for (let frame = 0; frame < 5; frame++) if (!(await peer.sendFrame(50_000_000))) refused += 1;
    peer.close();
  }
  expect(refused).toBeGreaterThanOrEqual(12);
  expect(await answers()).toBe(true);
  expect(residentBytes(coordinator.child.pid) - before).toBeLessThan(60e6);
  await train();
});

it('frames that the model could have cost what they weigh, until their connection is closed', async () => {
  const { coordinator, port, answers } = await startCoordinator('--timeout', '60');
  const before = residentBytes(coordinator.child.pid);
  const peer = await connectRawPeer('127.0.0.1', port);
  // The parameters of the default model in one frame; one float more is too much.
  const largest = 93_322 * 4;
  for (let frame = 0; frame < 60; frame++) expect(await peer.sendFrame(largest)).toBe(true);
  expect(await answers()).toBe(true);
  expect(residentBytes(coordinator.child.pid) - before).toBeLessThan(60 * largest + 60e6);
  await peer.sendFrame(largest + 4);
  await peer.closed;
  expect(await answers()).toBe(true);
});

it('messages that nobody has read when their connection breaks end no process', async () => {
  const { port, train } = await startCoordinator('--timeout', '60');
  for (let i = 0; i < 100; i++) await (await connectRawPeer('127.0.0.1', port)).sendUnreadAndBreak();
  await train();
});

it('nor a worker that listens for others', async () => {
  const program = fileURLToPath(new URL('../support/offer-on-network.mjs', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  startedHere(child);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const port = Number(new URL(line).port);
  for (let i = 0; i < 100; i++) await (await connectRawPeer('127.0.0.1', port)).sendUnreadAndBreak();
  // Rejects where nobody listens any more.
  (await connectRawPeer('127.0.0.1', port)).close();
  expect(child.signalCode).toBe(null);
});

it('headers that a decoder would work on for good are dropped, with or without a hello', async () => {
  const { coordinator, endpoint, answers, train } = await startCoordinator('--timeout', '60', '--verbose');
  const bomb = sharedGraph({ levels: 12, fanOut: 10, members: 50 });
  expect(bomb).toHaveLength(1141);
  const stranger = new Dealer({ linger: 0 });
  stranger.connect(endpoint);
  for (let i = 0; i < 20; i++) await stranger.send([bomb]);
  expect(await answers()).toBe(true);
  const hello = { type: 'hello', workerId: 'x', version, host: 'h', cpu: 'c', pid: 1, uptime: 1 } as const;
  await stranger.send(encode<WorkerMessage>('', hello).map((frame) => Buffer.from(frame as Uint8Array)));
  await stranger.send([bomb]);
  // The place that it had is free again.
  await coordinator.waitFor(/worker x lost: it sent something that is not understood: an extension/);
  expect(await answers()).toBe(true);
  stranger.close();
  await train();
});

it('a hello with an uptime of ten years, at the highest price, puts nothing on the bill', async () => {
  const { endpoint, out, train } = await startCoordinator('--timeout', '60', '--price', '1', '--budget-usd', '100');
  const prices = [10_000, 1000, 10_001, 1.7e308, Number.NaN];
  for (const [i, priceUsdPerHour] of prices.entries()) {
    const stranger = new Dealer({ linger: 500 });
    stranger.connect(endpoint);
    const uptime = 10 * 365 * 24 * 3600;
    const hello = {
      type: 'hello',
      workerId: `x${i}`,
      version,
      host: 'h',
      cpu: 'c',
      pid: 1,
      uptime,
      priceUsdPerHour,
    } as const;
    const leave = { type: 'leave', code: 'interrupted', phase: 'load', reason: 'bye' } as const;
    for (const body of [hello, leave]) {
      await stranger.send(encode<WorkerMessage>('', body).map((frame) => Buffer.from(frame as Uint8Array)));
    }
    stranger.close();
  }
  await train();
  const { cost_usd_total, former_workers_cost_usd } = readSummary(out);
  expect(cost_usd_total).toBeGreaterThan(0);
  expect(cost_usd_total).toBeLessThan(0.1);
  expect(former_workers_cost_usd).toBe(0);
  expect(readFileSync(`${out}/ledger.jsonl`, 'utf8')).not.toMatch(/"worker":"x/);
  expect(lastCheckpoint(out)).toBeDefined();
});
