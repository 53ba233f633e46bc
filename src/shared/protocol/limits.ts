/** The version of the wire format. A peer with another version is refused. */
export const protocolVersion = 4;

/** The largest header. (The largest of ours carries a model's topology.) */
export const maxHeaderBytes = 1 << 20;
/** The most tensor frames in a message. */
export const maxTensorFrames = 8;
/** The largest frame. libzmq drops the connection of a peer that sends a larger one. */
export const maxFrameBytes = 256 << 20;
export const maxWorldSize = 256;
export const maxParameterCount = maxFrameBytes / Float32Array.BYTES_PER_ELEMENT;
