/** The star's hub: collects each bucket from every rank and adds the parts up in rank order. */
import type { Attempt } from '../../protocol/messages.ts';
import type { AllReduceHub, HubOptions, HubOutcome } from '../collective.ts';

interface Bucket {
  /** By rank. Emptied when the sum is sent. */
  readonly parts: (Float32Array | undefined)[];
  /** When each rank's part came, in seconds. */
  readonly arrivals: (number | undefined)[];
  missing: number;
}

export function createStarHub({ worldSize, buckets }: HubOptions): AllReduceHub {
  const attempts = new Map<string, Map<number, Bucket>>();

  function bucketOf(attempt: Attempt, index: number): Bucket {
    const known = attempts.get(keyOf(attempt)) ?? new Map<number, Bucket>();
    attempts.set(keyOf(attempt), known);
    const bucket = known.get(index) ?? {
      parts: Array(worldSize).fill(undefined),
      arrivals: Array(worldSize).fill(undefined),
      missing: worldSize,
    };
    known.set(index, bucket);
    return bucket;
  }

  return {
    receive(rank, message, [values], now): HubOutcome {
      const { generation, step, attempt, bucket: index } = message;
      const interval = buckets[index];
      if (interval === undefined) return { kind: 'refused', reason: `bucket ${index} of ${buckets.length}` };
      const floats = interval.to - interval.from;
      if (values?.length !== floats) {
        return { kind: 'refused', reason: `${values?.length ?? 0} floats for a bucket of ${floats}` };
      }
      const bucket = bucketOf(message, index);
      if (bucket.arrivals[rank] !== undefined) return { kind: 'refused', reason: `rank ${rank} contributed twice` };
      // The hub owns what it was sent: the sum is made in rank 0's part.
      bucket.parts[rank] = values;
      bucket.arrivals[rank] = now;
      bucket.missing -= 1;
      if (bucket.missing > 0) return { kind: 'pending' };
      const sum = sumInRankOrder(bucket.parts.splice(0));
      const replies = bucket.arrivals.map((arrival = now, to) => ({
        rank: to,
        body: { type: 'reduced' as const, generation, step, attempt, bucket: index, waited: now - arrival },
        tensors: [sum],
      }));
      return { kind: 'reply', replies };
    },
    forget(attempt) {
      attempts.delete(keyOf(attempt));
    },
  };
}

function keyOf({ generation, step, attempt }: Attempt): string {
  return `${generation}/${step}/${attempt}`;
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
