import { maxParameters } from '../model/model-fit.ts';
import { optimizerSlots } from '../model/model-spec.ts';

/** The version of the wire format. A peer with another version is refused. */
export const protocolVersion = 6;

/** The largest header in bytes. (The largest of ours carries a model's topology, or the ends of 10,000 buckets.) */
export const maxHeaderBytes = 256 << 10;
/** The largest header in bytes of a peer that is not in the run: more than any `hello`. */
export const maxStrangerHeaderBytes = 8 << 10;
/** Values in a header, containers included, and how deep they may be nested. */
export const maxHeaderValues = 1 << 14;
export const maxHeaderDepth = 32;
/** The most tensor frames in a message: the parameters, and what the optimizer keeps for each of them. */
export const maxTensorFrames = 1 + Math.max(...Object.values(optimizerSlots).map((slots) => slots.length));
/** The largest frame. libzmq drops the connection of a peer that sends a larger one. */
export const maxFrameBytes = maxParameters * Float32Array.BYTES_PER_ELEMENT;
export const maxWorldSize = 256;
/** The last steps of which a worker keeps what it reported: more than are ever assigned ahead. */
export const keptReports = 4;
/** Threads of one worker. */
export const maxThreads = 4096;

/** The largest frame that a run with so many parameters needs: a vector of them, or a header. In bytes. */
export function frameBytesFor(parameterCount: number): number {
  return Math.max(maxHeaderBytes, parameterCount * Float32Array.BYTES_PER_ELEMENT);
}
