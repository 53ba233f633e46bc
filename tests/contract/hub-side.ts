/** The hub of a collective under test, and what its ranks share. */
import { gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import type { AllReduceHub, HubReply, ToHub } from '../../src/shared/collectives/collective.ts';
import type { Codec } from '../../src/shared/collectives/compression/codec.ts';
import { type AllReduceName, collectiveOf } from '../../src/shared/collectives/registry.ts';
import { evenShares } from '../../src/shared/core/sampling.ts';
import type { Body } from '../../src/shared/protocol/messages.ts';
import type { CollectiveUnderTest } from './all-reduce.contract.ts';

/** In samples. */
const microShard = 8;

export const now = () => performance.now() / 1000;

/** @param codec in which buckets travel; left out where they travel as they are */
export function openHubSide(name: AllReduceName, worldSize: number, sizes: readonly number[], codec?: Codec) {
  const buckets = gradientBuckets(sizes);
  const generation = new AbortController();
  const hub = collectiveOf(name).createHub?.({
    worldSize,
    buckets,
    microShard,
    codec,
    takesNonFinite: codec !== undefined,
  });
  return {
    buckets,
    signal: generation.signal,
    begin: beginnerOf(worldSize, hub),
    abort: (reason: Error) => generation.abort(reason),
    /** @throws where the hub does not take it */
    take(rank: number, message: Body<ToHub>, tensors: readonly Float32Array[]): readonly HubReply[] {
      const outcome = hub?.receive(rank, message, tensors, now());
      if (outcome?.kind === 'refused') throw new Error(outcome.reason);
      if (outcome?.kind === 'diverged') throw new Error(`float ${outcome.float} is ${outcome.value}`);
      return outcome?.kind === 'reply' ? outcome.replies : [];
    },
  };
}

/** Tells a hub of each attempt once, whichever rank begins it. */
function beginnerOf(worldSize: number, hub: AllReduceHub | undefined): CollectiveUnderTest['begin'] {
  const begun = new Set<string>();
  const shares = evenShares({ from: 0, to: worldSize * microShard }, worldSize);
  return (attempt) => {
    const name = Object.values(attempt).join();
    if (!begun.has(name)) hub?.expect(attempt, shares);
    begun.add(name);
    return attempt;
  };
}
