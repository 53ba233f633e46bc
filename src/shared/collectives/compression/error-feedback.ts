/**
 * What compression leaves out of a gradient is not lost: a rank keeps it, and adds it to its next gradient (Karimireddy,
 * Rebjock, Stich and Jaggi, "Error Feedback Fixes SignSGD and other Gradient Compression Schemes", ICML 2019,
 * arXiv:1901.09847, algorithm 2, with one error for each rank). So over all steps what a rank has sent, and what it keeps, add
 * up to its gradients.
 *
 * What is kept changes when a step is applied, and only then: nothing was sent by a step that came to nothing.
 */
import type { Interval } from '../../core/sampling.ts';
import { addOnto } from '../add-onto.ts';
import type { Codec } from './codec.ts';

/** For a replica, through all generations. */
export interface ErrorFeedback {
  readonly codec: Codec;
  /** Where the words of each bucket are in a run of all of them. */
  readonly places: readonly Interval[];
  /** How many words all buckets have. */
  readonly words: number;
  /**
   * A step begins. A gradient is a sum over samples, and so is what is kept of it: in a step with other samples it counts as it
   * does in the mean.
   * @param samples of the global batch
   */
  begin(samples: number): void;
  /**
   * Adds to a bucket of this step's gradient, in place, what was kept back, and encodes the sum.
   * @returns the words, which stay as they are until the bucket is encoded again
   */
  encode(bucket: number, values: Float32Array): Float32Array;
  /** The same where nothing has to be sent: the sum is all that there is, and nothing of it will be kept. */
  addAll(vector: Float32Array): void;
  /** The step was applied: what it left out is what is kept from now on. */
  settle(): void;
  /** What is kept for each sample of a global batch, in the layout of the gradient. */
  residual(): Float32Array;
  /** The replica has taken over a state. @param residual what it is to keep; nothing unless given */
  replace(residual: Float32Array | undefined): void;
}

export function createErrorFeedback(codec: Codec, buckets: readonly Interval[]): ErrorFeedback {
  const floats = buckets.at(-1)?.to ?? 0;
  const places: Interval[] = [];
  let words = 0;
  for (const { from, to } of buckets) {
    const length = codec.wordsFor(to - from);
    places.push({ from: words, to: words + length });
    words += length;
  }
  const encoded = new Float32Array(words);
  /** What is kept, and what will be once the step under way is applied. */
  let [kept, next] = [new Float32Array(floats), new Float32Array(floats)];
  /** The samples of the step that it was kept of, and those of the step under way. */
  let [keptOf, samples] = [1, 1];

  function addKept(values: Float32Array, from: number): void {
    const part = kept.subarray(from, from + values.length);
    if (samples === keptOf) {
      addOnto(values, part);
      return;
    }
    const scale = samples / keptOf;
    for (let i = 0; i < part.length; i++) values[i] = (values[i] as number) + scale * (part[i] as number);
  }

  return {
    codec,
    places,
    words,
    begin(count) {
      samples = count;
    },
    encode(bucket, values) {
      const { from, to } = buckets[bucket] as Interval;
      const place = places[bucket] as Interval;
      const target = encoded.subarray(place.from, place.to);
      addKept(values, from);
      codec.encode(values, target, next.subarray(from, to));
      return target;
    },
    addAll(vector) {
      addKept(vector, 0);
      next.fill(0);
    },
    settle() {
      [kept, next] = [next, kept];
      keptOf = samples;
    },
    residual: () => kept.map((value) => value / keptOf),
    replace(residual) {
      keptOf = 1;
      if (residual === undefined) kept.fill(0);
      else kept.set(residual);
    },
  };
}
