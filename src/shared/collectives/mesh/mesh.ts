import type { OfferedCollective } from '../collective.ts';
import { createMeshRank } from './mesh-rank.ts';

/**
 * Every rank leaves its gradient where all others can read it, and adds them all up itself, as soon as all are there. The
 * coordinator carries no gradient, and nobody waits for it: what it does not know yet, any rank that has the sum can tell.
 */
export const mesh: OfferedCollective = {
  description: "workers on one host read each other's gradients, and others use the star",
  numerics: 'rank-order',
  readsPeers: true,
  createRank: createMeshRank,
};
