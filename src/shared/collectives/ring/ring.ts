import type { OfferedCollective } from '../collective.ts';
import { createRingRank } from './ring-rank.ts';

/**
 * Ranks form a ring. Each sends to the next one only: a part of the gradient for every rank goes around, to which each adds its
 * own, and then around once more as the sum (a reduce-scatter and an all-gather). Over a network, a rank sends and receives
 * 2 (N − 1) / N gradients, as in the mesh in two stages, by one connection each way.
 *
 * What N ranks have of a float is added up in an order that depends on its place: of N equal parts of the vector, part p is
 * ((rank p + rank p+1) + rank p+2) + … + rank p−1, ranks counted round, each partial sum rounded to float32.
 */
export const ring: OfferedCollective = {
  description:
    'each worker adds its gradient to parts that go around from worker to worker; the star where some cannot read it',
  numerics: 'deterministic',
  readsPeers: true,
  createRank: createRingRank,
};
