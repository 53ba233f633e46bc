import type { OfferedCollective } from '../collective.ts';
import { createHubRank } from '../hub-rank.ts';
import { createStarHub } from './star-hub.ts';

/**
 * The star: ranks send their gradients to the coordinator, which adds them up and sends the sum back. It takes the
 * fewest messages of all collectives and needs no connection between workers; the coordinator's links carry everything.
 */
export const star: OfferedCollective = {
  description: 'the coordinator adds the gradients up',
  numerics: 'rank-order',
  compresses: true,
  createRank: (options) => createHubRank(options, false),
  createHub: createStarHub,
};
