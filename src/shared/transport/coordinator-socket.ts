/** The coordinator's end of the control plane: a ROUTER that every worker connects to. */
import { Router } from 'zeromq';
import { badInput, messageOf } from '../core/errors.ts';
import { type Decoded, decodeWorkerMessage, encode } from '../protocol/codec.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../protocol/messages.ts';
import { createMessageMemory } from './message-memory.ts';
import { createOutbox } from './outbox.ts';
import { socketOptions } from './socket-options.ts';

/** A peer's address on the socket: the routing id that ZeroMQ gives its connection, as latin1 text. */
export type PeerId = string;

export interface CoordinatorSocket {
  /** Where workers connect, with the port that was chosen if none was asked for. */
  readonly endpoint: string;
  send(peer: PeerId, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]): void;
  /** Every message in order of arrival, until the socket is closed. */
  receive(): AsyncIterable<{ peer: PeerId; decoded: Decoded<WorkerMessage>; bytes: number }>;
  flushed(): Promise<void>;
  close(): void;
}

export interface CoordinatorSocketOptions {
  /** `tcp://127.0.0.1:*` lets the system choose a port. */
  readonly bind: string;
  readonly run: string;
  /** A peer's connection is gone, or it does not take messages. */
  readonly onUnreachable: (peer: PeerId, reason: string) => void;
}

/** @throws bad-input when the endpoint is malformed or taken. */
export async function bindCoordinatorSocket(options: CoordinatorSocketOptions): Promise<CoordinatorSocket> {
  // Mandatory: a send to a peer that is gone fails at once, where ZeroMQ's default drops it silently.
  const socket = new Router({ ...socketOptions, mandatory: true });
  try {
    await socket.bind(options.bind);
  } catch (error) {
    socket.close();
    throw badInput(`cannot bind ${options.bind}: ${messageOf(error)}; choose another address or port`, error);
  }

  const memory = createMessageMemory();
  type Addressed = { peer: PeerId; frames: (Uint8Array | Float32Array)[] };
  const outbox = createOutbox<Addressed>(
    ({ peer, frames }) => socket.send([Buffer.from(peer, 'latin1'), ...frames]),
    (error, { peer }) => {
      if (!socket.closed) options.onUnreachable(peer, messageOf(error));
    },
  );

  return {
    endpoint: socket.lastEndpoint ?? options.bind,
    send: (peer, body, tensors) => outbox.post({ peer, frames: encode(options.run, body, tensors) }),
    async *receive() {
      for await (const [identity, ...frames] of socket) {
        if (identity === undefined) continue;
        const bytes = frames.reduce((sum, frame) => sum + frame.byteLength, 0);
        memory.received(bytes);
        yield { peer: identity.toString('latin1'), decoded: decodeWorkerMessage(frames), bytes };
      }
    },
    flushed: () => outbox.flushed(),
    close() {
      if (!socket.closed) socket.close();
    },
  };
}
