/** Which messages travel together. */
import { expect, it } from 'vitest';
import { type Frames, joinFrames } from '../../../../src/shared/transport/frames.ts';

/** A header of this length, whose bytes are this. */
const header = (length: number, byte = 1): Frames => [new Uint8Array(length).fill(byte)];
const withTensor: Frames = [new Uint8Array(1), new Float32Array(2)];
const countOf = (...waiting: readonly Frames[]) => joinFrames(waiting).count;

it('joins the headers that come first, in order, as a list', () => {
  const { frames, count } = joinFrames([header(2, 7), header(1, 8), withTensor, header(1, 9)]);
  expect(count).toBe(2);
  expect([...Buffer.concat(frames as Uint8Array[])]).toEqual([0xdc, 0, 2, 7, 7, 8]);
});

it('leaves a message as it is that is alone, or has tensors', () => {
  const only = header(3);
  expect(joinFrames([only])).toEqual({ frames: only, count: 1 });
  expect(joinFrames([withTensor, header(1)])).toEqual({ frames: withTensor, count: 1 });
  expect(joinFrames([only, withTensor])).toEqual({ frames: only, count: 1 });
});

it('joins no more and no longer ones than one header may hold', () => {
  expect(countOf(...Array.from({ length: 100 }, () => header(1)))).toBe(64);
  expect(countOf(header(16_000), header(383), header(1))).toBe(2);
  expect(countOf(header(16_000), header(384))).toBe(1);
  expect(countOf(header(200_000), header(1))).toBe(1);
});
