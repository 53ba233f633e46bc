import { describe, expect, it } from 'vitest';
import type { AllReduceHub } from '../../../../../src/shared/collectives/collective.ts';
import { codecNamed } from '../../../../../src/shared/collectives/compression/codecs.ts';
import { createStarHub } from '../../../../../src/shared/collectives/star/star-hub.ts';

const one = [{ from: 0, to: 2 }];
const two = [...one, { from: 2, to: 3 }];

interface Part {
  readonly rank: number;
  readonly values: readonly number[];
  readonly step?: number;
  readonly attempt?: number;
  readonly bucket?: number;
  readonly now?: number;
}

function give(hub: AllReduceHub, { rank, values, step = 0, attempt = 0, bucket = 0, now = 0 }: Part) {
  const message = { type: 'contribute', generation: 1, step, attempt, bucket } as const;
  return hub.receive(rank, message, [Float32Array.from(values)], now);
}

/** What every rank is sent. */
const reply = (sum: readonly number[], waited: readonly number[], { step = 0, attempt = 0, bucket = 0 } = {}) => ({
  kind: 'reply',
  replies: waited.map((seconds, rank) => ({
    rank,
    body: { type: 'reduced', generation: 1, step, attempt, bucket, waited: seconds },
    tensors: [Float32Array.from(sum)],
  })),
});

describe('the hub of the star', () => {
  it('answers when the last rank has come, and tells each rank how long its part waited', () => {
    const hub = createStarHub({ worldSize: 3, buckets: one });
    expect(give(hub, { rank: 2, values: [1, 2], now: 10 })).toEqual({ kind: 'pending' });
    expect(give(hub, { rank: 0, values: [10, 20], now: 10.5 })).toEqual({ kind: 'pending' });
    expect(give(hub, { rank: 1, values: [100, 200], now: 12 })).toEqual(reply([111, 222], [1.5, 0, 2]));
  });

  it('adds in rank order, whatever the order of arrival', () => {
    const values = [1e8, 1, -1e8, 0.5];
    const expected = Math.fround(Math.fround(Math.fround(1e8 + 1) - 1e8) + 0.5);
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [2, 0, 3, 1],
    ]) {
      const hub = createStarHub({ worldSize: 4, buckets: [{ from: 0, to: 1 }] });
      const outcomes = order.map((rank) => give(hub, { rank, values: [values[rank] ?? 0] }));
      expect(outcomes.at(-1)).toEqual(reply([expected], [0, 0, 0, 0]));
    }
  });

  it('keeps steps, attempts and buckets apart', () => {
    const hub = createStarHub({ worldSize: 2, buckets: two });
    give(hub, { rank: 0, values: [1, 1] });
    give(hub, { rank: 0, values: [5], bucket: 1 });
    give(hub, { rank: 0, values: [7, 7], step: 1 });
    give(hub, { rank: 0, values: [9, 9], attempt: 1 });
    expect(give(hub, { rank: 1, values: [6], bucket: 1 })).toEqual(reply([11], [0, 0], { bucket: 1 }));
    expect(give(hub, { rank: 1, values: [2, 3] })).toEqual(reply([3, 4], [0, 0]));
    expect(give(hub, { rank: 1, values: [1, 0], attempt: 1 })).toEqual(reply([10, 9], [0, 0], { attempt: 1 }));
    expect(give(hub, { rank: 1, values: [0, 0], step: 1 })).toEqual(reply([7, 7], [0, 0], { step: 1 }));
  });

  it('refuses what does not belong, and loses nothing by it', () => {
    const hub = createStarHub({ worldSize: 2, buckets: one });
    give(hub, { rank: 0, values: [1, 1] });
    for (const [part, reason] of [
      [{ rank: 0, values: [9, 9] }, 'bucket 0 came twice'],
      [{ rank: 1, values: [9, 9], bucket: 1 }, 'bucket must be below 1, got 1'],
      [{ rank: 1, values: [9] }, 'bucket 0 must have 2 floats, got 1'],
      [{ rank: 1, values: [9, 9, 9] }, 'bucket 0 must have 2 floats, got 3'],
    ] as const) {
      expect(give(hub, part)).toEqual({ kind: 'refused', reason });
    }
    const message = { type: 'contribute', generation: 1, step: 0, attempt: 0, bucket: 0 } as const;
    expect(hub.receive(1, { ...message, part: 0 }, [Float32Array.of(9, 9)], 0)).toEqual({
      kind: 'refused',
      reason: 'part must be left out, got 0',
    });
    for (const count of [0, 2]) {
      const tensors = Array(count).fill(Float32Array.of(9, 9));
      const reason = `bucket 0 must have one tensor, got ${count}`;
      expect(hub.receive(1, message, tensors, 0)).toEqual({ kind: 'refused', reason });
    }
    expect(give(hub, { rank: 1, values: [2, 2] })).toEqual(reply([3, 3], [0, 0]));
  });

  it('refuses a second part of a sum that was sent already', () => {
    const hub = createStarHub({ worldSize: 2, buckets: one });
    give(hub, { rank: 0, values: [1, 1] });
    give(hub, { rank: 1, values: [2, 2] });
    for (const rank of [0, 1]) expect(give(hub, { rank, values: [9, 9] })).toMatchObject({ kind: 'refused' });
  });

  it.each([Number.NaN, Infinity, -Infinity, 1.8e38, -3.4e38])('knows which float of which rank is %f', (value) => {
    const hub = createStarHub({ worldSize: 2, buckets: two });
    give(hub, { rank: 0, values: [1, 1] });
    give(hub, { rank: 0, values: [1], bucket: 1 });
    const sent = Math.fround(value);
    expect(give(hub, { rank: 1, values: [0, value] })).toEqual({ kind: 'diverged', value: sent, float: 1 });
    expect(give(hub, { rank: 1, values: [value], bucket: 1 })).toEqual({ kind: 'diverged', value: sent, float: 2 });
    // Nothing of it is added up.
    expect(give(hub, { rank: 1, values: [2, 2] })).toEqual(reply([3, 3], [0, 0]));
  });

  it('takes what is not finite where nobody will apply it, and tells whose it is', () => {
    const hub = createStarHub({ worldSize: 2, buckets: two, takesNonFinite: true });
    const nonFinite = { float: 1, value: Number.NaN };
    expect(give(hub, { rank: 0, values: [1, Number.NaN] })).toEqual({ kind: 'pending', nonFinite });
    expect(give(hub, { rank: 1, values: [2, 2] })).toEqual(reply([3, Number.NaN], [0, 0]));
    expect(give(hub, { rank: 0, values: [1], bucket: 1 })).toEqual({ kind: 'pending' });
    const value = Number.POSITIVE_INFINITY;
    const last = give(hub, { rank: 1, values: [value], bucket: 1 });
    expect(last).toMatchObject({ kind: 'reply', nonFinite: { float: 2, value } });
    expect(hub.missing(1, { generation: 1, step: 0, attempt: 0 })).toBe(0);
  });

  it('takes the largest parts whose sum is finite', () => {
    const hub = createStarHub({ worldSize: 4, buckets: one });
    const large = Math.fround(8.5e37);
    for (const rank of [0, 1, 2]) give(hub, { rank, values: [large, -large] });
    const sum = [0, 1, 2].reduce((total) => Math.fround(total + large), large);
    expect(Number.isFinite(sum)).toBe(true);
    expect(give(hub, { rank: 3, values: [large, -large] })).toEqual(reply([sum, -sum], [0, 0, 0, 0]));
  });

  it('adds every float, whatever the length', () => {
    for (let length = 1; length <= 9; length++) {
      const hub = createStarHub({ worldSize: 2, buckets: [{ from: 0, to: length }] });
      const values = Array.from({ length }, (_, i) => i + 1);
      give(hub, { rank: 0, values });
      expect(give(hub, { rank: 1, values: values.map((value) => 10 * value) })).toEqual(
        reply(
          values.map((value) => 11 * value),
          [0, 0],
        ),
      );
    }
  });

  it('says how many buckets a rank has still to send', () => {
    const hub = createStarHub({ worldSize: 2, buckets: two });
    const attempt = { generation: 1, step: 0, attempt: 0 };
    const missing = () => [0, 1].map((rank) => hub.missing(rank, attempt));
    expect(missing()).toEqual([2, 2]);
    give(hub, { rank: 1, values: [5], bucket: 1 });
    expect(missing()).toEqual([2, 1]);
    give(hub, { rank: 0, values: [5], bucket: 1 });
    give(hub, { rank: 0, values: [5, 5] });
    give(hub, { rank: 1, values: [5, 5], step: 1 });
    expect(missing()).toEqual([0, 1]);
    hub.forget(attempt);
    expect(missing()).toEqual([2, 2]);
  });

  it('forgets an aborted attempt, and nothing else', () => {
    const hub = createStarHub({ worldSize: 2, buckets: one });
    give(hub, { rank: 0, values: [1, 1] });
    give(hub, { rank: 0, values: [5, 5], step: 1 });
    hub.forget({ generation: 1, step: 0, attempt: 0 });
    expect(give(hub, { rank: 1, values: [2, 2] })).toEqual({ kind: 'pending' });
    expect(give(hub, { rank: 1, values: [2, 2], step: 1 })).toEqual(reply([7, 7], [0, 0], { step: 1 }));
  });

  it('decodes what comes encoded, and refuses words that no codec wrote', () => {
    const codec = codecNamed('topk:49');
    const hub = createStarHub({ worldSize: 2, buckets: two, codec });
    const send = (rank: number, bucket: number, ...words: readonly number[]) =>
      hub.receive(
        rank,
        { type: 'contribute', generation: 1, step: 0, attempt: 0, bucket },
        [new Float32Array(Uint32Array.from(words).buffer)],
        0,
      );
    const [one, half] = [0x3f80_0000, 0x3f00_0000];
    expect(send(0, 0, 2, one)).toEqual({
      kind: 'refused',
      reason: 'bucket 0: place 0 must be from 0 to 1, got 2',
    });
    expect(send(0, 0, 1)).toEqual({ kind: 'refused', reason: 'bucket 0: it must have 2 words, got 1' });
    expect(send(0, 2, 0, one)).toEqual({ kind: 'refused', reason: 'bucket must be below 2, got 2' });
    expect(send(0, 0, 1, one)).toEqual({ kind: 'pending' });
    expect(send(0, 0, 1, one)).toEqual({ kind: 'refused', reason: 'bucket 0 came twice' });
    expect(send(1, 1, 0, 0x7fc0_0000)).toEqual({ kind: 'diverged', float: 2, value: Number.NaN });
    expect(send(1, 0, 0, half)).toEqual(reply([0.5, 1], [0, 0]));
  });
});
