/** What a process has received of another's vectors. Pure. */
import { sumOf } from '../core/sums.ts';
import { isSameAttempt } from '../protocol/attempt.ts';
import type { Attempt } from '../protocol/messages.ts';
import { figureCount, type Publication, slotOf, slots } from './vectors.ts';

export interface ReceivedSlots {
  /** A part of a vector, which may come again. @returns what is wrong with it */
  take(attempt: Attempt, from: number, values: Float32Array): string | undefined;
  /** The vector is complete. @returns what is wrong with that */
  complete(publication: Publication): string | undefined;
  read(slot: number, from: number, target: Float32Array): void;
  published(slot: number): Publication | undefined;
}

interface Slot {
  readonly vector: Float32Array;
  attempt: Attempt | undefined;
  /** How long the parts are that have come, by where they begin. */
  readonly parts: Map<number, number>;
  publication: Publication | undefined;
}

/** @param floats of a vector */
export function createReceivedSlots(floats: number): ReceivedSlots {
  const all = Array.from(
    { length: slots },
    (): Slot => ({ vector: new Float32Array(floats), attempt: undefined, parts: new Map(), publication: undefined }),
  );
  const at = (slot: number) => all[slot] as Slot;

  return {
    take(attempt, from, values) {
      const slot = at(slotOf(attempt.step));
      const to = from + values.length;
      if (values.length === 0 || to > floats) return `floats ${from} to ${to} of a vector of ${floats}`;
      if (slot.attempt === undefined || !isSameAttempt(slot.attempt, attempt)) {
        slot.attempt = attempt;
        slot.parts.clear();
        slot.publication = undefined;
      }
      slot.vector.set(values, from);
      slot.parts.set(from, values.length);
      return undefined;
    },
    complete(publication) {
      const { attempt, figures } = publication;
      const slot = at(slotOf(attempt.step));
      if (figures.length !== figureCount) return `${figures.length} figures, expected ${figureCount}`;
      if (slot.attempt === undefined || !isSameAttempt(slot.attempt, attempt)) return 'a vector that has not come';
      const come = sumOf([...slot.parts.values()]);
      if (come !== floats) return `a vector of which ${come} floats have come, of ${floats}`;
      slot.publication = publication;
      return undefined;
    },
    read: (slot, from, target) => target.set(at(slot).vector.subarray(from, from + target.length)),
    published: (slot) => at(slot).publication,
  };
}
