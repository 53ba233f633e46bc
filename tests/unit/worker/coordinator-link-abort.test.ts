/** What an abort means for a worker's link, with a real socket whose other end the test holds. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/shared/core/clock.ts';
import { systemTimers } from '../../../src/shared/core/timers.ts';
import type { Body, CoordinatorMessage } from '../../../src/shared/protocol/messages.ts';
import { bindCoordinatorSocket } from '../../../src/shared/transport/coordinator-socket.ts';
import { openCoordinatorLink } from '../../../src/worker/coordinator-link.ts';

const attempt = { generation: 1, step: 3, attempt: 0 };
const assign = { type: 'assign', ...attempt, epoch: 0, from: 0, to: 4, globalBatch: 8 } as const;
const closing: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A link that is connected, and a way to send it messages. */
async function connect() {
  const socket = await bindCoordinatorSocket({
    bind: 'tcp://127.0.0.1:*',
    run: 'r',
    largestFrameBytes: 1 << 20,
    timers: systemTimers,
    heartbeatMs: 1000,
    connectionMs: 5000,
    stalledMs: 8000,
    onUnreachable: () => {},
    onDisconnect: () => {},
  });
  closing.push(socket.close);
  const link = openCoordinatorLink({
    connect: socket.endpoint,
    family: 4,
    timeoutSeconds: 10,
    clock: systemClock,
    timers: systemTimers,
    managed: false,
    onStoodStill: () => {},
  });
  closing.push(link.close);
  link.send({ type: 'ping', sentUnixMs: 1 });
  for await (const { peer } of socket.receive(() => true)) {
    return {
      link,
      send: (...bodies: readonly Body<CoordinatorMessage>[]) => {
        for (const body of bodies) socket.send(peer, body);
      },
    };
  }
  throw new Error('no message');
}

describe('an abort', () => {
  it('ends the wait for a commit, and drops the orders that wait', async () => {
    const { link, send } = await connect();
    const committed = link.committed(attempt);
    send(assign, { type: 'abort', generation: 1 }, { type: 'report-state', request: 1, extent: 'state' });
    await expect(committed).rejects.toThrow('the generation lost a member');
    expect(link.aborted.aborted).toBe(true);
    expect(link.signal.aborted).toBe(false);
    expect(await link.nextOrder()).toMatchObject({ type: 'report-state' });
  });

  it('that comes after a commit leaves that step to be applied, though nobody has read the commit yet', async () => {
    const { link, send } = await connect();
    send(
      { type: 'commit', ...attempt },
      { type: 'abort', generation: 1 },
      { type: 'report-state', request: 1, extent: 'state' },
    );
    // When this is here, so are the others.
    expect(await link.nextOrder()).toMatchObject({ type: 'report-state' });
    expect(link.aborted.aborted).toBe(false);
    await link.committed(attempt);
  });
});
