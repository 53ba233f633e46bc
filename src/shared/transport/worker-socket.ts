/** A worker's end of the control plane: a DEALER connected to the coordinator. */
import { Dealer } from 'zeromq';
import { badInput, messageOf } from '../core/errors.ts';
import { type Decoded, decodeCoordinatorMessage, encode } from '../protocol/codec.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../protocol/messages.ts';
import { createMessageMemory } from './message-memory.ts';
import { createOutbox } from './outbox.ts';
import { socketOptions } from './socket-options.ts';

export interface WorkerSocket {
  /** Messages carry this run's id from now on. */
  joinRun(run: string): void;
  /** Tensors may not change until the message has left; two buffers used in turn are enough for a step's answer. */
  send(body: Body<WorkerMessage>, tensors?: readonly Float32Array[]): void;
  receive(): AsyncIterable<Decoded<CoordinatorMessage>>;
  flushed(): Promise<void>;
  close(): void;
}

export interface WorkerSocketOptions {
  /** For example `tcp://10.0.0.1:5555`. */
  readonly connect: string;
  readonly onUnreachable: (reason: string) => void;
}

/** Connecting never waits: an absent coordinator shows as silence. @throws bad-input for a malformed endpoint. */
export function connectWorkerSocket(options: WorkerSocketOptions): WorkerSocket {
  const socket = new Dealer(socketOptions);
  try {
    socket.connect(options.connect);
  } catch (error) {
    socket.close();
    throw badInput(`cannot connect to ${options.connect}: ${messageOf(error)}; --connect takes tcp://HOST:PORT`, error);
  }
  const memory = createMessageMemory();
  let run = '';
  const outbox = createOutbox<(Uint8Array | Float32Array)[]>(
    (frames) => socket.send(frames),
    (error) => {
      if (!socket.closed) options.onUnreachable(messageOf(error));
    },
  );

  return {
    joinRun(id) {
      run = id;
    },
    send: (body, tensors) => outbox.post(encode(run, body, tensors)),
    async *receive() {
      for await (const frames of socket) {
        memory.received(frames.reduce((sum, frame) => sum + frame.byteLength, 0));
        yield decodeCoordinatorMessage(frames);
      }
    },
    flushed: () => outbox.flushed(),
    close() {
      if (!socket.closed) socket.close();
    },
  };
}
