import type { OfferedCollective } from '../collective.ts';
import { createMeshRank } from './mesh-rank.ts';

/**
 * Every rank leaves its gradient where all others can read it, and adds them all up itself, as soon as all are there. The
 * coordinator carries no gradient, and nobody waits for it: what it does not know yet, any rank that has the sum can tell.
 */
export const mesh: OfferedCollective = {
  description: "workers read each other's gradients, in memory or over the network; the star where some cannot",
  numerics: 'rank-order',
  readsPeers: true,
  compresses: true,
  createRank: createMeshRank,
};
