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
import { messageOf } from '../core/errors.ts';
import type { Timers } from '../core/timers.ts';
import { decodePeerMessage, encode } from '../protocol/codec.ts';
import { frameBytesFor, maxStrangerHeaderBytes } from '../protocol/limits.ts';
import type { Body, VectorsOnNetwork } from '../protocol/messages.ts';
import type { PeerMessage } from '../protocol/peer-messages.ts';
import type { PeerId } from './coordinator-socket.ts';
import { byteLength, type Frames } from './frames.ts';
import { ipFamilyOf } from './ip-family.ts';
import { createMessageMemory } from './message-memory.ts';
import { createOutboxes, outboxLimits } from './outboxes.ts';
import { createReceivedSlots } from './received-slots.ts';
import { createShownSlots, type Shown } from './shown-slots.ts';
import { socketOptions } from './socket-options.ts';
import type { PeerVectors, Problem, ReadOptions, VectorWay, VectorWriter } from './vectors.ts';

export interface NetworkOptions {
  /** The address that it listens on; `*` for all. */
  readonly host: string;
  /** Names or addresses by which others reach it. */
  readonly advertised: readonly string[];
  readonly timers: Timers;
  /** How long an address may not answer; 3 s unless given. */
  readonly silenceMs?: number | undefined;
}

/** A connection that answers no ping for so long is made again. Whether a member is lost, the coordinator decides. */
const heartbeat = { heartbeatInterval: 1000, heartbeatTimeout: 5000 } as const;
/** A reader that takes nothing for so long gets nothing more, unless it connects again. */
const stalledMs = 60_000;
/** Longer than a lost packet takes to be sent again, twice. */
const usualSilenceMs = 3000;

export function createVectorsOnNetwork(options: NetworkOptions): VectorWay<VectorsOnNetwork> {
  return {
    async offer(floats) {
      try {
        return { own: await offerVectors(options, floats) };
      } catch (error) {
        return { problem: messageOf(error) };
      }
    },
    open: (offer, reading) => openFirst(offer, reading, options),
  };
}

async function offerVectors(
  { host, advertised, timers }: NetworkOptions,
  floats: number,
): Promise<VectorWriter & { readonly offer: VectorsOnNetwork }> {
  const listening = tcpEndpoint(host, '*');
  const socket = new Router({
    ...socketOptions(maxStrangerHeaderBytes),
    ...heartbeat,
    ipv6: (await ipFamilyOf(listening)) === 6,
    linger: 0,
    // Tells of a reader that is gone.
    mandatory: true,
  });
  try {
    await socket.bind(listening);
  } catch (error) {
    socket.close();
    throw new Error(`cannot listen on ${host}: ${messageOf(error)}`);
  }
  const bound = parseEndpoint(socket.lastEndpoint ?? '');
  const port = bound?.transport === 'tcp' ? bound.port : 0;
  const secret = randomBytes(16).toString('hex');
  const slots = createShownSlots(floats);
  /** By connection: the generation that it reads. */
  const readers = new Map<PeerId, number>();
  const outboxes = createOutboxes<PeerId, Frames>({
    send: (peer, frames) => socket.send([Buffer.from(peer, 'latin1'), ...frames]),
    sizeOf: byteLength,
    join: ([first = []]) => ({ frames: first, count: 1 }),
    limits: outboxLimits(floats * Float32Array.BYTES_PER_ELEMENT),
    stalledMs: () => stalledMs,
    timers,
    onUnreachable: (peer) => readers.delete(peer),
  });

  function sendToReaders(shown: Shown): void {
    const { attempt } = shown.kind === 'values' ? shown : shown.publication;
    for (const [peer, generation] of readers) {
      if (generation === attempt.generation) outboxes.post(peer, framesOf(shown));
      // It has left that generation, or will be told so.
      else if (generation < attempt.generation) readers.delete(peer);
    }
  }

  async function answer(): Promise<void> {
    for await (const [identity, ...frames] of socket) {
      const decoded = decodePeerMessage(frames, 'stranger');
      if (identity === undefined || !decoded.ok || decoded.message.type !== 'subscribe') continue;
      const { message } = decoded;
      // Whoever does not know the secret learns nothing, not even that.
      if (message.secret !== secret || message.floats !== floats) continue;
      const peer = identity.toString('latin1');
      readers.set(peer, message.generation);
      outboxes.post(peer, encodePeer({ type: 'subscribed' }));
      for (const shown of slots.everything()) {
        const { attempt } = shown.kind === 'values' ? shown : shown.publication;
        if (attempt.generation === message.generation) outboxes.post(peer, framesOf(shown));
      }
    }
  }

  void answer();
  return {
    offer: { addresses: advertised.map((name) => tcpEndpoint(name, port)), secret },
    begin: slots.begin,
    write: (slot, from, values) => sendToReaders(slots.write(slot, from, values)),
    publish: (slot, publication) => sendToReaders(slots.publish(slot, publication)),
    close() {
      readers.clear();
      outboxes.close();
      if (!socket.closed) socket.close();
    },
  };
}

/** Tries all addresses at once, and keeps the first that answers. */
async function openFirst(
  { addresses, secret }: VectorsOnNetwork,
  reading: ReadOptions,
  options: NetworkOptions,
): Promise<{ readonly peer: PeerVectors } | Problem> {
  const opening = addresses.map((address) => openAddress(address, secret, reading, options));
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
  { floats, generation, onPublished }: ReadOptions,
  { timers, silenceMs = usualSilenceMs }: NetworkOptions,
): Promise<PeerVectors> {
  const socket = new Dealer({
    ...socketOptions(frameBytesFor(floats)),
    ...heartbeat,
    ipv6: (await ipFamilyOf(address)) === 6,
    linger: 0,
  });
  const slots = createReceivedSlots(floats);
  const memory = createMessageMemory();
  const { promise: answered, resolve, reject } = createDeferred<void>();

  function take(frames: readonly Buffer[]): void {
    const decoded = decodePeerMessage(frames, 'member');
    if (!decoded.ok) return;
    const { message, tensors } = decoded;
    switch (message.type) {
      case 'subscribed':
        resolve();
        break;
      case 'values': {
        const { generation, step, attempt, from } = message;
        const [values = new Float32Array(0)] = tensors;
        slots.take({ generation, step, attempt }, from, values);
        break;
      }
      case 'published': {
        const { generation, step, attempt, figures } = message;
        if (slots.complete({ attempt: { generation, step, attempt }, figures }) === undefined) onPublished();
        break;
      }
      case 'subscribe':
        break;
      default:
        message satisfies never;
    }
  }

  async function receive(): Promise<void> {
    for await (const frames of socket) {
      memory.received(byteLength(frames));
      take(frames);
    }
  }

  function close(): void {
    if (!socket.closed) socket.close();
  }

  const subscription = encodePeer({ type: 'subscribe', secret, generation, floats });
  socket.events.on('handshake', () => void socket.send([...subscription]).catch(() => {}));
  const endSilence = timers.after(silenceMs, () =>
    reject(new Error(`nobody answers on ${address} for ${silenceMs / 1000} s`)),
  );
  try {
    socket.connect(address);
    void receive();
    await answered;
  } catch (error) {
    close();
    throw error;
  } finally {
    endSilence();
  }
  return { way: 'network', read: slots.read, published: slots.published, close };
}

function framesOf(shown: Shown): Frames {
  if (shown.kind === 'values') {
    const { attempt, from, values } = shown;
    return encodePeer({ type: 'values', ...attempt, from }, [values]);
  }
  const { attempt, figures } = shown.publication;
  return encodePeer({ type: 'published', ...attempt, figures });
}

/** Who says it is known by the connection, so messages name no run. */
function encodePeer(body: Body<PeerMessage>, tensors: readonly Float32Array[] = []): Frames {
  return encode('', body, tensors);
}
