/**
 * Star all-reduce, a rank's side: hand every chunk to the coordinator, take the sums back.
 *
 * A chunk's sum can come back while later chunks still leave. The fewest messages of all collectives, and the
 * coordinator knows what was reduced, so it can decide a step without another round trip; its links carry all traffic.
 */
import type { Interval } from '../core/sampling.ts';
import type { Attempt, Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../protocol/messages.ts';
import type { AllReduce, Reduction } from './all-reduce.ts';

export interface StarAllReduce extends AllReduce {
  /** Takes a `reduced` message off the wire; one that belongs to no pending sum is ignored. */
  deliver(message: MessageOf<CoordinatorMessage, 'reduced'>, values: Float32Array | undefined): void;
}

export interface StarOptions {
  readonly rank: number;
  readonly chunks: readonly Interval[];
  readonly send: (body: Body<MessageOf<WorkerMessage, 'contribute'>>, tensors: readonly Float32Array[]) => void;
}

interface Pending {
  readonly attempt: Attempt;
  readonly missing: Set<number>;
  waitSeconds: number;
  readonly resolve: (reduction: Reduction) => void;
  readonly reject: (error: Error) => void;
}

export function createStarAllReduce({ rank, chunks, send }: StarOptions): StarAllReduce {
  const sum = new Float32Array(chunks.at(-1)?.to ?? 0);
  let pending: Pending | undefined;
  let closed: Error | undefined;

  return {
    name: 'star',

    sum(attempt, values, vote) {
      if (closed !== undefined) return Promise.reject(closed);
      if (pending !== undefined) return Promise.reject(new Error('star all-reduce: one sum at a time'));
      if (values.length !== sum.length) {
        return Promise.reject(new Error(`star all-reduce: ${values.length} floats, expected ${sum.length}`));
      }
      return new Promise((resolve, reject) => {
        pending = { attempt, missing: new Set(chunks.keys()), waitSeconds: 0, resolve, reject };
        chunks.forEach(({ from, to }, chunk) => {
          send({ type: 'contribute', ...attempt, rank, chunk }, [values.subarray(from, to)]);
        });
        vote();
      });
    },

    deliver(message, values) {
      const interval = chunks[message.chunk];
      if (pending === undefined || interval === undefined || values === undefined) return;
      if (!sameAttempt(pending.attempt, message) || values.length !== interval.to - interval.from) return;
      if (!pending.missing.delete(message.chunk)) return;
      sum.set(values, interval.from);
      pending.waitSeconds = Math.max(pending.waitSeconds, message.waited);
      if (pending.missing.size > 0) return;
      const { resolve, waitSeconds } = pending;
      pending = undefined;
      resolve({ sum, waitSeconds });
    },

    close(reason) {
      closed ??= reason;
      pending?.reject(reason);
      pending = undefined;
    },
  };
}

function sameAttempt(a: Attempt, b: Attempt): boolean {
  return a.generation === b.generation && a.step === b.step && a.attempt === b.attempt;
}
