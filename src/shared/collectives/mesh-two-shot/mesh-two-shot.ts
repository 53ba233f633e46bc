import type { OfferedCollective } from '../collective.ts';
import { createTwoShotRank } from './two-shot-rank.ts';

/**
 * Every rank owns an interval of the gradient. It reads that of all others, adds them up, and leaves the sum where all can read
 * it: a reduce-scatter and an all-gather by direct messages. Over a network, a rank sends and receives 2 (N − 1) / N gradients,
 * where in the one-shot mesh it is N − 1.
 */
export const meshTwoShot: OfferedCollective = {
  description:
    'each worker adds up a part of the gradient and shows the others the sum; the star where some cannot read it',
  numerics: 'rank-order',
  readsPeers: true,
  createRank: createTwoShotRank,
};
