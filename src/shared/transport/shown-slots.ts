/** What a process shows of its own vectors over the network: kept until all have read it, so that it can be sent again. Pure. */
import type { Interval } from '../core/sampling.ts';
import type { Attempt } from '../protocol/messages.ts';
import { type Publication, slots } from './vectors.ts';

/** One thing to send. */
export type Shown =
  | { readonly kind: 'values'; readonly attempt: Attempt; readonly from: number; readonly values: Float32Array }
  | { readonly kind: 'published'; readonly publication: Publication };

export function attemptOf(shown: Shown): Attempt {
  return shown.kind === 'values' ? shown.attempt : shown.publication.attempt;
}

export interface ShownSlots {
  /**
   * A new generation's vectors have new memory. What was handed out of the last one's never changes, however late it leaves: a
   * process that stood still may still be sent it.
   */
  begin(slot: number, attempt: Attempt): void;
  /** @returns the values in memory that stays as it is until the slot is begun again */
  write(slot: number, from: number, values: Float32Array): Shown;
  publish(slot: number, publication: Publication): Shown;
  /** All that is in the slots, in an order in which it can be sent. */
  everything(): readonly Shown[];
}

interface Slot {
  /** Made when it is first needed. */
  vector: Float32Array | undefined;
  attempt: Attempt | undefined;
  written: Interval[];
  publication: Publication | undefined;
}

const emptySlot = (): Slot => ({ vector: undefined, attempt: undefined, written: [], publication: undefined });

/** @param floats of a vector */
export function createShownSlots(floats: number): ShownSlots {
  let all = Array.from({ length: slots }, emptySlot);
  const at = (slot: number) => all[slot] as Slot;

  function valuesIn({ attempt, vector }: Slot, { from, to }: Interval): Shown {
    if (attempt === undefined || vector === undefined) throw new Error('a slot is written before it is begun');
    return { kind: 'values', attempt, from, values: vector.subarray(from, to) };
  }

  return {
    begin(slot, attempt) {
      if (all.some((other) => other.attempt !== undefined && other.attempt.generation !== attempt.generation)) {
        all = all.map(emptySlot);
      }
      const begun = at(slot);
      begun.attempt = attempt;
      begun.written = [];
      begun.publication = undefined;
    },
    write(slot, from, values) {
      const shown = at(slot);
      shown.vector ??= new Float32Array(floats);
      shown.vector.set(values, from);
      const interval = { from, to: from + values.length };
      shown.written.push(interval);
      return valuesIn(shown, interval);
    },
    publish(slot, publication) {
      at(slot).publication = publication;
      return { kind: 'published', publication };
    },
    everything() {
      return all.flatMap((slot) => {
        const parts = slot.written.map((interval) => valuesIn(slot, interval));
        const { publication } = slot;
        return publication === undefined ? parts : [...parts, { kind: 'published' as const, publication }];
      });
    },
  };
}
