/** A worker's end of the control plane: a DEALER connected to the coordinator. */
import { Dealer } from 'zeromq';
import { badInput, messageOf } from '../core/errors.ts';
import type { Timers } from '../core/timers.ts';
import { type Decoded, decodeCoordinatorMessages, encode } from '../protocol/codec.ts';
import { maxFrameBytes, maxParameterBytes } from '../protocol/limits.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../protocol/messages.ts';
import { byteLength, type Frames, joinFrames } from './frames.ts';
import type { IpFamily } from './ip-family.ts';
import { createMessageMemory } from './message-memory.ts';
import { createOutboxes, outboxLimits } from './outboxes.ts';
import { socketOptions } from './socket-options.ts';

export interface WorkerSocket {
  /** Messages carry this run's id from now on. */
  joinRun(run: string): void;
  /** Tensors are not copied: they may not change until the coordinator has answered. */
  send(body: Body<WorkerMessage>, tensors?: readonly Float32Array[]): void;
  /** The message may wait for a moment, so that it can travel together with the next one. */
  sendLater(body: Body<WorkerMessage>): void;
  receive(): AsyncIterable<Decoded<CoordinatorMessage>>;
  flushed(): Promise<void>;
  close(): void;
}

export interface WorkerSocketOptions {
  /** For example `tcp://10.0.0.1:5555`. */
  readonly connect: string;
  /** How the coordinator's host is reached. */
  readonly family: IpFamily;
  readonly timers: Timers;
  /** How long the coordinator may take no message before it is unreachable. Asked at every try: the run may set another. */
  readonly stalledMs: () => number;
  /** The coordinator takes no messages. */
  readonly onUnreachable: (reason: string) => void;
  /** The connection to the coordinator was there and is gone. */
  readonly onDisconnect: () => void;
}

/** Connecting never waits: an absent coordinator shows as silence. @throws bad-input for a malformed endpoint */
export function connectWorkerSocket(options: WorkerSocketOptions): WorkerSocket {
  // It connects before it knows the model. The peer is one that it chose.
  const socket = new Dealer({ ...socketOptions(maxFrameBytes), ipv6: options.family === 6 });
  socket.events.on('disconnect', options.onDisconnect);
  try {
    socket.connect(options.connect);
  } catch (error) {
    socket.close();
    throw badInput(`cannot connect to ${options.connect}: ${messageOf(error)}; --connect takes tcp://HOST:PORT`, error);
  }
  const memory = createMessageMemory();
  let run = '';
  const outboxes = createOutboxes<'coordinator', Frames>({
    send: (_, frames) => socket.send([...frames]),
    sizeOf: byteLength,
    join: joinFrames,
    limits: outboxLimits(maxParameterBytes),
    stalledMs: options.stalledMs,
    timers: options.timers,
    onUnreachable(_, reason) {
      if (!socket.closed) options.onUnreachable(reason);
    },
  });

  return {
    joinRun(id) {
      run = id;
    },
    send: (body, tensors) => outboxes.post('coordinator', encode(run, body, tensors)),
    sendLater: (body) => outboxes.post('coordinator', encode(run, body), true),
    async *receive() {
      for await (const frames of socket) {
        memory.received(byteLength(frames));
        yield* decodeCoordinatorMessages(frames);
      }
    },
    flushed: () => outboxes.flushed(),
    close() {
      outboxes.close();
      if (!socket.closed) socket.close();
    },
  };
}
