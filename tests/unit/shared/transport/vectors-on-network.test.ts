/** Vectors that are read over real ZeroMQ sockets. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Dealer, Router } from 'zeromq';
import { parseEndpoint } from '../../../../src/shared/core/endpoint.ts';
import { systemTimers } from '../../../../src/shared/core/timers.ts';
import { decodePeerMessage, encode } from '../../../../src/shared/protocol/codec.ts';
import { maxProbedFloats, maxProbeFloats } from '../../../../src/shared/protocol/limits.ts';
import type { VectorsOnNetwork } from '../../../../src/shared/protocol/messages.ts';
import { admitBySecret, showSecret } from '../../../../src/shared/transport/secret-admission.ts';
import type { ReadOptions } from '../../../../src/shared/transport/vectors.ts';
import { createVectorsOnNetwork } from '../../../../src/shared/transport/vectors-on-network.ts';
import { eventually } from '../../../support/eventually.ts';
import { freePort } from '../../../support/free-port.ts';
import { offerFrom, openFrom, openOnly } from '../../../support/opened-vectors.ts';
import { openTcpRelay } from '../../../support/tcp-relay.ts';

/** More than one message of ZeroMQ's own buffers. */
const floats = 300_000;
const figures = [0, 8, 1.5, 6, 1, 0.25];
const secret = 'x'.repeat(32);
const attemptAt = (step: number, generation = 1) => ({ generation, step, attempt: 0 });

const wayOn = (host: string, advertised = [host]) =>
  createVectorsOnNetwork({ findReached: async () => ({ host, advertised }), timers: systemTimers });
const loopback = wayOn('127.0.0.1');

async function offer(way = loopback) {
  const own = await offerFrom(way, floats);
  onTestFinished(own.close);
  return own;
}

async function open(offered: VectorsOnNetwork, options: Partial<ReadOptions> = {}) {
  const peer = await openFrom(loopback, offered, { floats, ...options });
  onTestFinished(peer.close);
  return {
    ...peer,
    /** The first float of a slot, the last, and how many differ from them. */
    look(slot: number) {
      const target = new Float32Array(floats);
      peer.read(slot, 0, target);
      return [target[0], target.at(-1)];
    },
  };
}

/** All floats are `value`, but for the last one. */
function show(own: Awaited<ReturnType<typeof offer>>, step: number, value: number, generation = 1): void {
  const slot = step % 2;
  own.begin(slot, attemptAt(step, generation));
  own.write(slot, 200_000, new Float32Array(100_000).fill(value).fill(-value, 99_999));
  own.write(slot, 0, new Float32Array(200_000).fill(value));
  own.publish(slot, { attempt: attemptAt(step, generation), figures });
}

function valuesFrom(from: number, length: number) {
  return encode('', { type: 'values', ...attemptAt(4), slot: 0, from }, [new Float32Array(length)]);
}

function portOf({ addresses: [address = ''] }: VectorsOnNetwork): number {
  const endpoint = parseEndpoint(address);
  if (endpoint?.transport !== 'tcp' || endpoint.port === '*') throw new Error(`no port in ${address}`);
  return endpoint.port;
}

/** A writer by hand. */
async function listenWithSecret(): Promise<Router> {
  const admission = await admitBySecret(secret);
  const writer = new Router({ linger: 0, ...admission.options });
  onTestFinished(() => {
    writer.close();
    admission.close();
  });
  return writer;
}

/** Accepts who subscribes, and answers what that asks for next. */
async function answerOnce(writer: Router, answer: readonly (Float32Array | Uint8Array)[]): Promise<void> {
  const [identity = Buffer.alloc(0)] = await writer.receive();
  await writer.send([identity, ...encode('', { type: 'subscribed' })]);
  // It follows what it has opened.
  await writer.receive();
  await writer.send([identity, ...answer]);
}

describe('vectors on the network', () => {
  it('are read by all that have opened them, each when it is complete', async () => {
    const own = await offer();
    const heard = [0, 0];
    const hear = (who: number) => {
      heard[who] = (heard[who] ?? 0) + 1;
    };
    const peers = await Promise.all(heard.map((_, who) => open(own.offer, { onPublished: () => hear(who) })));
    own.begin(0, attemptAt(4));
    own.write(0, 0, new Float32Array(floats).fill(3));
    show(own, 5, 7);
    await eventually('both hear of step 5', () => peers.every((peer) => peer.published(1) !== undefined));
    for (const count of heard) expect(count).toBeGreaterThan(0);
    for (const peer of peers) {
      expect(peer.way).toBe('network');
      expect(peer.published(1)).toEqual({ attempt: attemptAt(5), figures });
      expect(peer.look(1)).toEqual([7, -7]);
      // It was written before, and nobody said that it is complete.
      expect([peer.published(0), peer.look(0)]).toEqual([undefined, [3, 3]]);
    }
  });

  it('can be read by whoever comes late: what is in the slots is sent again', async () => {
    const own = await offer();
    show(own, 4, 1);
    const peer = await open(own.offer);
    await eventually('it has come', () => peer.published(0) !== undefined);
    expect(peer.look(0)).toEqual([1, -1]);
  });

  it('belong to a generation: readers of another one get nothing of it', async () => {
    const own = await offer();
    const [older, current] = [await open(own.offer, { generation: 1 }), await open(own.offer, { generation: 2 })];
    show(own, 4, 1, 1);
    await eventually('the first has it', () => older.published(0) !== undefined);
    show(own, 5, 2, 2);
    await eventually('the second has its own', () => current.published(1) !== undefined);
    show(own, 6, 3, 2);
    await eventually('and the next', () => current.published(0) !== undefined);
    expect(older.published(0)?.attempt).toEqual(attemptAt(4, 1));
    expect(older.published(1)).toBeUndefined();
  });

  it('come again after the connection was broken in the middle, and what was published meanwhile with them', async () => {
    const own = await offer();
    const relay = await openTcpRelay({ host: '127.0.0.1', port: portOf(own.offer) });
    onTestFinished(relay.close);
    const peer = await open({ ...own.offer, addresses: [`tcp://127.0.0.1:${relay.port}`] });
    show(own, 4, 1);
    await eventually('step 4 has come', () => peer.published(0) !== undefined);
    own.begin(1, attemptAt(5));
    own.write(1, 0, new Float32Array(200_000).fill(2));
    relay.cut();
    own.write(1, 200_000, new Float32Array(100_000).fill(2));
    own.publish(1, { attempt: attemptAt(5), figures });
    relay.mend();
    await eventually('step 5 has come', () => peer.published(1) !== undefined, 10_000);
    expect(relay.count()).toBe(2);
    expect([peer.look(0), peer.look(1)]).toEqual([
      [1, -1],
      [2, 2],
    ]);
    expect(peer.published(0)?.attempt).toEqual(attemptAt(4));
  });

  it('stay readable when their writer is gone', async () => {
    const own = await offer();
    const peer = await open(own.offer);
    show(own, 4, 1);
    await eventually('it has come', () => peer.published(0) !== undefined);
    own.close();
    expect(peer.look(0)).toEqual([1, -1]);
  });

  it('are found by whichever address answers first', async () => {
    const own = await offer();
    const [address = ''] = own.offer.addresses;
    // Nobody listens on port 1.
    const peer = await open({ ...own.offer, addresses: ['tcp://127.0.0.1:1', address] });
    show(own, 4, 1);
    await eventually('it has come', () => peer.published(0) !== undefined);
  });

  it('have an address with brackets where that is of IPv6', async () => {
    const own = await offer(wayOn('::1'));
    expect(own.offer.addresses).toEqual([expect.stringMatching(/^tcp:\/\/\[::1\]:\d+$/)]);
    const peer = await open(own.offer);
    show(own, 4, 1);
    await eventually('it has come', () => peer.published(0) !== undefined);
  });

  it('are offered by all names that a process has', async () => {
    const own = await offer(wayOn('*', ['127.0.0.1', 'localhost', 'fd00::7']));
    const port = portOf(own.offer);
    expect(own.offer.addresses).toEqual([
      `tcp://127.0.0.1:${port}`,
      `tcp://localhost:${port}`,
      `tcp://[fd00::7]:${port}`,
    ]);
  });

  it.each<[string, (own: VectorsOnNetwork) => VectorsOnNetwork, Partial<ReadOptions>]>([
    ['the secret', (own) => ({ ...own, secret: 'x'.repeat(32) }), {}],
    ['the length', (own) => own, { floats: floats - 1 }],
  ])('are not shown to whoever does not know %s', async (_, change, options) => {
    const own = await offer();
    const patience = { reachMs: 5000, answerMs: 300 };
    const reading = { floats, generation: 1, patience, onPublished() {}, ...options };
    const opened = await loopback.open(change(own.offer), reading);
    expect(opened).toEqual({ problem: `nobody answers on ${own.offer.addresses[0]} for 0.3 s` });
  });

  it('are no longer read by whoever closes them just as its connection is made again', async () => {
    const own = await offer();
    const relay = await openTcpRelay({ host: '127.0.0.1', port: portOf(own.offer) });
    onTestFinished(relay.close);
    const peer = await open({ ...own.offer, addresses: [`tcp://127.0.0.1:${relay.port}`] });
    for (let count = 2; count < 6; count++) {
      relay.cut();
      relay.mend();
      await eventually('it has connected again', () => relay.count() === count);
    }
    // The connection is made by ZeroMQ's own thread meanwhile, and the news of it waits.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    peer.close();
    await new Promise((resolve) => setImmediate(resolve));
  });

  it.each<[string, (floats: number) => readonly (Uint8Array | Float32Array)[], RegExp]>([
    [
      'a part that is not in it',
      (length) => valuesFrom(length - 1, 2),
      /floats 299999 to 300001 of a part from 0 to 300000/,
    ],
    ['what is no message', () => [Buffer.from('nonsense')], /./],
    [
      'a vector that has not come',
      () => encode('', { type: 'published', ...attemptAt(4), slot: 0, figures }),
      /has not come/,
    ],
    ['floats that nobody asked for', () => encode('', { type: 'probed', probe: 0 }), /probe 0, which nobody waits for/],
    ['a probe', () => encode('', { type: 'probe', probe: 0, floats: 1 }), /is for writers/],
    ['a subscription', () => encode('', { type: 'subscribe', generation: 1, floats, parts: [] }), /is for writers/],
  ])('are not waited for where their writer sends %s', async (_, wrong, problem) => {
    const writer = await listenWithSecret();
    await writer.bind('tcp://127.0.0.1:*');
    const answering = answerOnce(writer, wrong(floats));
    let heard = 0;
    const onPublished = () => {
      heard += 1;
    };
    const peer = await open({ addresses: [writer.lastEndpoint ?? ''], secret }, { onPublished });
    await answering;
    await eventually('whoever waits is woken', () => heard > 0);
    expect(() => peer.published(0)).toThrow(problem);
    expect(() => peer.published(0)).toThrow(/^the worker on tcp:\/\/127.0.0.1:\d+ sent what none does: /);
  });

  it('are offered at the port that is asked for; where another has it, that is an error and no way less', async () => {
    const port = portOf((await offer()).offer);
    const at = (wanted: number) =>
      createVectorsOnNetwork({
        findReached: async () => ({ host: '127.0.0.1', advertised: ['alpha', '::1'], port: wanted }),
        timers: systemTimers,
      });
    await expect(at(port).offer(floats)).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(
        `^cannot listen for other workers at port ${port} on 127.0.0.1 \\(--peer-port\\): .*in use`,
      ),
    });
    const free = await freePort();
    expect((await offer(at(free))).offer.addresses).toEqual([`tcp://alpha:${free}`, `tcp://[::1]:${free}`]);
  });

  it('are offered by nobody whom no other host reaches', async () => {
    const hidden = createVectorsOnNetwork({ findReached: async () => undefined, timers: systemTimers });
    expect(await hidden.offer(1)).toEqual({
      problem: 'no other host reaches this worker; --advertise gives it a name',
    });
  });

  it('are not found where nobody listens, or under a name that nobody has', async () => {
    const reading = { floats, generation: 1, patience: { reachMs: 300, answerMs: 5000 }, onPublished() {} };
    const addresses = ['tcp://127.0.0.1:1', 'tcp://nowhere.invalid:5555'];
    const opened = await loopback.open({ addresses, secret }, reading);
    expect(opened).toEqual({
      problem: expect.stringMatching(/^nobody answers on tcp:\/\/127.0.0.1:1 for 0.3 s; .*nowhere\.invalid/),
    });
  });

  it('are not found where connections are closed again and again, nor with another secret', async () => {
    const door = createServer((socket) => void socket.on('error', () => {}).destroy()).listen(0, '127.0.0.1');
    onTestFinished(() => void door.close());
    await once(door, 'listening');
    const { offer: shown } = await offer();
    const reading = { floats, generation: 1, patience: { reachMs: 20_000, answerMs: 400 }, onPublished() {} };
    const addresses = [`tcp://127.0.0.1:${(door.address() as AddressInfo).port}`];
    for (const wrong of [
      { addresses, secret },
      { ...shown, secret },
    ]) {
      expect(await loopback.open(wrong, reading)).toEqual({
        problem: expect.stringMatching(/^nobody answers on .* for 0\.4 s$/),
      });
    }
  });

  it('say why they cannot be offered', async () => {
    // An address of no machine (RFC 5737).
    expect(await wayOn('192.0.2.1').offer(1)).toEqual({
      problem: expect.stringMatching(/^cannot listen on 192\.0\.2\.1: /),
    });
  });

  it('are no longer offered by whoever has more messages to read than it reads in one turn', async () => {
    const failures: unknown[] = [];
    const note = (error: unknown) => failures.push(error);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    for (let round = 0; round < 8; round++) {
      const own = await offer();
      const stranger = new Dealer({ linger: 0, sendHighWaterMark: 0, ...showSecret(own.offer.secret) });
      stranger.connect(`tcp://127.0.0.1:${portOf(own.offer)}`);
      for (let i = 0; i < 5000; i++) await stranger.send(['nonsense']);
      // They arrive while this process does something else.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      own.close();
      stranger.close();
      // What was rejected is told to the process after the turn in which that happened.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(failures).toEqual([]);
  });

  it('are shown to others though strangers talk nonsense, and one that asked takes nothing', async () => {
    const own = await offer();
    const port = portOf(own.offer);
    const stranger = new Dealer({ linger: 0 });
    onTestFinished(() => stranger.close());
    stranger.connect(`tcp://127.0.0.1:${port}`);
    await stranger.send(['nonsense', 'more']);
    await stranger.send(encode('', { type: 'values', ...attemptAt(4), slot: 0, from: 0 }, [new Float32Array(4)]));
    const lazy = new Dealer({ linger: 0, receiveHighWaterMark: 1, ...showSecret(own.offer.secret) });
    onTestFinished(() => lazy.close());
    lazy.connect(`tcp://127.0.0.1:${port}`);
    await lazy.send(
      encode('', { type: 'subscribe', generation: 1, floats, parts: [{ slot: 0, from: 0, to: floats }] }),
    );
    const raw = connect(port, '127.0.0.1');
    onTestFinished(() => void raw.destroy());
    // Its connection may be closed at once.
    raw.on('error', () => {});
    raw.write(Buffer.alloc(1000, 0xff));
    const peer = await open(own.offer);
    for (let step = 0; step < 40; step++) {
      show(own, step, step + 1);
      await eventually(`step ${step} has come`, () => peer.published(step % 2)?.attempt.step === step);
      expect(peer.look(step % 2)).toEqual([step + 1, -step - 1]);
    }
  });

  it('send floats that are asked for to be timed, which wake nobody', async () => {
    const own = await offer();
    let heard = 0;
    const onPublished = () => {
      heard += 1;
    };
    const peer = await openOnly(loopback, own.offer, { floats, onPublished });
    onTestFinished(peer.close);
    for (const length of [0, 1, maxProbeFloats]) await peer.probe?.(length);
    await Promise.all([peer.probe?.(7), peer.probe?.(maxProbeFloats)]);
    expect(heard).toBe(0);
    expect(peer.published(0)).toBeUndefined();
  });

  it('are read by nobody any more whose writer sends another number of floats than it was asked for', async () => {
    const writer = await listenWithSecret();
    await writer.bind('tcp://127.0.0.1:*');
    const answering = answerOnce(writer, encode('', { type: 'probed', probe: 0 }, [new Float32Array(6)]));
    const peer = await openOnly(loopback, { addresses: [writer.lastEndpoint ?? ''], secret }, { floats });
    onTestFinished(peer.close);
    void peer.probe?.(7);
    await answering;
    const look = () => {
      try {
        peer.published(0);
        return '';
      } catch (error) {
        return String(error);
      }
    };
    await eventually('it is known', () => look() !== '');
    expect(look()).toMatch(/6 floats for probe 0, expected 7/);
  });

  it('send no floats to whoever has not subscribed, and to nobody without end', async () => {
    const own = await offer();
    const reader = new Dealer({ linger: 0, receiveTimeout: 10_000, ...showSecret(own.offer.secret) });
    onTestFinished(() => reader.close());
    reader.connect(own.offer.addresses[0] ?? '');
    let asked = 0;
    const probe = (length: number) => {
      asked += 1;
      return reader.send(encode('', { type: 'probe', probe: asked, floats: length }));
    };
    const subscribe = (generation: number) =>
      reader.send(encode('', { type: 'subscribe', generation, floats, parts: [] }));
    /** How many floats come before it is told that it has subscribed. */
    async function floatsUntilSubscribed(): Promise<number> {
      for (let sum = 0; ; ) {
        const decoded = decodePeerMessage(await reader.receive(), 'member');
        if (!decoded.ok) throw new Error(decoded.detail);
        if (decoded.message.type === 'subscribed') return sum;
        for (const tensor of decoded.tensors) sum += tensor.length;
      }
    }
    await probe(1000);
    await subscribe(1);
    expect(await floatsUntilSubscribed()).toBe(0);
    // It has 2²¹, whatever it asks for, and however often it subscribes.
    const messages = maxProbedFloats / maxProbeFloats;
    for (let count = 0; count < messages + 9; count++) await probe(maxProbeFloats);
    await subscribe(1);
    expect(await floatsUntilSubscribed()).toBe(maxProbedFloats);
    for (const length of [1, maxProbeFloats]) await probe(length);
    await subscribe(2);
    expect(await floatsUntilSubscribed()).toBe(0);
    // A generation more, as many floats more.
    await probe(5);
    await subscribe(2);
    expect(await floatsUntilSubscribed()).toBe(5);
  });
});
