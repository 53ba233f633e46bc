/** Messages on a ZeroMQ socket. */
import { joinHeaders } from '../protocol/codec.ts';

/** One message: a header, then tensors. */
export type Frames = readonly (Uint8Array | Float32Array)[];

export function byteLength(frames: Frames): number {
  return frames.reduce((sum, frame) => sum + frame.byteLength, 0);
}

/** Messages as one; undefined where one of them has tensors, or they are too long or too many. */
export function joinFrames(messages: readonly Frames[]): Frames | undefined {
  if (messages.some(({ length }) => length !== 1)) return undefined;
  const joined = joinHeaders(messages.map(([header]) => header as Uint8Array));
  return joined && [joined];
}
