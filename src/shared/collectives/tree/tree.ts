import type { Collective } from '../collective.ts';
import { createHubRank } from '../hub-rank.ts';
import { createTreeHub } from './tree-hub.ts';

/**
 * A star whose sum has the same bits for any fleet: ranks hand over the sums of whole nodes of one fixed tree
 * (micro-shard-tree.ts), and the coordinator adds these up as the tree says.
 */
export const tree: Collective = {
  numerics: 'deterministic',
  createRank: (options) => createHubRank(options, true),
  createHub: createTreeHub,
};
