import { maxFrameBytes } from '../protocol/limits.ts';

/** What both ends of the control plane set. */
export const socketOptions = {
  /** On close, how long unsent messages may still try to leave, in ms: the last word is worth a moment, not a hang. */
  linger: 500,
  /** Larger frames end the connection of the peer that sends them. */
  maxMessageSize: maxFrameBytes,
  /** A peer that does not drain its queue for so long is lost; its silence deadline says so before this does. */
  sendTimeout: 10_000,
  sendHighWaterMark: 1000,
  receiveHighWaterMark: 1000,
} as const;
