/** What every collective must do, whatever its topology. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AllReduce, Collective, Reduced, Reduction, StepPart } from '../../src/shared/collectives/collective.ts';
import type { Attempt } from '../../src/shared/protocol/messages.ts';
import { sameBits } from '../support/compare-vectors.ts';
import { rounds } from '../support/thoroughness.ts';

/** One collective over `worldSize` ranks in this process. */
export interface CollectiveUnderTest {
  readonly ranks: readonly AllReduce[];
  /** The attempt begins, unless it has. Each rank's share is one micro-shard. */
  begin(attempt: Attempt): Attempt;
  /** Ends the generation. */
  abort(reason: Error): void;
  close(): void | Promise<void>;
}

/** @param sizes of the variables that make up the vector */
export type CollectiveFactory = (worldSize: number, sizes: readonly number[]) => Promise<CollectiveUnderTest>;

/** A rank's part of an attempt from beginning to end. */
export async function reduceOnce(
  group: CollectiveUnderTest,
  rank: number,
  attempt: Attempt,
  values: Float32Array,
): Promise<Reduced> {
  return startOf(group, rank, attempt, values).finish(partOf(rank), () => {});
}

function startOf(group: CollectiveUnderTest, rank: number, attempt: Attempt, values: Float32Array) {
  const collective = group.ranks[rank];
  if (collective === undefined) throw new Error('no such rank');
  return collective.start(group.begin(attempt), [values]);
}

/** Every rank has computed something else. */
export function partOf(rank: number): StepPart {
  return { from: 8 * rank, to: 8 * rank + 8, lossSum: 1.5 + rank, correct: rank, areFinite: rank !== 1 };
}

function multiplesOfPlaces(factor: number, length: number): Float32Array {
  const vector = new Float32Array(length);
  for (let i = 0; i < length; i++) vector[i] = factor * i;
  return vector;
}

export function describeAllReduce(name: string, numerics: Collective['numerics'], create: CollectiveFactory): void {
  describe(`${name} all-reduce`, () => {
    /**
     * Runs reductions step by step: rank r contributes `vectors[step][r]`, ranks in the given order, with a turn of the
     * event loop between them. `early` lists the parts that are handed over as they become ready.
     */
    async function reduce(
      vectors: readonly (readonly Float32Array[])[],
      {
        order,
        sizes = [vectors[0]?.[0]?.length ?? 0],
        early = [],
      }: {
        readonly order?: readonly number[];
        readonly sizes?: readonly number[];
        readonly early?: readonly (readonly [from: number, to: number])[];
      } = {},
    ) {
      const worldSize = vectors[0]?.length ?? 0;
      const group = await create(worldSize, sizes);
      const results: Float32Array[][] = [];
      const votes: number[] = Array(worldSize).fill(0);
      for (const [step, contributions] of vectors.entries()) {
        const pending: Promise<Float32Array>[] = [];
        for (const rank of order ?? contributions.keys()) {
          const values = contributions[rank];
          if (values === undefined) throw new Error('no such rank');
          const vote = () => {
            votes[rank] = (votes[rank] ?? 0) + 1;
          };
          const reduction = startOf(group, rank, { generation: 1, step, attempt: 0 }, values);
          for (const [from, to] of early) {
            reduction.ready(from, to);
            await new Promise((resolve) => setImmediate(resolve));
          }
          pending[rank] = reduction.finish(partOf(rank), vote).then(({ sum, parts, waitSeconds, bytes }) => {
            if (parts !== undefined) expect(parts).toEqual(contributions.map((_, other) => partOf(other)));
            expect(waitSeconds).toBeGreaterThanOrEqual(0);
            // Whoever is not alone must send its own part, and receive the others'.
            if (worldSize > 1) for (const count of [bytes.sent, bytes.received]) expect(count).toBeGreaterThan(0);
            return sum.slice();
          });
          await new Promise((resolve) => setImmediate(resolve));
        }
        results.push(await Promise.all(pending));
      }
      await group.close();
      return { results, votes };
    }

    const vectors = fc
      .record({ world: fc.integer({ min: 1, max: 5 }), length: fc.integer({ min: 1, max: 40 }), seed: fc.integer() })
      .chain(({ world, length }) =>
        fc.array(fc.float32Array({ minLength: length, maxLength: length, noNaN: true, min: -1000, max: 1000 }), {
          minLength: world,
          maxLength: world,
        }),
      );

    it('gives every rank the same bits: the sum over ranks', async () => {
      await fc.assert(
        fc.asyncProperty(vectors, async (contributions) => {
          const inRankOrder = contributions[0]?.slice() ?? new Float32Array(0);
          for (const vector of contributions.slice(1)) {
            for (let i = 0; i < inRankOrder.length; i++) {
              inRankOrder[i] = Math.fround((inRankOrder[i] ?? 0) + (vector[i] ?? 0));
            }
          }
          const { results } = await reduce([contributions.map((vector) => vector.slice())]);
          const [first, ...others] = results[0] ?? [];
          for (const other of others) expect(other).toEqual(first);
          if (numerics === 'rank-order') expect(first).toEqual(inRankOrder);
          const largest = Math.max(...contributions.flatMap((vector) => [...vector].map(Math.abs)), 1);
          for (const [i, value] of (first ?? []).entries()) {
            const exact = contributions.reduce((sum, vector) => sum + (vector[i] ?? 0), 0);
            expect(Math.abs(value - exact)).toBeLessThanOrEqual(contributions.length * largest * 2 ** -22);
          }
        }),
        { numRuns: rounds(8, 60) },
      );
    });

    it('does not depend on the order of arrival', async () => {
      const contributions = [1e8, 1, -1e8, 0.5].map((value) => Float32Array.of(value, value / 3));
      const orders = [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [2, 0, 3, 1],
      ];
      const sums = [];
      for (const order of orders) {
        sums.push((await reduce([contributions.map((vector) => vector.slice())], { order })).results[0]?.[0]);
      }
      expect(sums[1]).toEqual(sums[0]);
      expect(sums[2]).toEqual(sums[0]);
    });

    it('reduces step after step, and lets every rank vote once a step', async () => {
      const steps = Array.from({ length: 5 }, (_, step) => [0, 1, 2].map((rank) => Float32Array.of(step, rank)));
      const { results, votes } = await reduce(steps);
      expect(results.map((step) => step.map((sum) => [...sum]))).toEqual(
        steps.map((_, step) => Array(3).fill([3 * step, 3])),
      );
      expect(votes).toEqual([5, 5, 5]);
    });

    it('reduces vectors longer than one message, handed over in parts from the end', async () => {
      const length = 600_000;
      const contributions = [multiplesOfPlaces(1, length), multiplesOfPlaces(2, length)];
      const expected = multiplesOfPlaces(3, length);
      const early = [
        [500_000, length],
        [100_000, 500_000],
      ] as const;
      for (const options of [{}, { early }, { sizes: [90_000, 250_000, 260_000], early }]) {
        const { results, votes } = await reduce([contributions], options);
        for (const sum of results[0] ?? []) expect(sameBits(sum, expected)).toBe(true);
        expect(votes).toEqual([1, 1]);
      }
    });

    it('tells who waited for whom: the last rank for nobody, the first for all', async () => {
      const group = await create(2, [4]);
      const begin = (rank: number, step: number) =>
        startOf(group, rank, { generation: 1, step, attempt: 0 }, new Float32Array(4));
      const finish = (rank: number, reduction: Reduction) => reduction.finish(partOf(rank), () => {});
      // The first step also waits for connections.
      await Promise.all([finish(0, begin(0, 0)), finish(1, begin(1, 0))]);
      const [first, second] = [begin(0, 1), begin(1, 1)];
      const early = finish(0, first);
      // What is waited here is what this is about.
      await new Promise((resolve) => setTimeout(resolve, 60));
      const late = finish(1, second);
      const [waitOfFirst = 0, waitOfSecond = 1] = (await Promise.all([early, late])).map((part) => part.waitSeconds);
      expect(waitOfFirst).toBeGreaterThan(0.03);
      expect(waitOfSecond).toBeLessThan(waitOfFirst);
      await group.close();
    });

    it('lets nothing of an attempt into the next one, which may be another try at the same step', async () => {
      const group = await create(2, [4]);
      const start = (rank: number, attempt: number, value: number) =>
        reduceOnce(group, rank, { generation: 1, step: 0, attempt }, new Float32Array(4).fill(value));
      // The second rank never takes part in attempt 0.
      start(0, 0, 1000).catch(() => {});
      const sums = await Promise.all([start(0, 1, 1), start(1, 1, 2)]);
      for (const { sum } of sums) expect([...sum]).toEqual([3, 3, 3, 3]);
      await group.close();
    });

    it('ends pending and later reductions when the generation is aborted', async () => {
      const group = await create(2, [4]);
      const reduceStep = (step: number) =>
        reduceOnce(group, 0, { generation: 1, step, attempt: 0 }, new Float32Array(4));
      const pending = reduceStep(0);
      group.abort(new Error('worker w1 was lost'));
      await expect(pending).rejects.toThrow('worker w1 was lost');
      const later = reduceStep(1);
      await expect(later).rejects.toThrow('worker w1 was lost');
      await group.close();
    });

    it('refuses a vector of another length', async () => {
      const group = await create(1, [4]);
      const start = () =>
        group.ranks[0]?.start(group.begin({ generation: 1, step: 0, attempt: 0 }), [new Float32Array(5)]);
      expect(start).toThrow('5 floats, expected 4');
      await group.close();
    });
  });
}
