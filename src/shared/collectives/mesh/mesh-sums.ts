/** What ranks of a mesh show each other, and how each adds it up: floats as they are, or words that encode them. */
import type { Interval } from '../../core/sampling.ts';
import type { PeerVectors } from '../../transport/vectors.ts';
import type { ErrorFeedback } from '../compression/error-feedback.ts';
import { blockFloats, createFloatMemory } from '../float-memory.ts';

export interface MeshSums {
  /** The last one that was made. */
  readonly sum: Float32Array;
  /** How many floats, or words, a rank shows of one gradient. */
  readonly length: number;
  /** What is shown of a bucket, and where. @param values may be changed: see `ErrorFeedback.encode` */
  prepare(bucket: number, values: Float32Array): { readonly at: number; readonly values: Float32Array };
  /**
   * Adds rank 1, 2, … onto rank 0's vector: each partial sum is rounded to float32, on every rank alike.
   * @param own this rank's vector
   * @returns what is wrong with what a rank shows, and with whose
   */
  addUp(slot: number, own: Float32Array): string | undefined;
}

/** All ranks; undefined at this rank's own place. */
type Peers = readonly (PeerVectors | undefined)[];

export function sumFloats(rank: number, peers: Peers, buckets: readonly Interval[]): MeshSums {
  const floats = buckets.at(-1)?.to ?? 0;
  const memory = createFloatMemory([floats, Math.min(blockFloats, floats)]);
  const [sum, block] = [memory.vector(0), memory.vector(1)];
  return {
    sum,
    length: floats,
    prepare: (bucket, values) => ({ at: (buckets[bucket] as Interval).from, values }),
    addUp(slot, own) {
      for (let from = 0; from < floats; from += blockFloats) {
        const to = Math.min(from + blockFloats, floats);
        for (const [other, peer] of peers.entries()) {
          const target = other === 0 ? sum.subarray(from, to) : block.subarray(0, to - from);
          if (other === rank) target.set(own.subarray(from, to));
          else peer?.read(slot, from, target);
          if (other > 0) memory.add(0, from, 1, 0, to - from);
        }
      }
      return undefined;
    },
  };
}

/** Each rank decodes its own words as well: what the others make of them is what it has sent. */
export function sumDecoded(
  rank: number,
  peers: Peers,
  buckets: readonly Interval[],
  { codec, places, words, encode }: ErrorFeedback,
): MeshSums {
  const floats = buckets.at(-1)?.to ?? 0;
  const longest = Math.max(0, ...buckets.map(({ from, to }) => to - from));
  const memory = createFloatMemory([floats, longest]);
  const [sum, block] = [memory.vector(0), memory.vector(1)];
  const received = new Float32Array(Math.max(0, ...places.map(({ from, to }) => to - from)));
  /** This rank's own words, by bucket. */
  const shown: Float32Array[] = [];
  return {
    sum,
    length: words,
    prepare(bucket, values) {
      const encoded = encode(bucket, values);
      shown[bucket] = encoded;
      return { at: (places[bucket] as Interval).from, values: encoded };
    },
    addUp(slot) {
      for (const [bucket, { from, to }] of buckets.entries()) {
        const place = places[bucket] as Interval;
        const others = received.subarray(0, place.to - place.from);
        for (const [other, peer] of peers.entries()) {
          peer?.read(slot, place.from, others);
          const target = other === 0 ? sum.subarray(from, to) : block.subarray(0, to - from);
          const problem = codec.decode(other === rank ? (shown[bucket] as Float32Array) : others, target);
          if (problem !== undefined) return `rank ${other} shows no gradient in bucket ${bucket}: ${problem}`;
          if (other > 0) memory.add(0, from, 1, 0, to - from);
        }
      }
      return undefined;
    },
  };
}
