/**
 * Vectors whose sum every rank can compute alone. All are the same random floats over and over, each rank and reduction
 * beginning at another place, so they are filled at the speed of a copy, and one period tells all sums.
 */
import type { Collective } from '../../shared/collectives/collective.ts';
import { createRandom } from '../../shared/core/random.ts';

/** A prime, so that no float that is off by whole buckets or blocks finds the value that it should have. */
export const period = 65_521;

export interface KnownVectors {
  /** Fills the vector with what the rank hands in. */
  fill(vector: Float32Array, rank: number, reduction: number): void;
  /** How many floats differ from ((rank 0 + rank 1) + rank 2) + …, each partial sum rounded to float32. NaN does. */
  countWrong(sum: Float32Array, reduction: number): number;
}

/** Float32 has the sums of 256 numbers this coarse, between -0.5 and 0.5, exactly, and so in any order. */
const coarse = 2 ** -16;

/**
 * @param worldSize ranks whose vectors are summed
 * @param numerics how: where not in rank order, the floats are such that no order makes a difference
 */
export function createKnownVectors(worldSize: number, numerics: Collective['numerics']): KnownVectors {
  const random = createRandom(1);
  const drawn = () => random.float() - 0.5;
  const draw = numerics === 'rank-order' ? drawn : () => coarse * Math.round(drawn() / coarse);
  const floats = Float32Array.from({ length: period }, draw);
  const expected = new Float32Array(period);
  const startOf = (rank: number, reduction: number) => (rank * 40_503 + reduction * 9973) % period;

  return {
    fill(vector, rank, reduction) {
      const start = startOf(rank, reduction);
      for (let at = 0; at < vector.length; ) {
        const from = (start + at) % period;
        const count = Math.min(period - from, vector.length - at);
        vector.set(floats.subarray(from, from + count), at);
        at += count;
      }
    },
    countWrong(sum, reduction) {
      const starts = Array.from({ length: worldSize }, (_, rank) => startOf(rank, reduction));
      const known = Math.min(period, sum.length);
      for (let i = 0; i < known; i++) {
        let total = 0;
        for (const start of starts) total = Math.fround(total + (floats[(start + i) % period] as number));
        expected[i] = total;
      }
      let wrong = 0;
      for (let at = 0; at < sum.length; at += period) {
        const count = Math.min(period, sum.length - at);
        for (let i = 0; i < count; i++) if (sum[at + i] !== expected[i]) wrong += 1;
      }
      return wrong;
    },
  };
}
