import { describe, expect, it } from 'vitest';
import { codecNamed } from '../../../../../src/shared/collectives/compression/codecs.ts';
import { createErrorFeedback } from '../../../../../src/shared/collectives/compression/error-feedback.ts';

const buckets = [
  { from: 0, to: 3 },
  { from: 3, to: 5 },
];

/** One float of each bucket is sent. */
function open() {
  const codec = codecNamed('topk:33');
  if (codec === undefined) throw new Error('no codec');
  const feedback = createErrorFeedback(codec, buckets);
  /** What each bucket is decoded to. */
  const send = (gradient: Float32Array) =>
    buckets.flatMap(({ from, to }, bucket) => {
      const target = new Float32Array(to - from);
      expect(codec.decode(feedback.encode(bucket, gradient.subarray(from, to)), target)).toBeUndefined();
      return [...target];
    });
  return { feedback, send };
}

describe('error feedback', () => {
  it('has a place for the words of each bucket', () => {
    const { feedback } = open();
    expect(feedback.places).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 4 },
    ]);
    expect(feedback.words).toBe(4);
  });

  it('adds what it kept back to the next gradient, and sends each part once', () => {
    const { feedback, send } = open();
    expect(send(Float32Array.of(1, 3, 2, 5, 4))).toEqual([0, 3, 0, 5, 0]);
    feedback.settle();
    expect([...feedback.residual()]).toEqual([1, 0, 2, 0, 4]);
    const gradient = new Float32Array(5).fill(0.5);
    expect(send(gradient)).toEqual([0, 0, 2.5, 0, 4.5]);
    expect([...gradient]).toEqual([1.5, 0.5, 2.5, 0.5, 4.5]);
    feedback.settle();
    expect(send(new Float32Array(5))).toEqual([1.5, 0, 0, 0.5, 0]);
    feedback.settle();
    expect(send(new Float32Array(5))).toEqual([0, 0.5, 0, 0, 0]);
    feedback.settle();
    expect([...feedback.residual()]).toEqual([0, 0, 0, 0, 0]);
  });

  it('counts what it kept as before in the mean of a step with other samples, and tells what it is for each', () => {
    const { feedback, send } = open();
    feedback.begin(8);
    send(Float32Array.of(8, 24, 16, 40, 32));
    feedback.settle();
    expect([...feedback.residual()]).toEqual([1, 0, 2, 0, 4]);
    // The short last step of an epoch has a quarter of the samples.
    feedback.begin(2);
    expect(send(Float32Array.of(0, 3, 0, 0, 0))).toEqual([0, 0, 4, 0, 8]);
    feedback.settle();
    expect([...feedback.residual()]).toEqual([1, 1.5, 0, 0, 0]);
    feedback.begin(8);
    const gradient = new Float32Array(5);
    feedback.addAll(gradient);
    expect([...gradient]).toEqual([8, 12, 0, 0, 0]);
    // Another process goes on with what this one has told.
    const { feedback: other } = open();
    other.replace(feedback.residual());
    other.begin(4);
    const next = new Float32Array(5);
    other.addAll(next);
    expect([...next]).toEqual([4, 6, 0, 0, 0]);
  });

  it('keeps what it kept where a step is not applied, even if that was not finite', () => {
    const { feedback, send } = open();
    send(Float32Array.of(1, 3, 2, 5, 4));
    feedback.settle();
    send(new Float32Array(5).fill(Number.NaN));
    expect([...feedback.residual()]).toEqual([1, 0, 2, 0, 4]);
    expect(send(new Float32Array(5))).toEqual([0, 0, 2, 0, 4]);
  });

  it('hands out words that stay as they are while other buckets are encoded', () => {
    const { feedback } = open();
    const first = feedback.encode(0, Float32Array.of(1, 2, 3));
    const before = first.slice();
    feedback.encode(1, Float32Array.of(9, 8));
    expect(first).toEqual(before);
  });

  it('adds everything where nothing is sent', () => {
    const { feedback, send } = open();
    send(Float32Array.of(1, 3, 2, 5, 4));
    feedback.settle();
    const gradient = new Float32Array(5).fill(1);
    feedback.addAll(gradient);
    expect([...gradient]).toEqual([2, 1, 3, 1, 5]);
    // Not before the step is applied.
    expect([...feedback.residual()]).toEqual([1, 0, 2, 0, 4]);
    feedback.settle();
    expect([...feedback.residual()]).toEqual([0, 0, 0, 0, 0]);
  });

  it('takes over what it is given, or nothing', () => {
    const { feedback, send } = open();
    const given = Float32Array.of(0, 1, 0, 1, 0);
    feedback.replace(given);
    given.fill(9);
    expect(send(new Float32Array(5))).toEqual([0, 1, 0, 1, 0]);
    feedback.replace(undefined);
    expect([...feedback.residual()]).toEqual([0, 0, 0, 0, 0]);
  });
});
