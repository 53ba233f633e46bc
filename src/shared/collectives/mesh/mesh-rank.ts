/** A rank's side of the mesh: publish the own gradient, wait until everybody has, add them all up. */
import { createDeferred } from '../../core/deferred.ts';
import { PennygradError } from '../../core/errors.ts';
import type { Interval } from '../../core/sampling.ts';
import { vectorSlots } from '../../protocol/limits.ts';
import type { Attempt } from '../../protocol/messages.ts';
import { slotOf } from '../../transport/vectors.ts';
import { followBuckets } from '../bucket-progress.ts';
import type { AllReduce, RankOptions } from '../collective.ts';
import { type PublishedPart, publishedPart, requireUnchanged, toFigures, waitForSlower } from '../published-parts.ts';
import { sumDecoded, sumFloats } from './mesh-sums.ts';

const floatBytes = Float32Array.BYTES_PER_ELEMENT;

export function createMeshRank({ rank, buckets, feedback, exchange, now, signal }: RankOptions): AllReduce {
  if (exchange === undefined) throw new Error('createMeshRank: needs an exchange');
  const { own, peers, listen } = exchange;
  const floats = buckets.at(-1)?.to ?? 0;
  const ways = peers.flatMap((peer) => peer?.way ?? []);
  /** How often its vector leaves: once for all that read it in memory, and to each of the others. */
  const copies = Number(ways.includes('memory')) + ways.filter((way) => way === 'network').length;
  const others = peers.length - 1;
  const sums = feedback === undefined ? sumFloats(rank, peers, buckets) : sumDecoded(rank, peers, buckets, feedback);
  /** Those of the step that is under way, or was given up, since this rank began to wait for them. */
  let awaited: readonly (PublishedPart | undefined)[] = [];
  const everything = Array.from({ length: vectorSlots }, (_, slot) => ({ slot, from: 0, to: sums.length }));
  for (const peer of peers) peer?.follow(everything);

  /** Waits for the parts of all ranks. What is complete when the generation ends still counts: others may have applied it. */
  async function collectParts(attempt: Attempt, part: PublishedPart): Promise<readonly PublishedPart[]> {
    const parts = peers.map((peer) => (peer === undefined ? part : undefined));
    awaited = parts;
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
      reject(signal.reason);
    }
    listen(look);
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    else look();
    await promise.finally(() => signal.removeEventListener('abort', giveUp));
    return parts.flatMap((one) => one ?? []);
  }

  return {
    start(attempt, [vector = new Float32Array(0)]) {
      if (vector.length !== floats) throw new Error(`all-reduce: ${vector.length} floats, expected ${floats}`);
      awaited = [];
      const startedAt = now();
      const slot = slotOf(attempt.step);
      own.begin(slot, attempt);
      const progress = followBuckets(buckets, 1, (_, bucket) => {
        const { from, to } = buckets[bucket] as Interval;
        const { at, values } = sums.prepare(bucket, vector.subarray(from, to));
        own.write(slot, at, values);
      });
      return {
        ready: (from, to) => progress.ready(from, to, 0),
        async finish(part, vote) {
          signal.throwIfAborted();
          progress.rest();
          const finalAt = now();
          const ownPart = { part, computeSeconds: finalAt - startedAt };
          own.publish(slot, { attempt, figures: toFigures(ownPart) });
          vote();
          const all = await collectParts(attempt, ownPart);
          const waitSeconds = waitForSlower(now() - finalAt, ownPart, all, peers);
          const parts = all.map((one) => one.part);
          const problem = sums.addUp(slot, vector);
          // What was changed while it was read may make no sense, through no fault of its rank.
          requireUnchanged(peers, slot, attempt);
          if (problem !== undefined) throw new PennygradError('run-failed', `step ${attempt.step + 1}: ${problem}`);
          const bytes = { sent: copies * sums.length * floatBytes, received: others * sums.length * floatBytes };
          return { sum: sums.sum, parts, waitSeconds, bytes };
        },
      };
    },
    receive() {},
    awaited: () => awaited.flatMap((one, other) => (one === undefined ? other : [])),
  };
}
