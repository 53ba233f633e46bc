/**
 * A coordinator's socket and its workers' sockets over a network that fails: messages are under way for random times, links
 * stall and break, processes freeze and die. A connection is one ordered stream, as ZeroMQ's over TCP is: what is delivered
 * comes in order and once. Messages of different connections overtake each other. Duplicates do not occur.
 *
 * What happens at the ends is what ZeroMQ does there: the coordinator pings, and closes a connection that does not answer; a
 * worker's socket connects again by itself, and is another peer then.
 */
import { createAsyncQueue } from '../../src/shared/core/async-queue.ts';
import type { Random } from '../../src/shared/core/random.ts';
import {
  type Decoded,
  decodeCoordinatorMessage,
  decodeWorkerMessage,
  encode,
  type Sender,
} from '../../src/shared/protocol/codec.ts';
import { protocolVersion } from '../../src/shared/protocol/limits.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../../src/shared/protocol/messages.ts';
import type {
  bindCoordinatorSocket,
  CoordinatorSocketOptions,
  PeerId,
} from '../../src/shared/transport/coordinator-socket.ts';
import { laterMs } from '../../src/shared/transport/outboxes.ts';
import type { connectWorkerSocket, WorkerSocketOptions } from '../../src/shared/transport/worker-socket.ts';
import { asBytes } from './memory-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A message on its way between the coordinator and a worker. */
export interface Transit {
  readonly worker: SimulatedProcess;
  readonly body: Body<CoordinatorMessage> | Body<WorkerMessage>;
}

export interface FaultyNetworkOptions extends Pick<VirtualTime, 'clock' | 'timers'> {
  readonly random: Random;
  /** Messages travel as bytes, through the codec, which takes a third of the time of a run. */
  readonly isCoded: boolean;
  /** A message is about to be delivered. What is done to its link now may still keep it from that. */
  readonly beforeDelivery?: (transit: Transit) => void;
  /** A worker sends a message. */
  readonly onSent?: (transit: Transit) => void;
  /** The coordinator is about to send a message. If its process is killed now, it does not. */
  readonly beforeOrder?: () => void;
}

export interface FaultyNetwork {
  /** The socket of this coordinator's process. Workers connect to whichever was bound last. */
  bindFrom(coordinator: SimulatedProcess): typeof bindCoordinatorSocket;
  /** The sockets of this worker's process. */
  connectFrom(worker: SimulatedProcess): typeof connectWorkerSocket;
  /** The worker's connection breaks, and both ends notice soon: what is under way is lost. It connects again. */
  cut(worker: SimulatedProcess): void;
  /** Nothing gets through for so long, and nobody is told. It arrives late, unless the coordinator gives the connection up. */
  stall(worker: SimulatedProcess, ms: number): void;
  /** Its messages take so much longer from now on. */
  slowDown(worker: SimulatedProcess, ms: number): void;
  /** The worker's process was killed. @param losesLastWords what it sent last does not get through either */
  killed(worker: SimulatedProcess, losesLastWords: boolean): void;
  /** The coordinator's process was killed. @param losesLastWords what it sent last does not get through either */
  crashed(coordinator: SimulatedProcess, losesLastWords: boolean): void;
  /** The worker's process was frozen. It may be given up before it goes on. */
  frozen(worker: SimulatedProcess): void;
  /** What is under way, in words. */
  inTransit(): readonly string[];
}

/** Messages are under way for so long, in milliseconds. */
const [shortestMs, longestMs] = [0.2, 2];
/** How soon an end of a connection notices that the other is gone. */
const noticeMs = 1;
/** ZeroMQ's own. */
const reconnectMs = 100;

/** A message, and what becomes of it. */
interface Parcel {
  readonly name: string;
  /** @param isLost whether something has just happened to its connection */
  deliver(isLost: () => boolean): void;
}

/** One direction of a connection: what is posted comes out in order. */
interface Pipe {
  post(parcel: Parcel): void;
  /** What is under way is lost. */
  lose(): void;
  /** What is due is held back until `release`. */
  hold(): void;
  release(): void;
  contents(): readonly string[];
}

interface Link {
  readonly worker: SimulatedProcess;
  readonly up: Pipe;
  readonly down: Pipe;
  /** Undefined while it is broken. */
  peer: PeerId | undefined;
  /** Stalls that are not over. */
  stalls: number;
  extraMs: number;
  /** The coordinator has closed the connection, and the worker cannot know. */
  isForsaken: boolean;
  readonly waiting: (() => void)[];
  receive(body: Body<CoordinatorMessage>, decode: () => Decoded<CoordinatorMessage>, isLost: () => boolean): void;
  disconnected(): void;
  isClosed(): boolean;
}

export function createFaultyNetwork(options: FaultyNetworkOptions): FaultyNetwork {
  const { timers, clock, random, isCoded } = options;
  const { beforeDelivery = () => {}, onSent = () => {}, beforeOrder = () => {} } = options;
  const links = new Set<Link>();
  const byPeer = new Map<PeerId, Link>();
  let hub: Hub | undefined;
  let peers = 0;

  function createPipe(extraMs: () => number): Pipe {
    let under: Parcel[] = [];
    let lastDue = 0;
    let isHeld = false;
    let due = 0;
    const deliverDue = () => {
      while (due > 0 && !isHeld) {
        const [parcel] = under;
        due -= 1;
        if (parcel === undefined) return;
        under.shift();
        const batch = under;
        parcel.deliver(() => batch !== under);
      }
    };
    return {
      post(parcel) {
        const now = clock.now() * 1000;
        const delay = shortestMs + random.float() * (longestMs - shortestMs) + extraMs();
        lastDue = Math.max(lastDue, now + delay);
        under.push(parcel);
        const batch = under;
        timers.after(lastDue - now, () => {
          if (batch !== under) return;
          due += 1;
          deliverDue();
        });
      },
      lose() {
        under = [];
        due = 0;
      },
      hold() {
        isHeld = true;
      },
      release() {
        isHeld = false;
        deliverDue();
      },
      contents: () => under.map(({ name }) => name),
    };
  }

  function connect(link: Link): void {
    if (hub === undefined || hub.isClosed() || link.isClosed() || !link.worker.isAlive()) return;
    if (link.peer !== undefined || link.stalls > 0) return;
    link.peer = `peer-${peers++}`;
    byPeer.set(link.peer, link);
    for (const send of link.waiting.splice(0)) send();
  }

  /** The coordinator's end of a link closes; it notices. */
  function closeAtHub(link: Link): void {
    const { peer } = link;
    if (peer === undefined) return;
    link.peer = undefined;
    byPeer.delete(peer);
    link.up.lose();
    link.down.lose();
    hub?.process.run(() => hub?.options.onDisconnect());
  }

  /** Whoever is connected to it has no coordinator now, and notices when its messages are through. */
  function hangUp(): void {
    for (const link of byPeer.values()) {
      link.peer = undefined;
      link.down.post({ name: 'end', deliver: () => tellWorker(link) });
    }
    byPeer.clear();
  }

  /** The worker notices that the connection is gone, and makes another. */
  function tellWorker(link: Link): void {
    link.isForsaken = false;
    link.worker.run(() => {
      if (link.isClosed()) return;
      link.disconnected();
      connectSoon(link);
    });
  }

  /** ZeroMQ tries again and again. */
  function connectSoon(link: Link): void {
    timers.after(reconnectMs, () => link.worker.run(() => connect(link)));
  }

  function breakLink(link: Link): void {
    if (link.peer === undefined) return;
    link.up.lose();
    link.down.lose();
    timers.after(noticeMs, () => {
      closeAtHub(link);
      tellWorker(link);
    });
  }

  /** Nobody answers the coordinator's pings until `isOver`. */
  function watch(link: Link, isOver: () => boolean): void {
    if (hub === undefined) return;
    const { connectionMs, heartbeatMs } = hub.options;
    timers.after(connectionMs + random.float() * heartbeatMs, () => {
      if (isOver() || link.peer === undefined) return;
      closeAtHub(link);
      if (link.stalls > 0) link.isForsaken = true;
      else tellWorker(link);
    });
  }

  const linksOf = (worker: SimulatedProcess) => [...links].filter((link) => link.worker === worker);

  const bindFrom = (process: SimulatedProcess) => async (bound: CoordinatorSocketOptions) => {
    const inbox = createAsyncQueue<{ peer: PeerId; decode: DecodeFrom }>();
    let closed = false;
    hub = {
      process,
      options: bound,
      isClosed: () => closed || !process.isAlive(),
      push: (peer, decode) => inbox.push({ peer, decode }),
    };
    for (const link of links) connectSoon(link);
    return {
      endpoint: 'memory',
      send(peer: PeerId, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]) {
        if (!process.isAlive() || closed) return;
        beforeOrder();
        if (!process.isAlive()) return;
        const link = byPeer.get(peer);
        if (link === undefined) {
          queueMicrotask(() => process.run(() => bound.onUnreachable(peer, 'its connection is gone')));
          return;
        }
        const decode = isCoded
          ? throughCodec<CoordinatorMessage>(bound.run, body, tensors, decodeCoordinatorMessage)
          : asItIs<CoordinatorMessage>(bound.run, body, tensors);
        link.down.post({ name: body.type, deliver: (isLost) => link.receive(body, decode, isLost) });
      },
      async *receive(isMember: (peer: PeerId) => boolean) {
        for (;;) {
          const item = await inbox.next().catch(() => undefined);
          if (item === undefined) return;
          const { peer, decode } = item;
          yield { peer, messages: [decode(isMember(peer) ? 'member' : 'stranger')] };
        }
      },
      flushed: async () => {},
      emptied: async () => {},
      close() {
        if (closed) return;
        closed = true;
        inbox.fail(new Error('closed'));
        hangUp();
      },
    };
  };

  function connectFrom(worker: SimulatedProcess): typeof connectWorkerSocket {
    return ({ onDisconnect }: WorkerSocketOptions) => {
      const inbox = createAsyncQueue<() => Decoded<CoordinatorMessage>>();
      let [closed, run] = [false, ''];
      const link: Link = {
        worker,
        up: createPipe(() => link.extraMs),
        down: createPipe(() => link.extraMs),
        peer: undefined,
        stalls: 0,
        extraMs: 0,
        isForsaken: false,
        waiting: [],
        receive(body, decode, isLost) {
          beforeDelivery({ worker, body });
          if (!isLost()) worker.run(() => inbox.push(decode));
        },
        disconnected() {
          if (!closed) onDisconnect();
        },
        isClosed: () => closed,
      };
      links.add(link);
      connect(link);

      function post(body: Body<WorkerMessage>, decode: DecodeFrom): void {
        const [{ peer }, at] = [link, hub];
        if (peer === undefined) {
          link.waiting.push(() => post(body, decode));
          return;
        }
        link.up.post({
          name: body.type,
          deliver(isLost) {
            beforeDelivery({ worker, body });
            if (!isLost()) at?.process.run(() => at.push(peer, decode));
          },
        });
      }

      function decoderOf(body: Body<WorkerMessage>, tensors?: readonly Float32Array[]): DecodeFrom {
        onSent({ worker, body });
        return isCoded
          ? throughCodec<WorkerMessage, Sender>(run, body, tensors, decodeWorkerMessage)
          : asItIs<WorkerMessage>(run, body, tensors);
      }

      let delayed: (() => void)[] = [];
      function sendDelayed(): void {
        const due = delayed;
        delayed = [];
        for (const one of due) one();
      }

      return {
        joinRun(id) {
          run = id;
        },
        send(body, tensors) {
          if (!worker.isAlive() || closed) return;
          const decode = decoderOf(body, tensors);
          worker.run(() => {
            sendDelayed();
            post(body, decode);
          });
        },
        // Whatever waits is lost with the process.
        sendLater(body) {
          if (!worker.isAlive() || closed) return;
          const decode = decoderOf(body);
          delayed.push(() => post(body, decode));
          if (delayed.length === 1) worker.timers.after(laterMs, sendDelayed);
        },
        async *receive() {
          for (;;) {
            const decode = await inbox.next().catch(() => undefined);
            if (decode === undefined) return;
            yield decode();
          }
        },
        flushed: async () => {},
        close() {
          if (closed) return;
          closed = true;
          inbox.fail(new Error('closed'));
          link.up.post({ name: 'end', deliver: () => closeAtHub(link) });
        },
      };
    };
  }

  return {
    bindFrom,
    connectFrom,
    cut(worker) {
      for (const link of linksOf(worker)) breakLink(link);
    },
    stall(worker, ms) {
      for (const link of linksOf(worker)) {
        link.stalls += 1;
        link.up.hold();
        link.down.hold();
        let isOver = false;
        watch(link, () => isOver);
        timers.after(ms, () => {
          isOver = true;
          link.stalls -= 1;
          if (link.stalls > 0) return;
          link.up.release();
          link.down.release();
          if (link.isForsaken) tellWorker(link);
        });
      }
    },
    slowDown(worker, ms) {
      for (const link of linksOf(worker)) link.extraMs += ms;
    },
    killed(worker, losesLastWords) {
      for (const link of linksOf(worker)) {
        link.down.lose();
        if (losesLastWords) link.up.lose();
        if (link.peer !== undefined) link.up.post({ name: 'end', deliver: () => closeAtHub(link) });
      }
    },
    crashed(coordinator, losesLastWords) {
      if (hub?.process !== coordinator) return;
      for (const link of byPeer.values()) {
        link.up.lose();
        if (losesLastWords) link.down.lose();
      }
      hangUp();
    },
    frozen(worker) {
      for (const link of linksOf(worker)) watch(link, () => !worker.isFrozen());
    },
    inTransit: () =>
      [...links].flatMap(({ up, down }, index) => [
        `${index} up ${up.contents().join()}`,
        `${index} down ${down.contents().join()}`,
      ]),
  };
}

interface Hub {
  readonly process: SimulatedProcess;
  readonly options: CoordinatorSocketOptions;
  isClosed(): boolean;
  push(peer: PeerId, decode: DecodeFrom): void;
}

type DecodeFrom = (sender: Sender) => Decoded<WorkerMessage>;

/** Encoded now; decoded where it is read. */
function throughCodec<Message extends WorkerMessage | CoordinatorMessage, From = void>(
  run: string,
  body: Body<Message>,
  tensors: readonly Float32Array[] | undefined,
  decode: (bytes: readonly Uint8Array[], from: From) => Decoded<Message>,
): (from: From) => Decoded<Message> {
  const bytes = asBytes(encode<Message>(run, body, tensors));
  return (from) => decode(bytes, from);
}

function asItIs<Message extends WorkerMessage | CoordinatorMessage>(
  run: string,
  body: Body<Message>,
  tensors: readonly Float32Array[] = [],
): () => Decoded<Message> {
  const message = { v: protocolVersion, run, ...body } as unknown as Message;
  const copies = tensors.map((tensor) => tensor.slice());
  return () => ({ ok: true, message, tensors: copies.map((copy) => copy.slice()) });
}
