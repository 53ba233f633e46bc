/** The coordinator's end of the control plane: a ROUTER that every worker connects to. */
import { Router } from 'zeromq';
import { badInput, messageOf } from '../core/errors.ts';
import type { Timers } from '../core/timers.ts';
import { type Decoded, decodeWorkerMessages, encode } from '../protocol/codec.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../protocol/messages.ts';
import { byteLength, type Frames, joinFrames } from './frames.ts';
import { ipFamilyOf } from './ip-family.ts';
import { createMessageMemory } from './message-memory.ts';
import { createOutboxes, outboxLimits } from './outboxes.ts';
import { socketOptions } from './socket-options.ts';

/** A peer's address on the socket: the routing id that ZeroMQ gives its connection, as latin1 text. */
export type PeerId = string;

export interface Arrival {
  readonly peer: PeerId;
  readonly messages: readonly Decoded<WorkerMessage>[];
}

export interface CoordinatorSocket {
  /** Where workers connect, with the port that was chosen if none was asked for. */
  readonly endpoint: string;
  send(peer: PeerId, body: Body<CoordinatorMessage>, tensors?: readonly Float32Array[]): void;
  /**
   * Messages in order of arrival, until the socket is closed. Those of a peer that travelled together arrive together.
   * @param isMember whether a peer has been let into the run; strangers may send less
   */
  receive(isMember: (peer: PeerId) => boolean): AsyncIterable<Arrival>;
  flushed(): Promise<void>;
  /** Resolves when every message was taken by its peer's connection, or its peer was given up. */
  emptied(): Promise<void>;
  close(): void;
}

export interface CoordinatorSocketOptions {
  /** `tcp://127.0.0.1:*` lets the system choose a port. */
  readonly bind: string;
  readonly run: string;
  /** The largest frame that the run's model needs. Whoever sends a larger one is disconnected. */
  readonly largestFrameBytes: number;
  /** Bytes of the model's parameters, by which it is judged how far behind a peer may be. */
  readonly parameterBytes: number;
  readonly timers: Timers;
  /** Peers are pinged this often by ZeroMQ's own thread, which does not wait for JavaScript on either side. */
  readonly heartbeatMs: number;
  /** A connection that answers no ping for so long is closed. */
  readonly connectionMs: number;
  /** A peer that takes no message for so long is unreachable. */
  readonly stalledMs: number;
  /** How long messages that were handed over may still try to leave after the socket is closed. */
  readonly lingerMs?: number;
  /** A peer's connection is gone, or takes no messages. */
  readonly onUnreachable: (peer: PeerId, reason: string) => void;
  /** Some peer's connection is gone; a message to each peer tells whose, through `onUnreachable`. */
  readonly onDisconnect: () => void;
}

/** @throws bad-input when the endpoint is malformed or taken, or its host has no address */
export async function bindCoordinatorSocket(options: CoordinatorSocketOptions): Promise<CoordinatorSocket> {
  const family = await ipFamilyOf(options.bind).catch((error: unknown) => {
    throw unbindable(options.bind, error);
  });
  const socket = new Router({
    ...socketOptions(options.largestFrameBytes),
    ipv6: family === 6,
    // A send to a peer that is gone fails at once; by default ZeroMQ would drop it without a word.
    mandatory: true,
    heartbeatInterval: options.heartbeatMs,
    heartbeatTimeout: options.connectionMs,
    ...(options.lingerMs === undefined ? {} : { linger: options.lingerMs }),
  });
  socket.events.on('disconnect', options.onDisconnect);
  try {
    await socket.bind(options.bind);
  } catch (error) {
    socket.close();
    throw unbindable(options.bind, error);
  }

  const memory = createMessageMemory();
  const outboxes = createOutboxes<PeerId, Frames>({
    async send(peer, frames) {
      try {
        await socket.send([Buffer.from(peer, 'latin1'), ...frames]);
      } catch (error) {
        if ((error as { code?: unknown }).code === 'EHOSTUNREACH') throw new Error('its connection is gone');
        throw error;
      }
    },
    sizeOf: byteLength,
    join: joinFrames,
    limits: outboxLimits(options.parameterBytes),
    stalledMs: () => options.stalledMs,
    timers: options.timers,
    onUnreachable(peer, reason) {
      if (!socket.closed) options.onUnreachable(peer, reason);
    },
  });

  return {
    endpoint: socket.lastEndpoint ?? options.bind,
    send: (peer, body, tensors) => outboxes.post(peer, encode(options.run, body, tensors)),
    async *receive(isMember) {
      for await (const [identity, ...frames] of socket) {
        if (identity === undefined) continue;
        memory.received(byteLength(frames));
        const peer = identity.toString('latin1');
        yield { peer, messages: decodeWorkerMessages(frames, isMember(peer) ? 'member' : 'stranger') };
      }
    },
    flushed: () => outboxes.flushed(),
    emptied: () => outboxes.emptied(),
    close() {
      outboxes.close();
      if (!socket.closed) socket.close();
    },
  };
}

function unbindable(address: string, error: unknown) {
  return badInput(`cannot bind ${address}: ${messageOf(error)}; choose another address or port`, error);
}
