/**
 * Vectors that processes read of each other over ZeroMQ. Whoever offers listens on a ROUTER, and sends what it writes to all who
 * have asked with the right secret. Whoever reads keeps a copy, so a vector that was complete here can be read even when its
 * writer is dead.
 *
 * A connection that breaks is made again, and all that is in the slots is sent again. A part that came before is not new.
 */
import { randomBytes } from 'node:crypto';
import { Dealer, Router } from 'zeromq';
import { createDeferred } from '../core/deferred.ts';
import { parseEndpoint, tcpEndpoint } from '../core/endpoint.ts';
import { badInput, messageOf, PennygradError } from '../core/errors.ts';
import { createRandom } from '../core/random.ts';
import type { Timers } from '../core/timers.ts';
import { decodePeerMessage, encode } from '../protocol/codec.ts';
import { frameBytesFor, maxProbeFloats, maxStrangerHeaderBytes } from '../protocol/limits.ts';
import type { Body, MessageOf, VectorsOnNetwork } from '../protocol/messages.ts';
import type { PeerMessage } from '../protocol/peer-messages.ts';
import { createAskedProbes } from './asked-probes.ts';
import type { PeerId } from './coordinator-socket.ts';
import { byteLength, type Frames } from './frames.ts';
import { ipFamilyOf } from './ip-family.ts';
import { createMessageMemory, type MessageMemory } from './message-memory.ts';
import { createOutboxes, outboxLimits } from './outboxes.ts';
import { createReceivedSlots } from './received-slots.ts';
import { admitBySecret, type SecretAdmission, showSecret } from './secret-admission.ts';
import { attemptOf, createShownSlots, partsFor, type Shown } from './shown-slots.ts';
import { socketOptions } from './socket-options.ts';
import { createVectorReaders } from './vector-readers.ts';
import type { PeerVectors, Problem, ReadOptions, SlotPart, VectorWay, VectorWriter } from './vectors.ts';

/** Where a process is reached. */
export interface Reached {
  /** The address that it listens on; `*` for all. */
  readonly host: string;
  /** Names or addresses by which others reach it. */
  readonly advertised: readonly string[];
  /** The port that it listens on; one that the system chooses unless given. */
  readonly port?: number | undefined;
}

export interface NetworkOptions {
  /** Finds out where this process is reached; undefined where nobody else is to reach it. Asked when vectors are offered. */
  readonly findReached: () => Promise<Reached | undefined>;
  readonly timers: Timers;
}

const connections = {
  /** A connection that answers no ping for so long is made again. Whether a member is lost, the coordinator decides. */
  heartbeatInterval: 1000,
  heartbeatTimeout: 5000,
  /** The system itself would try once a minute in the end, and a link that is mended should be used at once. */
  connectTimeout: 1500,
  linger: 0,
} as const;

export function createVectorsOnNetwork(options: NetworkOptions): VectorWay<VectorsOnNetwork> {
  const memory = createMessageMemory();
  return {
    async offer(floats) {
      try {
        const reached = await options.findReached();
        if (reached === undefined) throw new Error('no other host reaches this worker; --advertise gives it a name');
        return { own: await offerVectors(reached, options.timers, floats) };
      } catch (error) {
        // Whoever has opened a port for it waits for nothing on another.
        if (error instanceof PennygradError && error.code === 'bad-input') throw error;
        return { problem: messageOf(error) };
      }
    },
    open: (offer, reading) => openFirst(offer, reading, { timers: options.timers, memory }),
  };
}

/** Random, so that no tunnel makes them shorter than gradients. */
function randomFloats(length: number): Float32Array {
  const random = createRandom(1);
  return Float32Array.from({ length }, () => random.float());
}

interface Listening {
  readonly socket: Router;
  readonly admission: SecretAdmission;
}

/** @throws bad-input when the port that was asked for cannot be listened on */
async function listen({ host, port: wantedPort }: Reached, secret: string): Promise<Listening> {
  const listening = tcpEndpoint(host, wantedPort ?? '*');
  const family = await ipFamilyOf(listening);
  const admission = await admitBySecret(secret);
  const socket = new Router({
    ...socketOptions(maxStrangerHeaderBytes),
    ...connections,
    ...admission.options,
    ipv6: family === 6,
    // Tells of a reader that is gone.
    mandatory: true,
  });
  try {
    await socket.bind(listening);
    return { socket, admission };
  } catch (error) {
    socket.close();
    admission.close();
    if (wantedPort === undefined) throw new Error(`cannot listen on ${host}: ${messageOf(error)}`);
    const where = host === '*' || host === '::' ? '' : ` on ${host}`;
    throw badInput(`cannot listen for other workers at port ${wantedPort}${where} (--peer-port): ${messageOf(error)}`);
  }
}

/** @throws as `listen` does */
async function offerVectors(
  reached: Reached,
  timers: Timers,
  floats: number,
): Promise<VectorWriter & { readonly offer: VectorsOnNetwork }> {
  const secret = randomBytes(16).toString('hex');
  const { socket, admission } = await listen(reached, secret);
  const bound = parseEndpoint(socket.lastEndpoint ?? '');
  const port = bound?.transport === 'tcp' ? bound.port : 0;
  const slots = createShownSlots(floats);
  const toProbe = randomFloats(maxProbeFloats);
  const readers = createVectorReaders<PeerId>();
  const outboxes = createOutboxes<PeerId, Frames>({
    send: (peer, frames) => socket.send([Buffer.from(peer, 'latin1'), ...frames]),
    sizeOf: byteLength,
    join: ([first = []]) => ({ frames: first, count: 1 }),
    limits: outboxLimits(floats * Float32Array.BYTES_PER_ELEMENT),
    // A reader that has gone is told of by its connection; one that is slow, or stands still, is still owed what it asked for.
    stalledMs: () => Number.POSITIVE_INFINITY,
    timers,
    onUnreachable: readers.forget,
  });

  function sendTo(peer: PeerId, shown: Shown, parts: readonly SlotPart[]): void {
    for (const part of partsFor(shown, parts)) outboxes.post(peer, framesOf(part));
  }

  function sendToReaders(shown: Shown): void {
    for (const [peer, parts] of readers.readingIn(attemptOf(shown).generation)) sendTo(peer, shown, parts);
  }

  function subscribe(peer: PeerId, message: MessageOf<PeerMessage, 'subscribe'>): void {
    if (message.floats !== floats) return;
    const { generation, parts } = message;
    readers.subscribe(peer, generation, parts);
    outboxes.post(peer, encodePeer({ type: 'subscribed' }));
    for (const shown of slots.everything()) {
      if (attemptOf(shown).generation === generation) sendTo(peer, shown, parts);
    }
  }

  function answerProbe(peer: PeerId, { probe, floats: wanted }: MessageOf<PeerMessage, 'probe'>): void {
    if (!readers.mayProbe(peer, wanted)) return;
    const sent = wanted === 0 ? [] : [toProbe.subarray(0, wanted)];
    outboxes.post(peer, encodePeer({ type: 'probed', probe }, sent));
  }

  async function answer(): Promise<void> {
    for await (const [identity, ...frames] of socket) {
      const decoded = decodePeerMessage(frames, 'stranger');
      if (identity === undefined || !decoded.ok) continue;
      const peer = identity.toString('latin1');
      if (decoded.message.type === 'subscribe') subscribe(peer, decoded.message);
      else if (decoded.message.type === 'probe') answerProbe(peer, decoded.message);
    }
  }

  function lend(slot: number, from: number, values: Float32Array): void {
    sendToReaders(slots.lend(slot, from, values));
  }

  endWith(socket, answer());
  return {
    offer: { addresses: reached.advertised.map((name) => tcpEndpoint(name, port)), secret },
    begin: slots.begin,
    write: (slot, from, values) => sendToReaders(slots.write(slot, from, values)),
    lend,
    pass: lend,
    publish: (slot, publication) => sendToReaders(slots.publish(slot, publication)),
    close() {
      readers.close();
      outboxes.close();
      if (!socket.closed) socket.close();
      admission.close();
    },
  };
}

/** What all connections of this process share. */
interface Surroundings {
  readonly timers: Timers;
  readonly memory: MessageMemory;
}

/** Tries all addresses at once, and keeps the first that answers. */
async function openFirst(
  { addresses, secret }: VectorsOnNetwork,
  reading: ReadOptions,
  surroundings: Surroundings,
): Promise<{ readonly peer: PeerVectors } | Problem> {
  const opening = addresses.map((address) => openAddress(address, secret, reading, surroundings));
  try {
    const peer = await Promise.any(opening);
    for (const other of opening) void other.then((late) => late !== peer && late.close()).catch(() => {});
    return { peer };
  } catch (error) {
    const { errors } = error as AggregateError;
    return { problem: errors.map(messageOf).join('; ') };
  }
}

async function openAddress(
  address: string,
  secret: string,
  reading: ReadOptions,
  { timers, memory }: Surroundings,
): Promise<PeerVectors> {
  const { reachMs, answerMs } = reading.patience;
  const { promise: answered, resolve, reject } = createDeferred<void>();
  const giveUpAfter = (ms: number) =>
    timers.after(ms, () => reject(new Error(`nobody answers on ${address} for ${ms / 1000} s`)));
  let endPatience = giveUpAfter(reachMs);
  try {
    // No name server is waited for any longer.
    const family = await Promise.race([ipFamilyOf(address), answered]);
    const socket = new Dealer({
      ...socketOptions(frameBytesFor(reading.floats)),
      ...connections,
      ...showSecret(secret),
      ipv6: family === 6,
    });
    const asking = createAsking(socket, reading);
    const received = receiveVectors(socket, address, reading, memory, asking, resolve);
    // The news of a connection may come late: the socket may have been closed since.
    let isReached = false;
    socket.events.on('connect', () => {
      // A connection that is closed again and again is not waited for anew.
      if (socket.closed || isReached) return;
      isReached = true;
      endPatience();
      // Its process looks at the secret when it computes nothing.
      endPatience = giveUpAfter(answerMs);
    });
    socket.events.on('handshake', () => {
      if (!socket.closed) asking.subscribe();
    });
    try {
      socket.connect(address);
      await answered;
    } catch (error) {
      received.close();
      throw error;
    }
    return received;
  } finally {
    endPatience();
  }
}

/** What a writer is asked for. */
interface Asking {
  /** Asks for what is followed: on each connection anew. */
  subscribe(): void;
  follow(parts: readonly SlotPart[]): void;
  probe(probe: number, floats: number): void;
}

function createAsking(socket: Dealer, { generation, floats }: ReadOptions): Asking {
  let parts: readonly SlotPart[] = [];
  // A socket takes one message at a time.
  let sending = Promise.resolve();
  function send(body: Body<PeerMessage>): void {
    const frames = encodePeer(body);
    sending = sending.then(() => (socket.closed ? undefined : socket.send([...frames]))).catch(() => {});
  }
  function subscribe(): void {
    send({ type: 'subscribe', generation, floats, parts });
  }
  return {
    subscribe,
    follow(next) {
      parts = next.map(({ slot, from, to }) => ({ slot, from, to }));
      subscribe();
    },
    probe: (probe, wanted) => send({ type: 'probe', probe, floats: wanted }),
  };
}

/** @param onAnswer its writer has taken the subscription */
function receiveVectors(
  socket: Dealer,
  address: string,
  { onPublished }: ReadOptions,
  memory: MessageMemory,
  asking: Asking,
  onAnswer: () => void,
): PeerVectors {
  const slots = createReceivedSlots();
  const probes = createAskedProbes(asking.probe);
  let problem: string | undefined;

  /** @returns what is wrong with the message */
  function take(message: PeerMessage, [values = new Float32Array(0)]: readonly Float32Array[]): string | undefined {
    switch (message.type) {
      case 'subscribed':
        onAnswer();
        return undefined;
      case 'values': {
        const { generation, step, attempt, slot, from } = message;
        return slots.take(slot, { generation, step, attempt }, from, values);
      }
      case 'published': {
        const { generation, step, attempt, slot, figures } = message;
        return slots.complete(slot, { attempt: { generation, step, attempt }, figures });
      }
      case 'probed':
        return probes.take(message.probe, values.length);
      case 'subscribe':
      case 'probe':
        return 'a message that is for writers';
      default:
        return message satisfies never;
    }
  }

  async function receive(): Promise<void> {
    for await (const frames of socket) {
      memory.received(byteLength(frames));
      const decoded = decodePeerMessage(frames, 'member');
      problem ??= decoded.ok ? take(decoded.message, decoded.tensors) : decoded.detail;
      if (problem !== undefined || (decoded.ok && isOfVectors(decoded.message))) onPublished();
    }
  }

  endWith(socket, receive());
  return {
    way: 'network',
    follow(parts) {
      slots.follow(parts);
      asking.follow(parts);
    },
    holds: (part, attempt) => problem === undefined && slots.holds(part, attempt),
    read: slots.read,
    published(slot) {
      if (problem !== undefined) {
        throw new PennygradError('run-failed', `the worker on ${address} sent what none does: ${problem}`);
      }
      return slots.published(slot);
    },
    probe: probes.ask,
    close() {
      if (!socket.closed) socket.close();
    },
  };
}

/** Where messages wait to be read as their socket is closed, ZeroMQ says that it is none. */
function endWith(socket: Dealer | Router, reading: Promise<void>): void {
  reading.catch((error) => {
    if (!socket.closed) throw error;
  });
}

/** Whether there may be more to read after it. */
const isOfVectors = ({ type }: PeerMessage) => type === 'values' || type === 'published';

function framesOf(shown: Shown): Frames {
  if (shown.kind === 'values') {
    const { attempt, slot, from, values } = shown;
    return encodePeer({ type: 'values', ...attempt, slot, from }, [values]);
  }
  const { attempt, figures } = shown.publication;
  return encodePeer({ type: 'published', ...attempt, slot: shown.slot, figures });
}

/** Who says it is known by the connection, so messages name no run. */
function encodePeer(body: Body<PeerMessage>, tensors: readonly Float32Array[] = []): Frames {
  return encode('', body, tensors);
}
