/** Vectors that simulated processes read of each other: what `vectorsInMemory` does with files. */

import { isSameAttempt } from '../../src/shared/protocol/attempt.ts';
import { vectorSlots } from '../../src/shared/protocol/limits.ts';
import type { Attempt, VectorsInMemory } from '../../src/shared/protocol/messages.ts';
import { figureCount, type Publication, type VectorWay } from '../../src/shared/transport/vectors.ts';

interface Slot {
  readonly vector: Float32Array;
  published: Publication | undefined;
  attempt: Attempt | undefined;
  /** The floats that can be read before all of them. */
  readonly passed: Set<number>;
}

interface File {
  readonly slots: readonly Slot[];
  /** Called after each publication. */
  readonly listeners: Set<() => void>;
}

/**
 * @param hostOf the host of whoever offers next
 * @param tell how a listener hears of a publication; at the end of the turn unless given
 */
export function createMemoryVectors(
  hostOf: () => string = () => 'host',
  tell: (listener: () => void) => void = queueMicrotask,
): VectorWay<VectorsInMemory> {
  const files: File[] = [];
  return {
    async offer(floats) {
      const slots = Array.from(
        { length: vectorSlots },
        (): Slot => ({ vector: new Float32Array(floats), published: undefined, attempt: undefined, passed: new Set() }),
      );
      const listeners = new Set<() => void>();
      const at = (slot: number) => slots[slot] as Slot;
      files.push({ slots, listeners });
      const tellAll = () => {
        for (const listener of listeners) tell(() => listeners.has(listener) && listener());
      };
      return {
        own: {
          offer: { host: hostOf(), pid: 1, fd: files.length - 1, secret: 'x'.repeat(32) },
          begin(slot, attempt) {
            const begun = at(slot);
            begun.published = undefined;
            begun.attempt = attempt;
            begun.passed.clear();
          },
          write: (slot, from, values) => at(slot).vector.set(values, from),
          lend: (slot, from, values) => at(slot).vector.set(values, from),
          pass(slot, from, values) {
            at(slot).vector.set(values, from);
            for (let float = from; float < from + values.length; float++) at(slot).passed.add(float);
            tellAll();
          },
          publish(slot, publication) {
            if (publication.figures.length !== figureCount) throw new Error(`${publication.figures.length} figures`);
            at(slot).published = publication;
            tellAll();
          },
          close() {},
        },
      };
    },
    async open({ fd }, { onPublished }) {
      const file = files[fd];
      if (file === undefined) return { problem: 'there is no such file' };
      const at = (slot: number) => file.slots[slot] as Slot;
      // One process may open the same file for several generations.
      const listener = () => onPublished();
      file.listeners.add(listener);
      return {
        peer: {
          way: 'memory',
          follow() {},
          holds({ slot, from, to }, begun) {
            const { published, attempt, passed } = at(slot);
            if (published !== undefined) return isSameAttempt(published.attempt, begun);
            if (attempt === undefined || !isSameAttempt(attempt, begun)) return false;
            for (let float = from; float < to; float++) if (!passed.has(float)) return false;
            return true;
          },
          read: (slot, from, target) => target.set(at(slot).vector.subarray(from, from + target.length)),
          published: (slot) => at(slot).published,
          close() {
            file.listeners.delete(listener);
          },
        },
      };
    },
  };
}
