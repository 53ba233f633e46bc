/** The star's hub: collects each bucket from every rank and adds the parts up in rank order. */
import { largestFloat32 } from '../../core/first-beyond.ts';
import type { Interval } from '../../core/sampling.ts';
import { keyOf } from '../../protocol/attempt.ts';
import type { Attempt } from '../../protocol/messages.ts';
import { addOnto } from '../add-onto.ts';
import { checkContribution } from '../check-contribution.ts';
import type { AllReduceHub, HubOptions, HubOutcome } from '../collective.ts';
import type { Codec } from '../compression/codec.ts';
import { replyToAll } from '../reply-to-all.ts';

interface Bucket {
  /** By rank, as far as they have come. Emptied when the sum is sent. */
  readonly parts: (Float32Array | undefined)[];
  /** When each rank's part came, in seconds. */
  readonly arrivals: (number | undefined)[];
  missing: number;
}

export function createStarHub({ worldSize, buckets, takesNonFinite, codec }: HubOptions): AllReduceHub {
  const attempts = new Map<string, Map<number, Bucket>>();
  /** So many parts of this size add up to a finite sum: whoever would make it infinite is known before. */
  const largestPart = largestFloat32 / worldSize;

  function bucketOf(attempt: Attempt, index: number): Bucket {
    const known = attempts.get(keyOf(attempt)) ?? new Map<number, Bucket>();
    attempts.set(keyOf(attempt), known);
    const bucket = known.get(index) ?? {
      parts: [],
      arrivals: [],
      missing: worldSize,
    };
    known.set(index, bucket);
    return bucket;
  }

  return {
    expect() {},
    receive(rank, message, tensors, now): HubOutcome {
      const { bucket: index, part } = message;
      if (part !== undefined) return { kind: 'refused', reason: `part must be left out, got ${part}` };
      if (attempts.get(keyOf(message))?.get(index)?.arrivals[rank] !== undefined) {
        return { kind: 'refused', reason: `bucket ${index} came twice` };
      }
      const decoded = codec === undefined ? { values: tensors } : decodeContribution(codec, buckets[index], tensors);
      if ('problem' in decoded) return { kind: 'refused', reason: `bucket ${index}: ${decoded.problem}` };
      const { values } = decoded;
      const checked = checkContribution(index, buckets[index], buckets.length, values, largestPart, takesNonFinite);
      if (checked.kind !== 'taken') return checked;
      const bucket = bucketOf(message, index);
      // The hub owns what it was sent: the sum is made in rank 0's part.
      bucket.parts[rank] = checked.values;
      bucket.arrivals[rank] = now;
      bucket.missing -= 1;
      const { nonFinite } = checked;
      if (bucket.missing > 0) return { kind: 'pending', nonFinite };
      const sum = sumInRankOrder(bucket.parts.splice(0) as Float32Array[]);
      return replyToAll(message, bucket.arrivals, sum, now, nonFinite);
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

/** What is wrong but for the words themselves is left for `checkContribution` to say. */
function decodeContribution(
  codec: Codec,
  bucket: Interval | undefined,
  tensors: readonly Float32Array[],
): { readonly values: readonly Float32Array[] } | { readonly problem: string } {
  const [words, ...others] = tensors;
  if (bucket === undefined || words === undefined || others.length > 0) return { values: tensors };
  const values = new Float32Array(bucket.to - bucket.from);
  const problem = codec.decode(words, values);
  return problem === undefined ? { values: [values] } : { problem };
}

/** Adds rank 1, 2, … onto rank 0's vector, in place: each partial sum is rounded to float32, as any peer would. */
function sumInRankOrder(vectors: readonly Float32Array[]): Float32Array {
  return vectors.reduce((sum, part) => {
    addOnto(sum, part);
    return sum;
  });
}
