/**
 * What both ends of the control plane set.
 * @param largestFrameBytes that a peer may send
 */
export function socketOptions(largestFrameBytes: number) {
  return {
    /** How long unsent messages may still try to leave after the socket is closed, in ms: time for a last word. */
    linger: 500,
    /**
     * A larger frame ends the connection of the peer that sends it, before memory is taken for it. It bounds each frame of
     * a message. Nothing in ZeroMQ bounds how many frames a message may have before it is complete.
     */
    maxMessageSize: largestFrameBytes,
    /** Never wait for a peer's connection to have room: the outbox passes over it. */
    sendTimeout: 0,
    /** Messages that wait in ZeroMQ for a peer that does not read, or from one. A message may be a mebibyte of gradients. */
    sendHighWaterMark: 64,
    receiveHighWaterMark: 64,
  } as const;
}
