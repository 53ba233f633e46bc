import { gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import type { ErrorFeedback } from '../../src/shared/collectives/compression/error-feedback.ts';
import { type AllReduceName, collectiveOf } from '../../src/shared/collectives/registry.ts';
import type { VectorWay } from '../../src/shared/transport/vectors.ts';
import { offerFrom, openOnly, patient } from '../support/opened-vectors.ts';
import type { CollectiveUnderTest } from './all-reduce.contract.ts';
import { now } from './hub-side.ts';

/** Every rank reads the vectors of all others. @param feedbacks of the ranks; left out where nothing is compressed */
export async function overVectors<Offer>(
  name: AllReduceName,
  way: VectorWay<Offer>,
  worldSize: number,
  sizes: readonly number[],
  feedbacks: readonly ErrorFeedback[] = [],
): Promise<CollectiveUnderTest> {
  const buckets = gradientBuckets(sizes);
  const floats = feedbacks[0]?.words ?? sizes.reduce((sum, size) => sum + size, 0);
  const generation = new AbortController();
  const owned = await Promise.all(Array.from({ length: worldSize }, () => offerFrom(way, floats)));
  const groups = await Promise.all(
    owned.map(async (own, rank) => {
      let onPublished = () => {};
      const reading = { floats, generation: 1, patience: patient, onPublished: () => onPublished() };
      const peers = await Promise.all(
        owned.map(({ offer }, place) => (place === rank ? undefined : openOnly(way, offer, reading))),
      );
      return {
        own,
        peers,
        listen(listener: () => void) {
          onPublished = listener;
        },
      };
    }),
  );
  const ranks = groups.map((exchange, rank) =>
    collectiveOf(name).createRank({
      rank,
      worldSize,
      buckets,
      exchange,
      feedback: feedbacks[rank],
      sendToHub() {
        throw new Error('it has no hub');
      },
      now,
      signal: generation.signal,
    }),
  );
  return {
    ranks,
    begin: (attempt) => attempt,
    abort: (reason) => generation.abort(reason),
    close() {
      for (const { own, peers } of groups) for (const vectors of [own, ...peers]) vectors?.close();
    },
  };
}
