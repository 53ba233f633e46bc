/**
 * Star all-reduce, a rank's side: hand every bucket to the coordinator, take the sums back.
 *
 * The sum of one bucket can come back while later ones still leave. The fewest messages of all collectives, and the
 * coordinator knows what was reduced, so it can decide a step without another round trip; its links carry all traffic.
 */
import type { Interval } from '../core/sampling.ts';
import type { Attempt, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../protocol/messages.ts';
import type { AllReduce, ReducedSum } from './all-reduce.ts';

export interface StarAllReduce extends AllReduce {
  /** Takes a `reduced` message off the wire; one that belongs to no pending reduction is ignored. */
  deliver(message: MessageOf<CoordinatorMessage, 'reduced'>, values: Float32Array | undefined): void;
}

export interface StarOptions {
  readonly rank: number;
  readonly buckets: readonly Interval[];
  readonly send: (body: Body<MessageOf<WorkerMessage, 'contribute'>>, tensors: readonly Float32Array[]) => void;
}

interface Pending {
  readonly attempt: Attempt;
  /** Floats of each bucket that are not final yet; a bucket leaves when there are none. */
  readonly unfinished: number[];
  /** Buckets whose sum is not back. */
  readonly missing: Set<number>;
  waitSeconds: number;
  settle: { resolve(sum: ReducedSum): void; reject(error: Error): void } | undefined;
}

export function createStarAllReduce({ rank, buckets, send }: StarOptions): StarAllReduce {
  const sum = new Float32Array(buckets.at(-1)?.to ?? 0);
  let pending: Pending | undefined;
  let closed: Error | undefined;

  function complete(reduction: Pending): void {
    if (reduction.missing.size > 0 || reduction.settle === undefined) return;
    pending = undefined;
    reduction.settle.resolve({ sum, waitSeconds: reduction.waitSeconds });
  }

  return {
    name: 'star',

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
        send({ type: 'contribute', ...attempt, rank, bucket }, [values.subarray(from, to)]);
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
          if (closed !== undefined) return Promise.reject(closed);
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

    deliver(message, values) {
      const bucket = buckets[message.bucket];
      if (pending === undefined || bucket === undefined || values === undefined) return;
      if (!sameAttempt(pending.attempt, message) || values.length !== bucket.to - bucket.from) return;
      if (!pending.missing.delete(message.bucket)) return;
      sum.set(values, bucket.from);
      // What the last bucket waited is what the rank waits for: the earlier ones were waited for while it computed.
      pending.waitSeconds = message.waited;
      complete(pending);
    },

    close(reason) {
      closed ??= reason;
      pending?.settle?.reject(reason);
      pending = undefined;
    },
  };
}

function sameAttempt(a: Attempt, b: Attempt): boolean {
  return a.generation === b.generation && a.step === b.step && a.attempt === b.attempt;
}
