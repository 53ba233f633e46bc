import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketEnds, bucketsFromEnds, gradientBuckets } from '../../../../src/shared/collectives/buckets.ts';

describe('gradientBuckets', () => {
  it("puts the CNN's last layers in a bucket that leaves while the first ones are computed", () => {
    const sizes = [288, 32, 18_432, 64, 36_864, 64, 36_864, 64, 640, 10];
    expect(gradientBuckets(sizes)).toEqual([
      { from: 0, to: 18_816 },
      { from: 18_816, to: 93_322 },
    ]);
  });

  it('keeps a small model in one bucket, and cuts a large variable into messages', () => {
    expect(gradientBuckets([7840, 10])).toEqual([{ from: 0, to: 7850 }]);
    expect(gradientBuckets([600_000]).map(({ from, to }) => to - from)).toEqual([200_000, 200_000, 200_000]);
  });

  it.each([
    [[65_536], [65_536]],
    [[10, 65_535], [65_545]],
    [
      [10, 65_536],
      [10, 65_546],
    ],
    [
      [10, 1, 65_535],
      [10, 65_546],
    ],
    [[262_144], [262_144]],
    [[262_145], [131_073, 262_145]],
    [[524_288], [262_144, 524_288]],
    [
      [10_000, 20_000, 65_536, 65_536],
      [30_000, 95_536, 161_072],
    ],
    [
      [65_536, 262_144],
      [65_536, 327_680],
    ],
    [[], []],
  ])('of %j floats end at %j', (sizes, ends) => {
    expect(bucketEnds(gradientBuckets(sizes))).toEqual(ends);
  });

  it('covers every float once, in messages of at most 1 MiB', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900_000 }), { minLength: 1, maxLength: 12 }), (sizes) => {
        const buckets = gradientBuckets(sizes);
        let end = 0;
        for (const { from, to } of buckets) {
          expect(from).toBe(end);
          expect(to - from).toBeGreaterThan(0);
          expect(to - from).toBeLessThanOrEqual(1 << 18);
          end = to;
        }
        expect(end).toBe(sizes.reduce((sum, size) => sum + size));
        expect(bucketsFromEnds(bucketEnds(buckets), end)).toEqual(buckets);
      }),
    );
  });
});

it('bucketsFromEnds is the way back, from 0 to the length', () => {
  expect(bucketsFromEnds([4, 10], 10)).toEqual([
    { from: 0, to: 4 },
    { from: 4, to: 10 },
  ]);
});

it('bucketsFromEnds refuses ends that do not make up the gradient', () => {
  for (const ends of [[], [5], [5, 5, 10], [7, 3, 10], [0, 10], [11]]) {
    expect(bucketsFromEnds(ends, 10)).toBeUndefined();
  }
});
