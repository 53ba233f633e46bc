/** The star, a rank's side: hand every bucket to the hub, take the sums back. Sums return while later buckets leave. */
import type { Interval } from '../../core/sampling.ts';
import type { Attempt } from '../../protocol/messages.ts';
import type { AllReduce, RankOptions, Reduced } from '../collective.ts';

interface Pending {
  readonly attempt: Attempt;
  /** Floats of each bucket that are not final yet; a bucket leaves when there are none. */
  readonly unfinished: number[];
  /** Buckets whose sum is not back. */
  readonly missing: Set<number>;
  waitSeconds: number;
  settle: { resolve(reduced: Reduced): void; reject(error: unknown): void } | undefined;
}

export function createStarRank({ buckets, sendToHub, signal }: RankOptions): AllReduce {
  const sum = new Float32Array(buckets.at(-1)?.to ?? 0);
  let pending: Pending | undefined;

  signal.addEventListener('abort', () => {
    pending?.settle?.reject(signal.reason);
    pending = undefined;
  });

  function complete(reduction: Pending): void {
    if (reduction.missing.size > 0 || reduction.settle === undefined) return;
    pending = undefined;
    const bytes = { sent: sum.byteLength, received: sum.byteLength };
    reduction.settle.resolve({ sum, waitSeconds: reduction.waitSeconds, bytes });
  }

  return {
    start(attempt, values) {
      if (values.length !== sum.length) {
        throw new Error(`star all-reduce: ${values.length} floats, expected ${sum.length}`);
      }
      const reduction: Pending = {
        attempt,
        unfinished: buckets.map(({ from, to }) => to - from),
        missing: new Set(buckets.keys()),
        waitSeconds: 0,
        settle: undefined,
      };
      pending = reduction;

      function contribute(bucket: number): void {
        const { from, to } = buckets[bucket] as Interval;
        sendToHub({ type: 'contribute', ...attempt, bucket }, [values.subarray(from, to)]);
      }

      return {
        ready(from, to) {
          buckets.forEach((bucket, index) => {
            const overlap = Math.min(to, bucket.to) - Math.max(from, bucket.from);
            if (overlap <= 0) return;
            reduction.unfinished[index] = (reduction.unfinished[index] ?? 0) - overlap;
            if (reduction.unfinished[index] === 0) contribute(index);
          });
        },
        finish(vote) {
          if (signal.aborted) return Promise.reject(signal.reason);
          reduction.unfinished.forEach((floats, index) => {
            if (floats > 0) contribute(index);
          });
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

function isSameAttempt(a: Attempt, b: Attempt): boolean {
  return a.generation === b.generation && a.step === b.step && a.attempt === b.attempt;
}
