/** Messages on a ZeroMQ socket. */
import { joinHeaders } from '../protocol/codec.ts';
import { maxJoinedBytes, maxJoinedMessages } from '../protocol/limits.ts';

/** One message: a header, then tensors. */
export type Frames = readonly (Uint8Array | Float32Array)[];

export function byteLength(frames: Frames): number {
  return frames.reduce((sum, frame) => sum + frame.byteLength, 0);
}

/**
 * Those messages without tensors that come first as one, as many as may travel together.
 * @param waiting one or more
 */
export function joinFrames(waiting: readonly Frames[]): { readonly frames: Frames; readonly count: number } {
  const headers: Uint8Array[] = [];
  let bytes = 0;
  for (const [header, ...tensors] of waiting) {
    bytes += header?.byteLength ?? 0;
    if (!(header instanceof Uint8Array) || tensors.length > 0) break;
    if (bytes > maxJoinedBytes || headers.length === maxJoinedMessages) break;
    headers.push(header);
  }
  if (headers.length > 1) return { frames: [joinHeaders(headers)], count: headers.length };
  const [first = []] = waiting;
  return { frames: first, count: 1 };
}
