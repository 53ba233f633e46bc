import { maxParameters } from '../model/model-fit.ts';
import { mostSlots } from '../model/model-spec.ts';

/** The version of the wire format. A peer with another version is refused. */
export const protocolVersion = 8;

/** The largest header in bytes. (The largest of ours carries a model's topology, or the ends of 10,000 buckets.) */
export const maxHeaderBytes = 256 << 10;
/** The largest header in bytes of a peer that is not in the run: more than any `hello`. */
export const maxStrangerHeaderBytes = 8 << 10;
/** Values in a header, containers included, and how deep they may be nested. */
export const maxHeaderValues = 1 << 14;
export const maxHeaderDepth = 32;
/** Messages without tensors that travel in one frame at most, and their bytes: no more values than a header may have. */
export const maxJoinedMessages = 64;
export const maxJoinedBytes = maxHeaderValues - 1;
/** The most tensor frames in a message: a small state's parameters, and what the replica keeps for each of them. */
export const maxTensorFrames = 1 + mostSlots;
/**
 * The longest chunk of a state, in floats: 4 MiB. A state that is no longer than that travels whole, in the message that
 * it belongs to. Buckets of gradients are shorter.
 */
export const maxChunkFloats = 1 << 20;
/** By how many chunks a sender may be ahead of what its receiver has said that it took. */
export const chunkWindow = 4;
/** The largest frame. libzmq drops the connection of a peer that sends a larger one. */
export const maxFrameBytes = maxChunkFloats * Float32Array.BYTES_PER_ELEMENT;
/** The most bytes that the parameters of a run have. */
export const maxParameterBytes = maxParameters * Float32Array.BYTES_PER_ELEMENT;
export const maxWorldSize = 1024;
/**
 * The most workers that read each other's gradients. Each has a link to every other one, and tells what the last steps came to
 * by rank, within the bounds of a header.
 */
export const maxMeshSize = 256;
/** Vectors that a worker shows to others: each is written again as soon as all have read it. */
export const vectorSlots = 2;
/** Parts of them that another one follows: around a part that it does not need there are two. */
export const maxFollowedParts = 2 * vectorSlots;
/** Floats that a worker sends to be timed, at most: of one message, and to one connection in a generation (8 MiB). */
export const maxProbeFloats = 1 << 14;
export const maxProbedFloats = 1 << 21;
/** Steps that are assigned ahead at most, where ranks do not wait for the coordinator between them. */
export const mostAssignedAhead = 32;
/** The last steps of which a worker can say what they came to: as many as it may have done without its coordinator. */
export const maxReportedSteps = mostAssignedAhead;
/** Workers that a heartbeat names at most, of those for whose gradients its sender waits. */
export const maxNamedAwaited = 4;
/** Threads of one worker. */
export const maxThreads = 4096;

/** The largest frame that a run with so many parameters needs: a vector of them, a chunk of one, or a header. In bytes. */
export function frameBytesFor(parameterCount: number): number {
  return Math.max(maxHeaderBytes, Math.min(maxFrameBytes, parameterCount * Float32Array.BYTES_PER_ELEMENT));
}

/** Characters of a run's id. */
export const maxRunLength = 200;

/** No longer than 30 years: sums of such times stay finite, whatever a peer says. */
export const maxSeconds = 1e9;
