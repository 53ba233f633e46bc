/** The coordinator's socket over real connections, to peers that read and peers that do not. */
import { afterEach, describe, expect, it } from 'vitest';
import { Dealer } from 'zeromq';
import { decodeCoordinatorMessage, encode } from '../../../../src/shared/protocol/codec.ts';
import type { WorkerMessage } from '../../../../src/shared/protocol/messages.ts';
import { bindCoordinatorSocket } from '../../../../src/shared/transport/coordinator-socket.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';

/** For what takes a second, or never ends. */
const deadlineMs = 30_000;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A coordinator's socket whose outboxes live in virtual time. */
async function bind() {
  const time = createVirtualTime();
  const unreachable: (readonly [peer: string, reason: string])[] = [];
  const socket = await bindCoordinatorSocket({
    bind: 'tcp://127.0.0.1:*',
    run: 'run-1',
    largestFrameBytes: 1 << 20,
    parameterBytes: 1 << 20,
    timers: time.timers,
    heartbeatMs: 1000,
    connectionMs: 60_000,
    stalledMs: 10_000,
    onUnreachable: (peer, reason) => unreachable.push([peer, reason]),
    onDisconnect() {},
  });
  closing.push(() => socket.close());
  const arrivals = socket.receive(() => false)[Symbol.asyncIterator]();

  /** A peer that keeps few messages in advance, and reads when the test does. @returns its address too */
  async function connect() {
    const dealer = new Dealer({ receiveHighWaterMark: 100, linger: 0 });
    closing.push(() => dealer.close());
    dealer.connect(socket.endpoint);
    await dealer.send(encode<WorkerMessage>('', { type: 'ping', sentUnixMs: 1 }));
    const { value } = await arrivals.next();
    if (value === undefined) throw new Error('the socket was closed');
    return { dealer, peer: (value as { peer: string }).peer };
  }
  return { time, socket, unreachable, connect };
}

/** 32 KiB: a thousand of them are more than what the system holds for a connection. */
const tensor = new Float32Array(1 << 13);

/** Posts to a peer until its connection has no room. @returns how many messages it was sent */
async function fill({ socket, time }: Awaited<ReturnType<typeof bind>>, peer: string): Promise<number> {
  for (let count = 0; count < 20_000; ) {
    for (let i = 0; i < 100; i++, count++) {
      socket.send(peer, { type: 'evaluate', request: count, split: 'test', from: 0, to: 1 }, [tensor]);
    }
    await socket.flushed();
    // The timers of a peer without room.
    if (time.pending() > 0) return count;
  }
  throw new Error('the connection takes everything');
}

async function receive(dealer: Dealer) {
  return decodeCoordinatorMessage(await dealer.receive());
}

describe('a peer that does not read', () => {
  it(
    'holds up nobody else',
    async () => {
      const party = await bind();
      const lazy = await party.connect();
      const eager = await party.connect();
      await fill(party, lazy.peer);
      for (let i = 0; i < 20; i++) {
        party.socket.send(eager.peer, { type: 'predict', request: i, count: 1 }, [tensor]);
        expect(await receive(eager.dealer)).toMatchObject({ message: { type: 'predict', request: i } });
        await party.time.advanceAsync(5);
      }
      expect(party.unreachable).toEqual([]);
    },
    deadlineMs,
  );

  it(
    'gets everything in order when it reads after all',
    async () => {
      const party = await bind();
      const { dealer, peer } = await party.connect();
      const count = await fill(party, peer);
      for (let expected = 0; expected < count; expected++) {
        expect(await receive(dealer)).toMatchObject({ message: { request: expected } });
        // Room that the reading makes is found by the retries, whose time is not the real one.
        if (expected % 10 === 9) await party.time.advanceAsync(5);
      }
      expect(party.unreachable).toEqual([]);
    },
    deadlineMs,
  );
});

it(
  'a peer that is gone is told to whoever sends to it',
  async () => {
    const { socket, unreachable } = await bind();
    socket.send('nobody', { type: 'heartbeat' });
    await socket.flushed();
    expect(unreachable).toEqual([['nobody', 'its connection is gone']]);
  },
  deadlineMs,
);
