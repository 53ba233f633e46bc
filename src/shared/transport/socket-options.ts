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
    /** Messages that wait in ZeroMQ for a peer that does not read. A message may be a mebibyte of gradients. */
    sendHighWaterMark: 64,
    /**
     * ZeroMQ reads all that comes. Where it stops reading a connection, it aborts the whole process if that breaks and a ping is
     * due on it (`!_io_error`, https://github.com/zeromq/libzmq/pull/4852), or if it is made again (`_input_stopped`,
     * https://github.com/zeromq/libzmq/issues/3937), so 2 kB of any stranger would end a run. How much whoever is in the
     * run may send ahead, the protocol bounds.
     */
    receiveHighWaterMark: 0,
  } as const;
}
