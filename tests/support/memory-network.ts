/**
 * A coordinator's socket and its workers' sockets, without a network: bytes go through the codec, and are under way for a
 * millisecond of the timers. In virtual time a whole run depends on nothing but its messages and deadlines.
 */
import { createAsyncQueue } from '../../src/shared/core/async-queue.ts';
import type { Timers } from '../../src/shared/core/timers.ts';
import { decodeCoordinatorMessage, decodeWorkerMessages, encode } from '../../src/shared/protocol/codec.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../../src/shared/protocol/messages.ts';
import type {
  bindCoordinatorSocket,
  CoordinatorSocket,
  CoordinatorSocketOptions,
  PeerId,
} from '../../src/shared/transport/coordinator-socket.ts';
import type { Frames } from '../../src/shared/transport/frames.ts';
import type {
  connectWorkerSocket,
  WorkerSocket,
  WorkerSocketOptions,
} from '../../src/shared/transport/worker-socket.ts';

export interface MemoryNetwork {
  /** One coordinator at a time. What workers send before there is one waits for it. */
  readonly bindSocket: typeof bindCoordinatorSocket;
  readonly connectSocket: typeof connectWorkerSocket;
  /** The coordinator's process ends without a word, once it has sent so many messages more. */
  crash(messages: number): void;
}

const latencyMs = 1;

export function createMemoryNetwork(timers: Pick<Timers, 'after'>): MemoryNetwork {
  let hub: End<{ readonly peer: PeerId; readonly frames: Bytes }> | undefined;
  let hangUp: (() => void) | undefined;
  /** Messages that the coordinator may still send before its process ends. */
  let left = Number.POSITIVE_INFINITY;
  let waiting: { readonly peer: PeerId; readonly frames: Bytes }[] = [];
  const workers = new Map<PeerId, End<Bytes> & { readonly hangUp: () => void }>();
  let nextPeer = 0;
  /** Whatever is sent on a connection arrives in order, its end last. */
  const arrive = (what: () => void) => timers.after(latencyMs, what);

  async function bindSocket({
    run,
    onDisconnect,
    onUnreachable,
  }: CoordinatorSocketOptions): Promise<CoordinatorSocket> {
    const end = createEnd<{ readonly peer: PeerId; readonly frames: Bytes }>();
    hub = end;
    hangUp = onDisconnect;
    left = Number.POSITIVE_INFINITY;
    for (const item of waiting) arrive(() => end.push(item));
    waiting = [];
    return {
      endpoint: 'memory',
      send(peer, body, tensors) {
        if (hub !== end) return;
        const frames = encode<CoordinatorMessage>(run, body, tensors);
        const worker = workers.get(peer);
        if (worker !== undefined) arrive(() => worker.push(asBytes(frames)));
        else if (!end.isClosed()) queueMicrotask(() => onUnreachable(peer, 'its connection is gone'));
        left -= 1;
        if (left <= 0) die();
      },
      async *receive(isMember) {
        for await (const { peer, frames } of end.items()) {
          yield { peer, messages: decodeWorkerMessages(frames, isMember(peer) ? 'member' : 'stranger') };
        }
      },
      flushed: async () => {},
      emptied: async () => {},
      close() {
        end.close();
        if (hub === end) die();
      },
    };
  }

  function die(): void {
    hub?.close();
    hub = undefined;
    hangUp = undefined;
    for (const worker of workers.values()) arrive(() => worker.hangUp());
    workers.clear();
  }

  function connectSocket({ onDisconnect }: WorkerSocketOptions): WorkerSocket {
    const end = createEnd<Bytes>();
    const peer: PeerId = `peer-${nextPeer++}`;
    workers.set(peer, {
      ...end,
      hangUp() {
        if (!end.isClosed()) onDisconnect();
      },
    });
    let run = '';
    function send(body: Body<WorkerMessage>, tensors?: readonly Float32Array[]): void {
      const frames = encode<WorkerMessage>(run, body, tensors);
      const item = { peer, frames: asBytes(frames) };
      arrive(() => {
        if (hub !== undefined) hub.push(item);
        // Its connection waits for a coordinator. One that is gone loses what was under way.
        else if (workers.has(peer)) waiting.push(item);
      });
    }
    return {
      joinRun(id) {
        run = id;
      },
      send,
      sendLater: send,
      async *receive() {
        for await (const frames of end.items()) yield decodeCoordinatorMessage(frames);
      },
      flushed: async () => {},
      close() {
        if (end.isClosed()) return;
        end.close();
        arrive(() => {
          if (workers.delete(peer)) hangUp?.();
        });
      },
    };
  }

  return {
    bindSocket,
    connectSocket,
    crash(messages) {
      left = messages;
      if (left <= 0) die();
    },
  };
}

type Bytes = readonly Uint8Array[];

/** A copy. ZeroMQ reads a sender's tensors when it gets to them, too, and not when they are sent. */
export function asBytes(frames: Frames): Bytes {
  return frames.map((frame) => Buffer.from(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)));
}

interface End<Item> {
  push(item: Item): void;
  /** Until it is closed. */
  items(): AsyncIterable<Item>;
  isClosed(): boolean;
  close(): void;
}

function createEnd<Item>(): End<Item> {
  const inbox = createAsyncQueue<Item>();
  const closed = new Error('closed');
  let isClosed = false;
  return {
    push: (item) => inbox.push(item),
    async *items() {
      try {
        for (;;) yield await inbox.next();
      } catch (error) {
        if (error !== closed) throw error;
      }
    },
    isClosed: () => isClosed,
    close() {
      isClosed = true;
      inbox.fail(closed);
    },
  };
}
