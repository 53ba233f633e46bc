import type { Collective } from '../collective.ts';
import { createMeshRank } from './mesh-rank.ts';

/**
 * Every rank leaves its gradient where all others can read it, and adds them all up itself. The coordinator carries no
 * gradient: its commit says that all of them are there to be read.
 */
export const mesh: Collective = {
  description: "workers on one host read each other's gradients, and others use the star",
  numerics: 'rank-order',
  readsPeers: true,
  commits: true,
  createRank: createMeshRank,
};
