/** The wire format's version: a peer that speaks another one is refused by name. */
export const protocolVersion = 4;

/** A header larger than this is not one of ours (the largest carries a model's topology). */
export const maxHeaderBytes = 1 << 20;
/** A message has a header and at most this many tensor frames. */
export const maxTensorFrames = 8;
/** The largest frame a socket accepts; libzmq drops the connection of a peer that sends more. */
export const maxFrameBytes = 256 << 20;
export const maxWorldSize = 256;
export const maxParameterCount = maxFrameBytes / Float32Array.BYTES_PER_ELEMENT;
