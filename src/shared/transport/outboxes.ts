/**
 * One bounded outbox a peer, in front of one ZeroMQ socket.
 *
 * A ZeroMQ socket takes one send at a time (a second one is refused with EBUSY), and one peer that does not read must
 * not keep the others waiting. So each peer has a queue of its own, the socket never waits for room (`sendTimeout: 0`),
 * and a peer whose connection is full is passed over until it has room again.
 */
import { createDeferred, type Deferred } from '../core/deferred.ts';
import { messageOf } from '../core/errors.ts';
import type { Timers } from '../core/timers.ts';
import { maxHeaderBytes } from '../protocol/limits.ts';

export interface Outboxes<Peer, Frames> {
  /**
   * Queues a message for a peer. Failures go to `onUnreachable`, not to the caller.
   * @param later it may wait for the next one, `laterMs` at most
   */
  post(peer: Peer, frames: Frames, later?: boolean): void;
  /** Resolves when nothing more can be handed over: every queue is empty, or its peer has no room. */
  flushed(): Promise<void>;
  /** Resolves when every queue is empty: its last message was taken, or its peer was given up. */
  emptied(): Promise<void>;
  /** Drops everything that is queued. May be called twice. */
  close(): void;
}

export interface OutboxLimits {
  /** How much may wait for a peer whose connection has no room. */
  readonly messages: number;
  readonly bytes: number;
}

export interface OutboxOptions<Peer, Frames> {
  /** Rejects with the code EAGAIN where the peer's connection has no room. */
  readonly send: (peer: Peer, frames: Frames) => Promise<void>;
  readonly sizeOf: (frames: Frames) => number;
  /**
   * What waits for a peer travels together where it can: each send costs both sides more than what is in it.
   * @param waiting one or more messages, in order
   * @returns the first of them as one, and how many these are
   */
  readonly join: (waiting: readonly Frames[]) => { readonly frames: Frames; readonly count: number };
  readonly limits: OutboxLimits;
  /** How long a peer may take no message before it is unreachable. */
  readonly stalledMs: () => number;
  readonly timers: Timers;
  /** What was queued for the peer is dropped. */
  readonly onUnreachable: (peer: Peer, reason: string) => void;
}

/** Messages of gradients are seldom shorter (256 KiB). */
const usualMessageBytes = 2 ** 18;

/** What a peer may be behind by, in a run whose parameters have so many bytes: some steps' gradients. */
export function outboxLimits(parameterBytes: number): OutboxLimits {
  const bytes = 6 * Math.max(parameterBytes, maxHeaderBytes);
  return { messages: Math.max(1000, Math.ceil(bytes / usualMessageBytes)), bytes };
}

/** How often a connection without room is tried again. */
const retryMs = 5;
/** How long a message may wait for another one. */
export const laterMs = 100;

interface Queue<Frames> {
  readonly messages: Frames[];
  bytes: number;
  /**
   * Set while the connection has no room: it is tried again by a timer. `waitedMs` adds up the waits between the tries,
   * and not the time by the clock: while this process is suspended nobody can take a message from it.
   */
  stall: { readonly endRetry: () => void; readonly waitedMs: number } | undefined;
  /** Set while all that is queued may wait. */
  endDelay: (() => void) | undefined;
}

export function createOutboxes<Peer, Frames>(options: OutboxOptions<Peer, Frames>): Outboxes<Peer, Frames> {
  const { send, sizeOf, join, limits, stalledMs, timers, onUnreachable } = options;
  const queues = new Map<Peer, Queue<Frames>>();
  /** Peers whose next message may be sent, in the order of their turns. */
  const ready = new Set<Peer>();
  let draining: Promise<void> | undefined;
  let whenEmpty: Deferred<void> | undefined;

  function forget(peer: Peer): void {
    const queue = queues.get(peer);
    if (queue !== undefined) endWaits(queue);
    ready.delete(peer);
    remove(peer);
  }

  function remove(peer: Peer): void {
    queues.delete(peer);
    if (queues.size > 0) return;
    whenEmpty?.resolve();
    whenEmpty = undefined;
  }

  function drop(peer: Peer, reason: string): void {
    forget(peer);
    onUnreachable(peer, reason);
  }

  function wake(peer: Peer): void {
    ready.add(peer);
    // What this turn posts after this travels together with it.
    draining ??= Promise.resolve().then(drain);
  }

  function stopDelay(peer: Peer, queue: Queue<Frames>): void {
    queue.endDelay?.();
    queue.endDelay = undefined;
    wake(peer);
  }

  function stall(peer: Peer, queue: Queue<Frames>): void {
    const waitedMs = queue.stall === undefined ? 0 : queue.stall.waitedMs + retryMs;
    if (waitedMs >= stalledMs()) drop(peer, `it has taken no message for ${waitedMs / 1000} s`);
    else queue.stall = { endRetry: timers.after(retryMs, () => wake(peer)), waitedMs };
  }

  async function sendNext(peer: Peer, queue: Queue<Frames>): Promise<void> {
    if (queue.messages.length === 0) return;
    const { frames, count } = join(queue.messages);
    try {
      await send(peer, frames);
    } catch (error) {
      if (queues.get(peer) !== queue) return;
      if ((error as { code?: unknown }).code === 'EAGAIN') stall(peer, queue);
      else drop(peer, messageOf(error));
      return;
    }
    if (queues.get(peer) !== queue) return;
    endWaits(queue);
    const sent = queue.messages.splice(0, count);
    queue.bytes -= sent.reduce((sum, message) => sum + sizeOf(message), 0);
    if (queue.messages.length > 0) ready.add(peer);
    else remove(peer);
  }

  async function drain(): Promise<void> {
    try {
      for (let [peer] = ready; peer !== undefined; [peer] = ready) {
        ready.delete(peer);
        const queue = queues.get(peer);
        if (queue !== undefined) await sendNext(peer, queue);
      }
    } finally {
      // In the same turn as the last look for work, so that a later post starts a new drain.
      draining = undefined;
    }
  }

  return {
    post(peer, frames, later = false) {
      const queue = queues.get(peer) ?? { messages: [], bytes: 0, stall: undefined, endDelay: undefined };
      const isIdle = queue.messages.length === 0;
      const bytes = queue.bytes + sizeOf(frames);
      // A peer that takes what it is sent may be sent any amount at once.
      if (queue.stall !== undefined && (bytes > limits.bytes || queue.messages.length >= limits.messages)) {
        drop(peer, `${queue.messages.length} messages (${queue.bytes} bytes) wait for it`);
        return;
      }
      queues.set(peer, queue);
      queue.messages.push(frames);
      queue.bytes = bytes;
      // A queue with earlier messages has its turn already, or waits for room, unless all of them may wait. A second turn
      // would start a second retry, which nobody would cancel.
      if (isIdle && later) queue.endDelay = timers.after(laterMs, () => stopDelay(peer, queue));
      else if (isIdle || (!later && queue.endDelay !== undefined)) stopDelay(peer, queue);
    },
    async flushed() {
      for (const [peer, queue] of queues) if (queue.endDelay !== undefined) stopDelay(peer, queue);
      await draining;
    },
    async emptied() {
      if (queues.size === 0) return;
      whenEmpty ??= createDeferred<void>();
      await whenEmpty.promise;
    },
    close() {
      for (const peer of [...queues.keys()]) forget(peer);
    },
  };
}

function endWaits(queue: Queue<unknown>): void {
  queue.stall?.endRetry();
  queue.stall = undefined;
  queue.endDelay?.();
  queue.endDelay = undefined;
}
