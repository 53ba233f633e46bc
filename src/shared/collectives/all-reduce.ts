/**
 * All-reduce: every rank hands in a vector, every rank gets the sum over all ranks, the same bits everywhere.
 *
 * Sums run in rank order, never in order of arrival, so that a run is reproducible. Vectors are sums over samples
 * already, so that the sum over ranks is weighted by samples without another factor.
 */
import type { Attempt } from '../protocol/messages.ts';

export const allReduceNames = ['star'] as const;
export type AllReduceName = (typeof allReduceNames)[number];

export interface Reduction {
  /** The sum over ranks, in rank order; the collective's own buffer, valid until the next call of `sum`. */
  readonly sum: Float32Array;
  /** Seconds of the call spent waiting for slower ranks: the straggler wait, apart from the communication. */
  readonly waitSeconds: number;
}

export interface AllReduce {
  readonly name: AllReduceName;
  /**
   * Reduces this rank's `values` for one attempt at a step. `values` may not change until the attempt is committed.
   *
   * `vote` is called once, as soon as this rank's part of the attempt can no longer fail on this side. Where another
   * process does the reducing that is when everything was handed over, before the sum is back, which saves the vote's
   * round trip; among peers it is when the sum is complete.
   */
  sum(attempt: Attempt, values: Float32Array, vote: () => void): Promise<Reduction>;
  /** Ends every pending `sum` with an error. May be called twice. */
  close(reason: Error): void;
}
