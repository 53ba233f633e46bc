/** A real control plane asked over a real socket, and what its answers are taken to mean. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../../src/coordinator/control-plane.ts';
import type { RunEvent } from '../../../src/coordinator/run-events.ts';
import { checkCoordinator } from '../../../src/doctor/checks/check-coordinator.ts';
import { linkTimes } from '../../../src/doctor/facts/clock-offset.ts';
import { pingCoordinator } from '../../../src/doctor/facts/ping-coordinator.ts';
import { processorSeconds, systemClock } from '../../../src/shared/core/clock.ts';
import { systemTimers } from '../../../src/shared/core/timers.ts';
import { runWorker } from '../../../src/worker/run-worker.ts';
import { toyDataset, toyProvider } from '../../support/toy-engine.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function coordinator(clockAheadMs: number): Promise<{ control: ControlPlane; events: RunEvent[] }> {
  const events: RunEvent[] = [];
  const control = await openControlPlane({
    bind: 'tcp://127.0.0.1:*',
    run: 'run-1',
    fleet: { min: 1, max: 1 },
    onLoss: 'fail',
    timeoutSeconds: 5,
    checksumEvery: 1,
    identity: {
      version: '1',
      datasetDigest: 'toy',
      seed: 1,
      model: { name: 'softmax', inputShape: [1, 1, 1], classes: 2 },
    },
    parameterCount: 2,
    startedAt: systemClock.now(),
    datasetName: 'toy',
    optimizer: { name: 'sgd', learningRate: 0.5 },
    defaultPriceUsdPerHour: undefined,
    expectedIds: undefined,
    allReduce: 'star',
    timers: systemTimers,
    clock: { now: systemClock.now, unixMs: () => Date.now() + clockAheadMs },
    observe: (event) => events.push(event),
  });
  open.push(control);
  return { control, events };
}

async function listener(): Promise<{ port: number; close(): Promise<void> }> {
  const connections: Socket[] = [];
  const server = createServer((socket) => connections.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close() {
      for (const connection of connections) connection.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const options = { pings: 3, timeoutMs: 5000 };

describe('the arithmetic of four timestamps', () => {
  it('finds the offset exactly when both ways take as long', () => {
    // Their clock is 500 ms ahead; 10 ms each way, 3 ms to answer.
    const times = linkTimes([{ sentMs: 1000, receivedMs: 1510, answeredMs: 1513, returnedMs: 1023 }]);
    expect(times).toEqual({
      roundTripMedianMs: 20,
      roundTripMinMs: 20,
      clockOffsetMs: 500,
      clockOffsetErrorMs: 11,
    });
  });

  it.each([
    [0, 40],
    [40, 0],
    [7, 13],
  ])('bounds the error when it takes %i ms there and %i ms back', (there, back) => {
    const offset = -86_400_000;
    const receivedMs = 5000 + there + offset;
    const { clockOffsetMs, clockOffsetErrorMs } = linkTimes([
      { sentMs: 5000, receivedMs, answeredMs: receivedMs + 2, returnedMs: 5000 + there + 2 + back },
    ]);
    expect(Math.abs(clockOffsetMs - offset)).toBeLessThanOrEqual(clockOffsetErrorMs);
  });

  it('trusts the fastest exchange, and reports the middle one', () => {
    const slow = { sentMs: 0, receivedMs: 90, answeredMs: 90, returnedMs: 100 };
    const fast = { sentMs: 200, receivedMs: 201, answeredMs: 201, returnedMs: 202 };
    const middling = { sentMs: 300, receivedMs: 310, answeredMs: 310, returnedMs: 312 };
    expect(linkTimes([slow, fast, middling])).toEqual({
      roundTripMedianMs: 12,
      roundTripMinMs: 2,
      clockOffsetMs: 0,
      clockOffsetErrorMs: 2,
    });
  });
});

describe('a coordinator', () => {
  it('answers before its run has begun, and gives the stranger no place in it', async () => {
    const { control, events } = await coordinator(0);
    const facts = await pingCoordinator(control.endpoint, options);
    expect(facts).toMatchObject({ answered: true, version: '1', pings: 3 });
    expect(checkCoordinator(facts, '1')).toMatchObject({ name: 'coordinator', line: /round trip/ });
    expect(events).toEqual([]);
  });

  it('answers during a run', async () => {
    const { control, events } = await coordinator(0);
    const worker = runWorker(
      {
        connect: control.endpoint,
        workerId: 'w0',
        version: '1',
        cpu: 'a CPU',
        timeoutSeconds: 5,
        expected: {},
        signal: new AbortController().signal,
      },
      {
        clock: systemClock,
        timers: systemTimers,
        uptime: () => 0,
        loadDataset: async () => toyDataset(50),
        ipFamilyOf: async () => 4,
        log() {},
        selectEngine: async () => ({ provider: toyProvider(), reason: 'toy' }),
        sleep,
        processorSeconds,
        readGpu: async () => undefined,
      },
    );
    await control.nextGeneration();
    expect(await pingCoordinator(control.endpoint, options)).toMatchObject({ answered: true, pings: 3 });
    await control.close();
    await worker;
    expect(events.filter(({ type }) => type === 'frame-rejected' || type === 'worker-refused')).toEqual([]);
  });

  it.each([5000, -5000])('whose clock is off by %i ms is found out', async (ahead) => {
    const { control } = await coordinator(ahead);
    const facts = await pingCoordinator(control.endpoint, options);
    if (!facts.answered) throw new Error(facts.problem);
    expect(Math.abs(facts.clockOffsetMs - ahead)).toBeLessThanOrEqual(facts.clockOffsetErrorMs);
    const check = checkCoordinator(facts, '1');
    expect(check).toMatchObject({ status: 'warn', remedy: expect.stringContaining('NTP') });
    expect(check.line).toContain(ahead > 0 ? 'ahead of' : 'behind');
  });

  it('of another version would refuse a worker: that fails', async () => {
    const { control } = await coordinator(0);
    const check = checkCoordinator(await pingCoordinator(control.endpoint, options), '2');
    expect(check).toMatchObject({ status: 'fail', remedy: expect.stringMatching(/install 1 here, or 2 there/) });
  });
});

describe('an address without a coordinator', () => {
  it('that nobody listens on', async () => {
    const { port, close } = await listener();
    await close();
    const facts = await pingCoordinator(`tcp://127.0.0.1:${port}`, options);
    expect(facts).toMatchObject({ answered: false, problem: 'nothing listens on that port' });
    expect(checkCoordinator(facts, '1')).toMatchObject({ status: 'fail', remedy: expect.stringContaining('--bind') });
  });

  it('that takes connections and says nothing', async () => {
    const silent = await listener();
    open.push(silent);
    const facts = await pingCoordinator(`tcp://127.0.0.1:${silent.port}`, { pings: 3, timeoutMs: 300 });
    expect(facts).toMatchObject({ answered: false, problem: expect.stringContaining('does not answer') });
  });

  it('whose host does not exist, and one that is malformed', async () => {
    expect(await pingCoordinator('tcp://no-such-host.invalid:5555', options)).toMatchObject({ answered: false });
    expect(await pingCoordinator('nonsense://x', options)).toMatchObject({ answered: false });
  });
});
