/** What every collective that compresses must do, whatever its topology and whatever the codec. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketEnds, gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import { codecNamed } from '../../src/shared/collectives/compression/codecs.ts';
import { createErrorFeedback, type ErrorFeedback } from '../../src/shared/collectives/compression/error-feedback.ts';
import { plainCodec, plainStep } from '../support/plain-compression.ts';
import { logUniform, orZero, uniform } from '../support/realistic-numbers.ts';
import { rounds } from '../support/thoroughness.ts';
import { type CollectiveUnderTest, reduceOnce } from './all-reduce.contract.ts';

/** @param feedbacks of the ranks */
export type CompressedFactory = (
  worldSize: number,
  sizes: readonly number[],
  feedbacks: readonly ErrorFeedback[],
) => Promise<CollectiveUnderTest>;

/** Two buckets, the first of them with an odd number of floats. */
const sizes = [301, 65_536];
const length = 65_837;
const ends = bucketEnds(gradientBuckets(sizes));

/** As gradients are: most of them small, some zero, a few large. */
function drawGradient(seed: number): Float32Array {
  const gradient = new Float32Array(length);
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 0x9e37_79b1) ^ (state >>> 15);
    const spread = 2 ** ((state >>> 24) % 20) / 2 ** 16;
    gradient[i] = state % 11 === 0 ? 0 : (((state >>> 8) & 0xffff) / 65_536 - 0.5) * spread;
  }
  return gradient;
}

export function feedbacksOf(name: string, ranks: number, of: readonly number[]): readonly ErrorFeedback[] {
  const codec = codecNamed(name);
  if (codec === undefined) throw new Error(`no codec ${name}`);
  return Array.from({ length: ranks }, () => createErrorFeedback(codec, gradientBuckets(of)));
}

export function describeCompressed(name: string, codec: string, create: CompressedFactory): void {
  describe(`${name} all-reduce with ${codec}`, () => {
    const reduceAll = (group: CollectiveUnderTest, step: number, gradients: readonly Float32Array[], attempt = 0) =>
      Promise.all(
        gradients.map((gradient, rank) => reduceOnce(group, rank, { generation: 1, step, attempt }, gradient.slice())),
      );

    it('gives every rank the bits of plain formulas, step after step', async () => {
      const feedbacks = feedbacksOf(codec, 3, sizes);
      const group = await create(3, sizes, feedbacks);
      const ranks = feedbacks.map(() => ({ kept: [] }));
      for (let step = 0; step < 3; step++) {
        const gradients = feedbacks.map((_, rank) => drawGradient(1 + 7 * step + rank));
        const reduced = await reduceAll(group, step, gradients);
        for (const feedback of feedbacks) feedback.settle();
        const expected = Float32Array.from(plainStep(plainCodec(codec), ranks, gradients, ends));
        for (const { sum } of reduced)
          expect(Buffer.from(sum.slice().buffer).equals(Buffer.from(expected.buffer))).toBe(true);
        for (const [rank, feedback] of feedbacks.entries()) {
          expect([...feedback.residual()].every((kept, i) => kept === ranks[rank]?.kept[i])).toBe(true);
        }
      }
      await group.close();
    });

    it('sends what the codec leaves, and no more', async () => {
      const feedbacks = feedbacksOf(codec, 2, sizes);
      const group = await create(2, sizes, feedbacks);
      const [first] = await reduceAll(group, 0, [drawGradient(3), drawGradient(5)]);
      const kept = codec.startsWith('topk:') ? Number(codec.slice(5)) : 0;
      const words =
        {
          bf16: 32_768 + 151,
          int8: 256 + 16_384 + 2 + 76,
        }[codec] ?? 2 * (Math.ceil(655.36 * kept) + Math.ceil(3.01 * kept));
      expect(first?.bytes.sent).toBe(4 * words);
      expect([4 * words, 4 * length]).toContain(first?.bytes.received);
      await group.close();
    });

    const values = fc.tuple(orZero(logUniform(1e-9, 1e4)), fc.boolean()).map(([size, isUp]) => (isUp ? size : -size));
    const few = fc
      .record({ floats: fc.integer({ min: 1, max: 9 }), ranks: fc.integer({ min: 2, max: 4 }) })
      .chain(({ floats, ranks }) =>
        fc.array(fc.array(values, { minLength: floats, maxLength: floats }), { minLength: ranks, maxLength: ranks }),
      );

    it('keeps what it kept when a step comes to nothing, and tries again as if nothing had been', async () => {
      await fc.assert(
        fc.asyncProperty(few, few, uniform(-1, 1), async (before, after, odd) => {
          const floats = before[0]?.length ?? 0;
          const vectors = (drawn: readonly (readonly number[])[]) =>
            before.map((_, rank) => Float32Array.from({ length: floats }, (__, i) => drawn[rank]?.[i] ?? 0));
          const feedbacks = feedbacksOf(codec, before.length, [floats]);
          const group = await create(before.length, [floats], feedbacks);
          const ranks = feedbacks.map(() => ({ kept: [] as readonly number[] }));
          await reduceAll(group, 0, vectors(before));
          for (const feedback of feedbacks) feedback.settle();
          plainStep(plainCodec(codec), ranks, vectors(before), [floats]);
          // Nobody applies this one: it is not settled.
          await reduceAll(
            group,
            1,
            before.map(() => new Float32Array(floats).fill(odd)),
          );
          for (const [rank, feedback] of feedbacks.entries())
            expect([...feedback.residual()]).toEqual(ranks[rank]?.kept);
          const again = await reduceAll(group, 1, vectors(after), 1);
          const expected = plainStep(plainCodec(codec), ranks, vectors(after), [floats]);
          for (const { sum } of again) expect([...sum]).toEqual([...Float32Array.from(expected)]);
          await group.close();
        }),
        { numRuns: rounds(3, 60) },
      );
    });

    it('shows what is not finite', async () => {
      for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const feedbacks = feedbacksOf(codec, 2, [300]);
        const group = await create(2, [300], feedbacks);
        const poisoned = new Float32Array(300).fill(0.25);
        poisoned[299] = odd;
        const reduced = await reduceAll(group, 0, [new Float32Array(300), poisoned]);
        for (const { sum } of reduced) expect(Number.isFinite(sum[299])).toBe(false);
        await group.close();
      }
    });
  });
}
