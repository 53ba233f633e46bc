import { maxFrameBytes } from '../protocol/limits.ts';

/** What both ends of the control plane set. */
export const socketOptions = {
  /** How long unsent messages may still try to leave after the socket is closed, in ms: time for a last word. */
  linger: 500,
  /** Larger frames end the connection of the peer that sends them. */
  maxMessageSize: maxFrameBytes,
  /** Never wait for a peer's connection to have room: the outbox passes over it. */
  sendTimeout: 0,
  /** Messages that wait in ZeroMQ for a peer that does not read. A message may be a mebibyte of gradients. */
  sendHighWaterMark: 64,
  receiveHighWaterMark: 1000,
} as const;
