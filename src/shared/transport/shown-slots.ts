/** What a process shows of its own vectors over the network: kept until all have read it, so that it can be sent again. Pure. */
import { vectorSlots } from '../protocol/limits.ts';
import type { Attempt } from '../protocol/messages.ts';
import type { Publication, SlotPart } from './vectors.ts';

/** One thing to send. */
export type Shown =
  | {
      readonly kind: 'values';
      readonly slot: number;
      readonly attempt: Attempt;
      readonly from: number;
      readonly values: Float32Array;
    }
  | { readonly kind: 'published'; readonly slot: number; readonly publication: Publication };

export function attemptOf(shown: Shown): Attempt {
  return shown.kind === 'values' ? shown.attempt : shown.publication.attempt;
}

/** What of it is for whoever follows these parts. */
export function partsFor(shown: Shown, parts: readonly SlotPart[]): readonly Shown[] {
  const followed = parts.filter(({ slot }) => slot === shown.slot);
  if (shown.kind === 'published') return followed.length > 0 ? [shown] : [];
  const { values } = shown;
  return followed.flatMap((part) => {
    const [from, to] = [Math.max(shown.from, part.from), Math.min(shown.from + values.length, part.to)];
    return from < to ? { ...shown, from, values: values.subarray(from - shown.from, to - shown.from) } : [];
  });
}

export interface ShownSlots {
  /**
   * A new generation's vectors have new memory. What was handed out of the last one's never changes, however late it leaves: a
   * process that stood still may still be sent it.
   */
  begin(slot: number, attempt: Attempt): void;
  /** @returns the values in memory that stays as it is until the slot is begun again */
  write(slot: number, from: number, values: Float32Array): Shown;
  /** As `write`, with the values where they are: they stay as they are. */
  lend(slot: number, from: number, values: Float32Array): Shown;
  publish(slot: number, publication: Publication): Shown;
  /** All that is in the slots, in an order in which it can be sent. */
  everything(): readonly Shown[];
}

interface Slot {
  /** Made when it is first needed. */
  vector: Float32Array | undefined;
  attempt: Attempt | undefined;
  written: Shown[];
  publication: Publication | undefined;
}

const emptySlot = (): Slot => ({ vector: undefined, attempt: undefined, written: [], publication: undefined });

/** @param floats of a vector */
export function createShownSlots(floats: number): ShownSlots {
  let all = Array.from({ length: vectorSlots }, emptySlot);
  const at = (slot: number) => all[slot] as Slot;

  function lend(slot: number, from: number, values: Float32Array): Shown {
    const { attempt, written } = at(slot);
    if (attempt === undefined) throw new Error('a slot is written before it is begun');
    const shown: Shown = { kind: 'values', slot, attempt, from, values };
    written.push(shown);
    return shown;
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
      return lend(slot, from, shown.vector.subarray(from, from + values.length));
    },
    lend,
    publish(slot, publication) {
      at(slot).publication = publication;
      return { kind: 'published', slot, publication };
    },
    everything() {
      return all.flatMap(({ written, publication }, slot) =>
        publication === undefined ? written : [...written, { kind: 'published' as const, slot, publication }],
      );
    },
  };
}
