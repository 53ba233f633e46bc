/** The star's hub: collects each bucket from every rank and adds the parts up in rank order. */
import { firstBeyond, largestFloat32 } from '../../core/first-beyond.ts';
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
  /** So many parts of this size add up to a finite sum: whoever would make it infinite is known before. */
  const largestPart = largestFloat32 / worldSize;

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
    receive(rank, message, tensors, now): HubOutcome {
      const { generation, step, attempt, bucket: index } = message;
      const interval = buckets[index];
      if (interval === undefined) {
        return { kind: 'refused', reason: `bucket must be below ${buckets.length}, got ${index}` };
      }
      const [values] = tensors;
      if (values === undefined || tensors.length !== 1) {
        return { kind: 'refused', reason: `bucket ${index} must have one tensor, got ${tensors.length}` };
      }
      const floats = interval.to - interval.from;
      if (values.length !== floats) {
        return { kind: 'refused', reason: `bucket ${index} must have ${floats} floats, got ${values.length}` };
      }
      const bucket = bucketOf(message, index);
      if (bucket.arrivals[rank] !== undefined) return { kind: 'refused', reason: `bucket ${index} came twice` };
      const odd = firstBeyond(values, largestPart);
      if (odd !== undefined) return { kind: 'diverged', value: values[odd] ?? Number.NaN, float: interval.from + odd };
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
    missing(rank, attempt) {
      const known = attempts.get(keyOf(attempt));
      return buckets.reduce((count, _, index) => count + (known?.get(index)?.arrivals[rank] === undefined ? 1 : 0), 0);
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
    addOnto(first, other);
  }
  return first;
}

/** Four floats a turn take half of the time of one. */
function addOnto(sum: Float32Array, part: Float32Array): void {
  const whole = sum.length - (sum.length % 4);
  for (let i = 0; i < whole; i += 4) {
    sum[i] = (sum[i] as number) + (part[i] as number);
    sum[i + 1] = (sum[i + 1] as number) + (part[i + 1] as number);
    sum[i + 2] = (sum[i + 2] as number) + (part[i + 2] as number);
    sum[i + 3] = (sum[i + 3] as number) + (part[i + 3] as number);
  }
  for (let i = whole; i < sum.length; i++) sum[i] = (sum[i] as number) + (part[i] as number);
}
