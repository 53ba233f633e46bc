/** What every collective must do, whatever its topology. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AllReduce } from '../../src/shared/collectives/all-reduce.ts';

/** One collective over `worldSize` ranks in this process. */
export interface CollectiveUnderTest {
  readonly ranks: readonly AllReduce[];
  close(): void | Promise<void>;
}

export type CollectiveFactory = (worldSize: number, length: number) => Promise<CollectiveUnderTest>;

export function describeAllReduce(name: string, create: CollectiveFactory): void {
  describe(`${name} all-reduce`, () => {
    /** Runs `steps` reductions; rank r contributes `vectors[step][r]` after `delays[r]` turns of the event loop. */
    async function reduce(vectors: readonly (readonly Float32Array[])[], order?: readonly number[]) {
      const worldSize = vectors[0]?.length ?? 0;
      const group = await create(worldSize, vectors[0]?.[0]?.length ?? 0);
      const results: Float32Array[][] = [];
      const votes: number[] = Array(worldSize).fill(0);
      for (const [step, contributions] of vectors.entries()) {
        const pending: Promise<Float32Array>[] = [];
        for (const rank of order ?? contributions.keys()) {
          const collective = group.ranks[rank];
          const values = contributions[rank];
          if (collective === undefined || values === undefined) throw new Error('no such rank');
          const vote = () => {
            votes[rank] = (votes[rank] ?? 0) + 1;
          };
          pending[rank] = collective
            .sum({ generation: 1, step, attempt: 0 }, values, vote)
            .then(({ sum, waitSeconds }) => {
              expect(waitSeconds).toBeGreaterThanOrEqual(0);
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

    it('gives every rank the plain sum in rank order, bit for bit', async () => {
      await fc.assert(
        fc.asyncProperty(vectors, async (contributions) => {
          const expected = contributions[0]?.slice() ?? new Float32Array(0);
          for (const vector of contributions.slice(1)) {
            for (let i = 0; i < expected.length; i++) expected[i] = Math.fround((expected[i] ?? 0) + (vector[i] ?? 0));
          }
          const { results } = await reduce([contributions.map((vector) => vector.slice())]);
          for (const sum of results[0] ?? []) expect(sum).toEqual(expected);
        }),
        { numRuns: 30 },
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
        sums.push((await reduce([contributions.map((vector) => vector.slice())], order)).results[0]?.[0]);
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

    it('reduces vectors longer than one message', async () => {
      const length = 600_000;
      const contributions = [1, 2].map((rank) => new Float32Array(length).map((_, i) => rank * i));
      const { results } = await reduce([contributions]);
      expect(results[0]?.[1]?.[length - 1]).toBe(3 * (length - 1));
      expect(results[0]?.[0]?.[12_345]).toBe(3 * 12_345);
    });

    it('ends a pending sum when it is closed', async () => {
      const group = await create(2, 4);
      const pending = group.ranks[0]?.sum({ generation: 1, step: 0, attempt: 0 }, new Float32Array(4), () => {});
      group.ranks[0]?.close(new Error('worker w1 was lost'));
      group.ranks[0]?.close(new Error('again'));
      await expect(pending).rejects.toThrow('worker w1 was lost');
      await expect(
        group.ranks[0]?.sum({ generation: 1, step: 1, attempt: 0 }, new Float32Array(4), () => {}),
      ).rejects.toThrow('worker w1 was lost');
      await group.close();
    });

    it('refuses a vector of another length', async () => {
      const group = await create(1, 4);
      const sum = group.ranks[0]?.sum({ generation: 1, step: 0, attempt: 0 }, new Float32Array(5), () => {});
      await expect(sum).rejects.toThrow('5 floats, expected 4');
      await group.close();
    });
  });
}
