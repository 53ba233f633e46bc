/** The relay over real sockets. Only that nothing comes early is asserted of times: a busy machine may be late. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { callAtSteadySecond, steadySeconds } from '../../../../src/bench/all-reduce/delay-line.ts';
import { openDelayingRelay } from '../../../../src/bench/all-reduce/delaying-relay.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import { eventually } from '../../../support/eventually.ts';

const delaySeconds = 0.02;

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, onConnection);
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** A connection through a relay to a server. */
async function openThrough(port: number) {
  const relay = await openDelayingRelay({
    host: '127.0.0.1',
    target: { host: '127.0.0.1', port },
    delaySeconds,
    now: steadySeconds,
    callAt: callAtSteadySecond,
  });
  const socket = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
    relay.close();
  });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { relay, socket };
}

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('a relay that delays', () => {
  it('holds what is sent for the delay, there and back', async () => {
    let arrived = Number.POSITIVE_INFINITY;
    const port = await listen((peer) => {
      peer.on('error', () => {});
      peer.on('data', (bytes) => {
        arrived = steadySeconds();
        peer.write(bytes);
      });
    });
    const { socket } = await openThrough(port);
    const sent = steadySeconds();
    socket.write('ping');
    const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(String(answer)).toBe('ping');
    expect(arrived - sent).toBeGreaterThanOrEqual(delaySeconds);
    expect(steadySeconds() - arrived).toBeGreaterThanOrEqual(delaySeconds);
  });

  it('passes on every byte in order, and the end after them', async () => {
    const port = await listen((peer) => {
      peer.pipe(peer);
    });
    const { socket } = await openThrough(port);
    const random = createRandom(7);
    const bytes = Buffer.from(Uint32Array.from({ length: 500_000 }, random.uint32).buffer);
    socket.write(bytes.subarray(0, 1_000_001));
    socket.end(bytes.subarray(1_000_001));
    const returned = await readAll(socket);
    expect(returned.equals(bytes)).toBe(true);
  });

  it('holds each of many for the delay', async () => {
    const arrivals: { readonly value: number; readonly at: number }[] = [];
    const port = await listen((peer) => {
      peer.on('error', () => {});
      peer.on('data', (bytes) => {
        for (const value of bytes) arrivals.push({ value, at: steadySeconds() });
      });
    });
    const { socket } = await openThrough(port);
    const sent: number[] = [];
    for (let value = 0; value < 5; value++) {
      sent.push(steadySeconds());
      socket.write(Buffer.of(value));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('all have arrived', () => arrivals.length === 5);
    expect(arrivals.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4]);
    for (const { value, at } of arrivals) expect(at - (sent[value] ?? 0)).toBeGreaterThanOrEqual(delaySeconds);
  });

  it('closes a connection whose other end breaks', async () => {
    const port = await listen((peer) => {
      peer.on('error', () => {});
      peer.once('data', () => peer.resetAndDestroy());
    });
    const { socket } = await openThrough(port);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write('x');
    await closed;
  });

  it('says that it cannot listen', async () => {
    const options = {
      target: { host: '127.0.0.1', port: 1 },
      delaySeconds,
      now: steadySeconds,
      callAt: callAtSteadySecond,
    };
    // An address of no machine (RFC 5737).
    await expect(openDelayingRelay({ ...options, host: '192.0.2.1' })).rejects.toThrow(/192\.0\.2\.1/);
  });
});
