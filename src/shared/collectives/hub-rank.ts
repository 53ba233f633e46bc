/**
 * A rank's side of what has a hub: hand every bucket to the hub, take the sums back. Sums return while later buckets leave.
 */
import type { Interval } from '../core/sampling.ts';
import { isSameAttempt } from '../protocol/attempt.ts';
import type { Attempt } from '../protocol/messages.ts';
import { followBuckets } from './bucket-progress.ts';
import type { AllReduce, RankOptions, Reduced } from './collective.ts';

interface Pending {
  readonly attempt: Attempt;
  /** Buckets whose sum is not back. */
  readonly missing: Set<number>;
  /** How many floats, or words of them, this rank hands over. */
  readonly words: number;
  waitSeconds: number;
  settle: { resolve(reduced: Reduced): void; reject(error: unknown): void } | undefined;
}

/** @param labels whether contributions say which of the rank's vectors they are of */
export function createHubRank({ buckets, feedback, sendToHub, signal }: RankOptions, labels: boolean): AllReduce {
  const sum = new Float32Array(buckets.at(-1)?.to ?? 0);
  let pending: Pending | undefined;

  signal.addEventListener('abort', () => {
    pending?.settle?.reject(signal.reason);
    pending = undefined;
  });

  function complete(reduction: Pending): void {
    if (reduction.missing.size > 0 || reduction.settle === undefined) return;
    pending = undefined;
    const bytes = { sent: reduction.words * Float32Array.BYTES_PER_ELEMENT, received: sum.byteLength };
    reduction.settle.resolve({ sum, parts: undefined, waitSeconds: reduction.waitSeconds, bytes });
  }

  return {
    start(attempt, vectors) {
      for (const { length } of vectors) {
        if (length !== sum.length) throw new Error(`all-reduce: ${length} floats, expected ${sum.length}`);
      }
      const reduction: Pending = {
        attempt,
        missing: new Set(buckets.keys()),
        words: feedback?.words ?? vectors.length * sum.length,
        waitSeconds: 0,
        settle: undefined,
      };
      pending = reduction;

      function contribute(part: number, bucket: number): void {
        const { from, to } = buckets[bucket] as Interval;
        const values = (vectors[part] as Float32Array).subarray(from, to);
        const body = { type: 'contribute' as const, ...attempt, bucket };
        sendToHub(labels ? { ...body, part } : body, [feedback?.encode(bucket, values) ?? values]);
      }

      const progress = followBuckets(buckets, vectors.length, contribute);
      return {
        ready: (from, to, part = 0) => progress.ready(from, to, part),
        finish(_, vote) {
          if (signal.aborted) return Promise.reject(signal.reason);
          progress.rest();
          vote();
          return new Promise((resolve, reject) => {
            reduction.settle = { resolve, reject };
            complete(reduction);
          });
        },
      };
    },

    receive(message, [values]) {
      const bucket = buckets[message.bucket];
      if (pending === undefined || bucket === undefined || values === undefined) return;
      if (!isSameAttempt(pending.attempt, message) || values.length !== bucket.to - bucket.from) return;
      if (!pending.missing.delete(message.bucket)) return;
      sum.set(values, bucket.from);
      // Earlier buckets were waited for while this rank computed; only the last one holds it up.
      pending.waitSeconds = message.waited;
      complete(pending);
    },
  };
}
