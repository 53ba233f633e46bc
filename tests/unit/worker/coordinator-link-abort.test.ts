/** What an abort means for a worker's link, with a real socket whose other end the test holds. */
import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/shared/core/clock.ts';
import { systemTimers } from '../../../src/shared/core/timers.ts';
import type { Body, CoordinatorMessage } from '../../../src/shared/protocol/messages.ts';
import { chunkSizes } from '../../../src/shared/protocol/state-chunks.ts';
import { bindCoordinatorSocket } from '../../../src/shared/transport/coordinator-socket.ts';
import { type CoordinatorLink, CoordinatorLost, openCoordinatorLink } from '../../../src/worker/coordinator-link.ts';
import { outcomeOf } from '../../support/outcome.ts';

type SendChunk = Awaited<ReturnType<typeof connect>>['sendChunk'];

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
    parameterBytes: 1 << 20,
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
      sendChunk: (request: number, offset: number, ...floats: readonly number[]) => {
        socket.send(peer, { type: 'chunk', request, total: 4, offset }, [Float32Array.from(floats)]);
      },
    };
  }
  throw new Error('no message');
}

const quorum = (generation: number) =>
  ({ type: 'quorum', generation, rank: 0, worldSize: 2, allReduce: 'star' }) as const;
const abort = (generation: number) => ({ type: 'abort', generation }) as const;
/** When this is here, so is whatever was sent before it. */
const report = { type: 'report-state', request: 1, extent: 'state' } as const;

/** The next order, which is the beginning of this generation. */
async function inboxOf(link: CoordinatorLink, generation: number) {
  const order = await link.nextOrder();
  if (order.type !== 'quorum' || order.generation !== generation) throw new Error(`got ${JSON.stringify(order)}`);
  return order.inbox;
}

/** A link to a coordinator that has begun the first generation. */
async function connectMember() {
  const { link, send, sendChunk } = await connect();
  link.expectState([2, 2], chunkSizes(2));
  send(quorum(1));
  return { link, send, sendChunk, inbox: await inboxOf(link, 1) };
}

describe('a refusal', () => {
  const refusal = {
    type: 'refuse',
    field: 'progress',
    expected: 'it may ask for its place again',
    actual: 'no result for 8.0 s, though it is alive',
    passing: true,
  } as const;

  it('of a member ends its wait for whatever it is, as the loss of the coordinator would', async () => {
    const { link, send, inbox } = await connectMember();
    const committed = inbox.committed(attempt);
    send(refusal);
    await expect(committed).rejects.toBeInstanceOf(CoordinatorLost);
    await expect(link.nextOrder()).rejects.toMatchObject({
      what: 'the coordinator has given this worker up',
      message: expect.stringContaining('no result for 8.0 s, though it is alive'),
    });
    expect(link.signal.aborted).toBe(true);
  });

  it('of a worker that is no member is an order', async () => {
    const { link, send } = await connect();
    send(refusal);
    expect(await link.nextOrder()).toMatchObject(refusal);
  });
});

describe('an abort', () => {
  it('ends the wait for a commit, and drops the orders that wait', async () => {
    const { link, send, inbox } = await connectMember();
    const committed = inbox.committed(attempt);
    send(assign, abort(1), report);
    await expect(committed).rejects.toThrow('the generation lost a member');
    expect(inbox.aborted.aborted).toBe(true);
    expect(link.signal.aborted).toBe(false);
    expect(await link.nextOrder()).toMatchObject({ type: 'report-state' });
  });

  it('that comes after a commit leaves that step to be applied, though nobody has read the commit yet', async () => {
    const { link, send, inbox } = await connectMember();
    send({ type: 'commit', ...attempt }, abort(1), report);
    expect(await link.nextOrder()).toMatchObject({ type: 'report-state' });
    expect(inbox.aborted.aborted).toBe(false);
    await inbox.committed(attempt);
  });

  it('of a generation that is over says nothing about the one that has begun since', async () => {
    const { link, send } = await connectMember();
    send(quorum(2));
    const inbox = await inboxOf(link, 2);
    send(assign, abort(1), report);
    expect(await link.nextOrder()).toMatchObject({ type: 'assign' });
    expect(await link.nextOrder()).toMatchObject({ type: 'report-state' });
    expect(inbox.aborted.aborted).toBe(false);
    send(abort(2));
    await expect(inbox.committed(attempt)).rejects.toThrow('the generation lost a member');
  });
});

describe('the inbox of a generation', () => {
  it('is its own: the abort of the one before it has ended waits there, and none here', async () => {
    const { link, send, inbox: before } = await connectMember();
    const ended = before.committed(attempt);
    const again = { ...attempt, generation: 2 };
    send(abort(1), quorum(2), { type: 'commit', ...again });
    await expect(ended).rejects.toThrow('the generation lost a member');
    const inbox = await inboxOf(link, 2);
    expect([before.aborted.aborted, inbox.aborted.aborted]).toEqual([true, false]);
    await inbox.committed(again);
  });

  it('keeps a commit that was not read before the next generation begins, and the next one has no part in it', async () => {
    const { link, send, inbox: before } = await connectMember();
    send({ type: 'commit', ...attempt }, abort(1), quorum(2));
    const inbox = await inboxOf(link, 2);
    await before.committed(attempt);
    expect(await outcomeOf(inbox.committed(attempt))).toBe('pending');
  });

  it('ends with the link, which begins no other generation then', async () => {
    const { link, send, inbox } = await connectMember();
    const waiting = inbox.committed(attempt);
    link.fail(new Error('the line is cut'));
    await expect(waiting).rejects.toThrow('the line is cut');
    send(quorum(2));
    await expect(link.nextOrder()).rejects.toThrow('the line is cut');
  });
});

describe('a state in chunks', () => {
  const checksum = crc32(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
  const restore = (request: number, stateChecksum: number) =>
    ({ type: 'restore', request, applied: { step: 3, generation: 1 }, optimizerIterations: 3, stateChecksum }) as const;

  it('comes with the order that it belongs to', async () => {
    const { link, send, sendChunk } = await connectMember();
    sendChunk(1, 0, 1, 2);
    sendChunk(1, 2, 3, 4);
    send(restore(1, checksum));
    expect(await link.nextOrder()).toMatchObject({
      type: 'restore',
      areLent: false,
      tensors: [Float32Array.of(1, 2), Float32Array.of(3, 4)],
    });
  });

  it.each([
    ['an abort', abort(1)],
    ['the next generation', quorum(2)],
  ])('is dropped by %s in the middle of it, and may come again', async (_, end) => {
    const { link, send, sendChunk } = await connectMember();
    sendChunk(1, 0, 9, 9);
    send(end);
    if (end.type === 'quorum') await inboxOf(link, 2);
    sendChunk(2, 0, 1, 2);
    sendChunk(2, 2, 3, 4);
    send(restore(2, checksum));
    expect(await link.nextOrder()).toMatchObject({ type: 'restore', request: 2 });
  });

  it.each([
    [
      'after a gap',
      (sendChunk: SendChunk) => sendChunk(1, 2, 1),
      'a wrong chunk of request 1: offset must be 0, got 2',
    ],
    [
      'of which the half is missing',
      (sendChunk: SendChunk) => sendChunk(1, 0, 1, 2),
      "a wrong 'restore' of request 1: all 4 floats of the state must be here before, 2 are",
    ],
  ])('ends the link where it comes %s', async (_, sendSome, problem) => {
    const { link, send, sendChunk } = await connectMember();
    link.joinRun('r', 10);
    sendSome(sendChunk);
    send(restore(1, checksum));
    await expect(link.nextOrder()).rejects.toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(new RegExp(`sent what this worker cannot accept: ${problem}$`)),
    });
  });

  it('that is asked for is not sent on after an abort', async () => {
    const { link, send } = await connectMember();
    send(report);
    const order = await link.nextOrder();
    if (order.type !== 'report-state') throw new Error(order.type);
    const taken = order.room.taken();
    send({ type: 'taken', request: 1, offset: 2 });
    expect(await taken).toBe(2);
    const never = order.room.taken();
    send(abort(1));
    await expect(never).rejects.toThrow('the generation lost a member while a state was sent');
    expect(link.signal.aborted).toBe(false);
  });
});
