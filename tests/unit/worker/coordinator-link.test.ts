/** How long a worker waits for a coordinator that says nothing, in virtual time; its socket is real, and nobody answers. */
import { afterEach, describe, expect, it } from 'vitest';
import type { WorkerSocket } from '../../../src/shared/transport/worker-socket.ts';
import { type CoordinatorLink, openCoordinatorLink } from '../../../src/worker/coordinator-link.ts';
import { freePort } from '../../support/free-port.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { createSuspendableTime } from '../../support/suspendable-time.ts';

const opened: CoordinatorLink[] = [];
afterEach(async () => {
  for (const link of opened.splice(0)) await link.close();
});

/** With a timeout of 10 s a coordinator may be silent for 8 s. */
async function connect(managed = false, connectSocket?: () => WorkerSocket) {
  const time = createSuspendableTime();
  const sleeps: number[] = [];
  const link = openCoordinatorLink({
    connect: `tcp://127.0.0.1:${await freePort()}`,
    family: 4,
    timeoutSeconds: 10,
    clock: time.clock,
    timers: time.timers,
    managed,
    connectSocket,
    onStoodStill: (seconds) => sleeps.push(seconds),
  });
  opened.push(link);
  const order = link.nextOrder();
  order.catch(() => {});
  return { time, sleeps, link, order };
}

describe('a worker whose coordinator says nothing', () => {
  it('gives up at the deadline', async () => {
    const { time, order, sleeps } = await connect();
    time.advance(8000);
    expect(await outcomeOf(order)).toBe('pending');
    time.advance(1000);
    expect(await outcomeOf(order)).toMatchObject({ error: expect.stringMatching(/no word from .* for 9\.0 s; is it/) });
    expect(sleeps).toEqual([]);
  });

  it('does not count the time in which it was suspended itself, and says once that it was', async () => {
    const { time, order, sleeps } = await connect();
    time.advance(3000);
    time.suspend(3600);
    time.advance(6000);
    expect(await outcomeOf(order)).toBe('pending');
    expect(sleeps).toEqual([3601]);
    time.advance(3000);
    expect(await outcomeOf(order)).toMatchObject({ error: expect.stringContaining('no word from') });
    expect(sleeps).toEqual([3601]);
  });

  it('does not mention a pause too short for anybody to be given up', async () => {
    const { time, sleeps } = await connect();
    time.suspend(3.9);
    time.advance(1000);
    time.suspend(4);
    time.advance(1000);
    expect(sleeps).toEqual([5]);
  });

  it('waits for as long as its parent lives, if that is the coordinator', async () => {
    const { time, order } = await connect(true);
    time.advance(3_600_000);
    expect(await outcomeOf(order)).toBe('pending');
  });

  it('hears in heartbeats whom the worker waits for, four of them at most, and no longer when that is over', async () => {
    const sent: unknown[] = [];
    const socket: WorkerSocket = {
      joinRun() {},
      send: (body) => sent.push(body),
      sendLater() {},
      async *receive() {},
      flushed: async () => {},
      close() {},
    };
    const { time, link } = await connect(true, () => socket);
    const beat = () => {
      time.advance(1000);
      return sent.splice(0);
    };
    expect(beat()).toEqual([]);
    link.joinRun('run-1', 10);
    expect(beat()).toEqual([{ type: 'heartbeat' }]);
    link.setAwaited(() => ['w1', 'w2', 'w3', 'w4', 'w5']);
    expect(beat()).toEqual([{ type: 'heartbeat', awaited: ['w1', 'w2', 'w3', 'w4'] }]);
    link.setAwaited(() => []);
    expect(beat()).toEqual([{ type: 'heartbeat' }]);
  });

  it('is bound by the timeout of the run once it has joined', async () => {
    const { time, order, link } = await connect();
    link.joinRun('run-1', 100);
    time.advance(80_000);
    expect(await outcomeOf(order)).toBe('pending');
    time.advance(5000);
    expect(await outcomeOf(order)).toMatchObject({ error: expect.stringContaining('no word from') });
  });
});
