/**
 * The centre of the star: collects one bucket from every rank and sums in rank order. Pure state, no sockets; the
 * coordinator feeds it and sends what it returns.
 */
import type { Interval } from '../core/sampling.ts';

/** What became of a contribution. */
export type Contribution =
  /** Others are still missing. */
  | { readonly kind: 'pending' }
  /** It was the last one: the bucket's sum, and how long each rank's contribution lay waiting, in seconds. */
  | { readonly kind: 'complete'; readonly sum: Float32Array; readonly waited: readonly number[] }
  /** It is no part of this reduction. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface StarReducer {
  /**
   * @param values the bucket's floats; the reducer owns them from now on
   * @param now seconds, of any steady clock
   */
  contribute(step: number, rank: number, bucket: number, values: Float32Array, now: number): Contribution;
}

interface PendingBucket {
  readonly values: (Float32Array | undefined)[];
  readonly arrivals: number[];
  missing: number;
}

export function createStarReducer(worldSize: number, buckets: readonly Interval[]): StarReducer {
  // A rank can be at most one step ahead: it cannot pass a step that another rank has not contributed to.
  const pending = new Map<string, PendingBucket>();

  return {
    contribute(step, rank, bucket, values, now) {
      const interval = buckets[bucket];
      if (interval === undefined) return { kind: 'refused', reason: `bucket ${bucket} of ${buckets.length}` };
      if (rank >= worldSize) return { kind: 'refused', reason: `rank ${rank} of ${worldSize}` };
      if (values.length !== interval.to - interval.from) {
        return { kind: 'refused', reason: `${values.length} floats for a bucket of ${interval.to - interval.from}` };
      }
      const key = `${step}/${bucket}`;
      const entry = pending.get(key) ?? { values: Array(worldSize).fill(undefined), arrivals: [], missing: worldSize };
      if (entry.values[rank] !== undefined) return { kind: 'refused', reason: `rank ${rank} contributed twice` };
      entry.values[rank] = values;
      entry.arrivals[rank] = now;
      entry.missing -= 1;
      if (entry.missing > 0) {
        pending.set(key, entry);
        return { kind: 'pending' };
      }
      pending.delete(key);
      return { kind: 'complete', sum: sumInRankOrder(entry.values), waited: entry.arrivals.map((at) => now - at) };
    },
  };
}

/** Adds rank 1, 2, … onto rank 0's vector, in place: each partial sum is rounded to float32, as any peer would. */
function sumInRankOrder(vectors: readonly (Float32Array | undefined)[]): Float32Array {
  const [first, ...others] = vectors;
  if (first === undefined) throw new Error('sumInRankOrder: rank 0 is missing');
  for (const other of others) {
    if (other === undefined) throw new Error('sumInRankOrder: a rank is missing');
    for (let i = 0; i < first.length; i++) first[i] = (first[i] as number) + (other[i] as number);
  }
  return first;
}
