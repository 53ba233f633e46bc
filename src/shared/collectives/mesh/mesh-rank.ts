/** A rank's side of the mesh: publish the own gradient, wait until everybody has, add them all up. */
import { createDeferred } from '../../core/deferred.ts';
import type { Interval } from '../../core/sampling.ts';
import { vectorSlots } from '../../protocol/limits.ts';
import type { Attempt } from '../../protocol/messages.ts';
import { slotOf } from '../../transport/vectors.ts';
import { followBuckets } from '../bucket-progress.ts';
import type { AllReduce, RankOptions, StepPart } from '../collective.ts';
import { createFloatMemory } from '../float-memory.ts';
import { publishedPart, requireUnchanged, toFigures } from '../published-parts.ts';

/** Floats that are added up at a time: what a core's own cache holds of sum and part. */
const blockFloats = 1 << 15;

export function createMeshRank({ rank, worldSize, buckets, exchange, now, signal }: RankOptions): AllReduce {
  if (exchange === undefined) throw new Error('createMeshRank: needs an exchange');
  const { own, peers, listen } = exchange;
  const floats = buckets.at(-1)?.to ?? 0;
  const ways = peers.flatMap((peer) => peer?.way ?? []);
  /** How often its vector leaves: once for all that read it in memory, and to each of the others. */
  const copies = Number(ways.includes('memory')) + ways.filter((way) => way === 'network').length;
  const memory = createFloatMemory([floats, Math.min(blockFloats, floats)]);
  let awaited: readonly number[] = [];
  const [sum, block] = [memory.vector(0), memory.vector(1)];
  const everything = Array.from({ length: vectorSlots }, (_, slot) => ({ slot, from: 0, to: floats }));
  for (const peer of peers) peer?.follow(everything);

  /** Waits for the parts of all ranks. What is complete when the generation ends still counts: others may have applied it. */
  async function collectParts(attempt: Attempt, part: StepPart): Promise<readonly StepPart[]> {
    const parts = peers.map((peer) => (peer === undefined ? part : undefined));
    const { promise, resolve, reject } = createDeferred<void>();
    function look(): void {
      try {
        for (const [other, peer] of peers.entries())
          if (peer) parts[other] ??= publishedPart(other, peer, slotOf(attempt.step), attempt);
        if (parts.every((one) => one !== undefined)) resolve();
      } catch (error) {
        reject(error);
      }
    }
    function giveUp(): void {
      look();
      awaited = parts.flatMap((one, other) => (one === undefined ? other : []));
      reject(signal.reason);
    }
    listen(look);
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else look();
    await promise.finally(() => signal.removeEventListener('abort', giveUp));
    return parts.flatMap((one) => one ?? []);
  }

  /** Adds rank 1, 2, … onto rank 0's vector: each partial sum is rounded to float32, on every rank alike. */
  function addUp(slot: number, vector: Float32Array): void {
    for (let from = 0; from < floats; from += blockFloats) {
      const to = Math.min(from + blockFloats, floats);
      for (let other = 0; other < worldSize; other++) {
        const target = other === 0 ? sum.subarray(from, to) : block.subarray(0, to - from);
        if (other === rank) target.set(vector.subarray(from, to));
        else peers[other]?.read(slot, from, target);
        if (other > 0) memory.add(0, from, 1, 0, to - from);
      }
    }
  }

  return {
    start(attempt, [vector = new Float32Array(0)]) {
      if (vector.length !== floats) throw new Error(`all-reduce: ${vector.length} floats, expected ${floats}`);
      awaited = [];
      const slot = slotOf(attempt.step);
      own.begin(slot, attempt);
      const progress = followBuckets(buckets, 1, (_, bucket) => {
        const { from, to } = buckets[bucket] as Interval;
        own.write(slot, from, vector.subarray(from, to));
      });
      return {
        ready: (from, to) => progress.ready(from, to, 0),
        async finish(part, vote) {
          signal.throwIfAborted();
          progress.rest();
          own.publish(slot, { attempt, figures: toFigures(part) });
          const published = now();
          vote();
          const parts = await collectParts(attempt, part);
          const waitSeconds = now() - published;
          addUp(slot, vector);
          requireUnchanged(peers, slot, attempt);
          const bytes = { sent: copies * vector.byteLength, received: (worldSize - 1) * vector.byteLength };
          return { sum, parts, waitSeconds, bytes };
        },
      };
    },
    receive() {},
    awaited: () => awaited,
  };
}
