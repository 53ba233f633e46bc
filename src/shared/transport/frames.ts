/** One message on a ZeroMQ socket: a header, then tensors. */
export type Frames = readonly (Uint8Array | Float32Array)[];

export function byteLength(frames: Frames): number {
  return frames.reduce((sum, frame) => sum + frame.byteLength, 0);
}
