/**
 * All-reduce: every rank hands in a vector, every rank gets the sum over all ranks, the same bits everywhere.
 *
 * Sums run in rank order, never in order of arrival, so that a run is reproducible. Vectors are sums over samples
 * already, so that the sum over ranks is weighted by samples without another factor.
 */
import type { Attempt } from '../protocol/messages.ts';

export const allReduceNames = ['star'] as const;
export type AllReduceName = (typeof allReduceNames)[number];

export interface AllReduce {
  readonly name: AllReduceName;
  /**
   * Begins the reduction of one attempt at a step. The parts of `values` are handed over as they become ready, and may
   * not change from then on until the attempt is committed. One reduction at a time.
   * @throws if `values` has not the length that the ranks agreed on
   */
  start(attempt: Attempt, values: Float32Array): Reduction;
  /** Ends every pending wait with an error. May be called twice. */
  close(reason: Error): void;
}

export interface Reduction {
  /** `values[from .. to − 1]` are final. Never blocks; intervals may come in any order, but no float twice. */
  ready(from: number, to: number): void;
  /**
   * Everything is final: resolves with the sum over ranks.
   *
   * `vote` is called once, as soon as this rank's part of the attempt can no longer fail on this side. Where another
   * process does the reducing that is when everything was handed over, before the sum is back, which saves the vote's
   * round trip; among peers it is when the sum is complete.
   */
  finish(vote: () => void): Promise<ReducedSum>;
}

export interface ReducedSum {
  /** The sum over ranks, in rank order; the collective's own buffer, valid until the next reduction starts. */
  readonly sum: Float32Array;
  /** Seconds spent in `finish` waiting for slower ranks: the straggler wait, apart from the communication. */
  readonly waitSeconds: number;
}
