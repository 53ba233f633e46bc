/** When local workers lose their machines, if that is simulated. Pure: randomness comes from the seed. */
import { createRandom } from '../shared/core/random.ts';

export interface PreemptionPlan {
  /** How often each worker is preempted while it lives. */
  readonly ratePerHour: number;
  /** From the notice to the end of the machine. */
  readonly noticeSeconds: number;
  /** From the end of a worker to its next life. */
  readonly backSeconds: number;
  readonly seed: number;
}

/** Separates these random numbers from those of training, which may have the same seed. */
const stream = 0x9ee4;

/**
 * Moments of a Poisson process: how long each life of a worker lasts until its notice is exponentially distributed, with a
 * mean of 1 / rate.
 * @param localRank the worker's place: each has a sequence of its own, which does not depend on the others
 * @returns tells the seconds from the first sign of life to the notice, one life after another
 */
export function createNotices(
  { ratePerHour, seed }: Pick<PreemptionPlan, 'ratePerHour' | 'seed'>,
  localRank: number,
): () => number {
  const random = createRandom(seed, stream, localRank);
  // 1 − u is never 0, so no life is endless.
  return () => (-Math.log(1 - random.float()) * 3600) / ratePerHour;
}
