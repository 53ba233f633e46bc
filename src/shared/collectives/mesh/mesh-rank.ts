/** A rank's side of the mesh: write the own gradient, wait for the commit, add up what everybody has written. */
import { PennygradError } from '../../core/errors.ts';
import type { Interval } from '../../core/sampling.ts';
import type { Attempt } from '../../protocol/messages.ts';
import { slotOf } from '../../transport/shared-vectors.ts';
import { followBuckets } from '../bucket-progress.ts';
import { type AllReduce, isSameAttempt, type RankOptions } from '../collective.ts';
import { createFloatMemory } from '../float-memory.ts';

/** Floats that are added up at a time: what a core's own cache holds of sum and part. */
const blockFloats = 1 << 15;

/** Others went on without this rank, which stood still after it had voted. It has not applied the step. */
export class GradientGone extends PennygradError {
  constructor(message: string) {
    super('quorum-lost', message);
    this.name = 'GradientGone';
  }
}

export function createMeshRank({ rank, worldSize, buckets, exchange, signal }: RankOptions): AllReduce {
  if (exchange === undefined) throw new Error('createMeshRank: needs an exchange');
  const { own, peers } = exchange;
  const floats = buckets.at(-1)?.to ?? 0;
  const memory = createFloatMemory([floats, Math.min(blockFloats, floats)]);
  const [sum, block] = [memory.vector(0), memory.vector(1)];

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

  /** After reading: whoever went on to another attempt in the meantime may have changed what was read. */
  function requireUnchanged(slot: number, attempt: Attempt): void {
    for (const [other, peer] of peers.entries()) {
      if (peer === undefined) continue;
      const published = peer.published(slot);
      if (published !== undefined && isSameAttempt(published, attempt)) continue;
      throw new GradientGone(`rank ${other} has no gradient for step ${attempt.step + 1} to be read any more`);
    }
  }

  return {
    start(attempt, [vector = new Float32Array(0)]) {
      if (vector.length !== floats) throw new Error(`all-reduce: ${vector.length} floats, expected ${floats}`);
      const slot = slotOf(attempt.step);
      own.clear(slot);
      const progress = followBuckets(buckets, 1, (_, bucket) => {
        const { from, to } = buckets[bucket] as Interval;
        own.write(slot, from, vector.subarray(from, to));
      });
      return {
        ready: (from, to) => progress.ready(from, to, 0),
        async finish(vote, committed) {
          signal.throwIfAborted();
          progress.rest();
          own.publish(slot, attempt);
          vote();
          const { skipped, waited } = await committed();
          if (!skipped) {
            addUp(slot, vector);
            requireUnchanged(slot, attempt);
          }
          const bytes = { sent: vector.byteLength, received: skipped ? 0 : (worldSize - 1) * vector.byteLength };
          return { sum, waitSeconds: waited, bytes };
        },
      };
    },
    receive() {},
  };
}
