/** What a process has received of another's vectors: of each, the part that it follows. Pure. */
import type { Interval } from '../core/sampling.ts';
import { sumOf } from '../core/sums.ts';
import { isSameAttempt } from '../protocol/attempt.ts';
import { vectorSlots } from '../protocol/limits.ts';
import type { Attempt } from '../protocol/messages.ts';
import { type FollowedPart, figureCount, type Publication, type SlotPart } from './vectors.ts';

export interface ReceivedSlots {
  /** What is received from now on, and nothing before. Parts of a slot do not touch. */
  follow(parts: readonly FollowedPart[]): void;
  /**
   * Some floats of a vector. They may come again, as after a broken connection: by then others may be where they were kept, and
   * stay. @returns what is wrong with them
   */
  take(slot: number, attempt: Attempt, from: number, values: Float32Array): string | undefined;
  /** The vector is complete. @returns what is wrong with that */
  complete(slot: number, publication: Publication): string | undefined;
  /** Whether these floats have come, which were sent in one message or in several that begin and end as they do. */
  holds(part: SlotPart, attempt: Attempt): boolean;
  read(slot: number, from: number, target: Float32Array): void;
  published(slot: number): Publication | undefined;
}

/** The floats from `from` to `to`, but for those that were used as they came. */
interface Kept extends Interval {
  readonly values: Float32Array;
  readonly use: FollowedPart['use'];
}

interface Slot {
  /** One or more, in the order of the vector. */
  readonly kept: readonly Kept[];
  readonly length: number;
  attempt: Attempt | undefined;
  /** How long the parts are that have come, by where they begin. */
  readonly parts: Map<number, number>;
  publication: Publication | undefined;
}

export function createReceivedSlots(): ReceivedSlots {
  let all: readonly (Slot | undefined)[] = [];

  function begin(slot: Slot, attempt: Attempt): void {
    if (slot.attempt !== undefined && isSameAttempt(slot.attempt, attempt)) return;
    slot.attempt = attempt;
    slot.parts.clear();
    slot.publication = undefined;
  }

  return {
    follow(parts) {
      all = Array.from({ length: vectorSlots }, (_, slot) => followed(parts.filter((part) => part.slot === slot)));
    },
    take(place, attempt, from, values) {
      const slot = all[place];
      const to = from + values.length;
      if (slot === undefined) return `floats ${from} to ${to} of slot ${place}, which nobody follows`;
      const kept = values.length === 0 ? undefined : keptOf(slot, from, to);
      if (kept === undefined) {
        const parts = slot.kept.map((part) => `from ${part.from} to ${part.to}`).join(' and ');
        return `floats ${from} to ${to} of a part ${parts}`;
      }
      begin(slot, attempt);
      // What is sent again, after a broken connection, may have been changed since it was taken.
      if (slot.parts.get(from) === values.length) return undefined;
      slot.parts.set(from, values.length);
      if (kept.use?.(attempt, from, values) !== true) kept.values.set(values, from - kept.from);
      return undefined;
    },
    complete(place, publication) {
      const { attempt, figures } = publication;
      const slot = all[place];
      if (slot === undefined) return `a vector in slot ${place}, which nobody follows`;
      if (figures.length !== figureCount) return `${figures.length} figures, expected ${figureCount}`;
      const { length } = slot;
      const isKnown = slot.attempt !== undefined && isSameAttempt(slot.attempt, attempt);
      if (!isKnown && length > 0) return 'a vector that has not come';
      begin(slot, attempt);
      const come = sumOf([...slot.parts.values()]);
      if (come !== length) return `a vector of which ${come} floats have come, of ${length}`;
      slot.publication = publication;
      return undefined;
    },
    holds({ slot: place, from, to }, attempt) {
      const slot = all[place];
      if (slot?.attempt === undefined || !isSameAttempt(slot.attempt, attempt)) return false;
      return areCovered({ from, to }, slot.parts);
    },
    read(place, from, target) {
      const slot = all[place];
      const to = from + target.length;
      const kept = slot && keptOf(slot, from, to);
      if (kept === undefined) throw new Error(`floats ${from} to ${to} of slot ${place} are read and not followed`);
      const held = kept.values.subarray(from - kept.from, to - kept.from);
      // What has arrived where it is read is there.
      if (held.buffer !== target.buffer || held.byteOffset !== target.byteOffset) target.set(held);
    },
    published: (place) => all[place]?.publication,
  };
}

/** Whether parts that follow on each other begin and end as these floats do. @param parts their lengths, by where they begin */
export function areCovered({ from, to }: Interval, parts: ReadonlyMap<number, number>): boolean {
  let end = from;
  for (let length = parts.get(end); length !== undefined && end < to; length = parts.get(end)) end += length;
  return end >= to;
}

function keptOf({ kept }: Slot, from: number, to: number): Kept | undefined {
  return kept.find((part) => part.from <= from && to <= part.to);
}

function followed(parts: readonly FollowedPart[]): Slot | undefined {
  if (parts.length === 0) return undefined;
  const kept = parts.map(({ from, to, place: values = new Float32Array(to - from), use }) => ({
    from,
    to,
    values,
    use,
  }));
  const length = sumOf(kept.map(({ from, to }) => to - from));
  return { kept, length, attempt: undefined, parts: new Map(), publication: undefined };
}
