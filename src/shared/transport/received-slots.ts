/** What a process has received of another's vectors: of each, the part that it follows. Pure. */
import { sumOf } from '../core/sums.ts';
import { isSameAttempt } from '../protocol/attempt.ts';
import { vectorSlots } from '../protocol/limits.ts';
import type { Attempt } from '../protocol/messages.ts';
import { type FollowedPart, figureCount, type Publication, type SlotPart } from './vectors.ts';

export interface ReceivedSlots {
  /** What is received from now on, and nothing before. */
  follow(parts: readonly FollowedPart[]): void;
  /** Some floats of a vector, which may come again. @returns what is wrong with them */
  take(slot: number, attempt: Attempt, from: number, values: Float32Array): string | undefined;
  /** The vector is complete. @returns what is wrong with that */
  complete(slot: number, publication: Publication): string | undefined;
  /** Whether these floats have come, which were sent in one message or in several that begin and end as they do. */
  holds(part: SlotPart, attempt: Attempt): boolean;
  read(slot: number, from: number, target: Float32Array): void;
  published(slot: number): Publication | undefined;
}

interface Slot {
  readonly from: number;
  readonly to: number;
  /** The floats from `from` to `to`. */
  readonly values: Float32Array;
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
      all = Array.from({ length: vectorSlots }, (_, slot) => followed(parts.find((part) => part.slot === slot)));
    },
    take(place, attempt, from, values) {
      const slot = all[place];
      const to = from + values.length;
      if (slot === undefined) return `floats ${from} to ${to} of slot ${place}, which nobody follows`;
      if (values.length === 0 || from < slot.from || to > slot.to) {
        return `floats ${from} to ${to} of a part from ${slot.from} to ${slot.to}`;
      }
      begin(slot, attempt);
      slot.values.set(values, from - slot.from);
      slot.parts.set(from, values.length);
      return undefined;
    },
    complete(place, publication) {
      const { attempt, figures } = publication;
      const slot = all[place];
      if (slot === undefined) return `a vector in slot ${place}, which nobody follows`;
      if (figures.length !== figureCount) return `${figures.length} figures, expected ${figureCount}`;
      const length = slot.to - slot.from;
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
      let end = from;
      for (let length = slot.parts.get(end); length !== undefined && end < to; length = slot.parts.get(end))
        end += length;
      return end >= to;
    },
    read(place, from, target) {
      const slot = all[place];
      if (slot === undefined || from < slot.from || from + target.length > slot.to) {
        throw new Error(`floats ${from} to ${from + target.length} of slot ${place} are read and not followed`);
      }
      const { from: first, values } = slot;
      const held = values.subarray(from - first, from - first + target.length);
      // What has arrived where it is read is there.
      if (held.buffer !== target.buffer || held.byteOffset !== target.byteOffset) target.set(held);
    },
    published: (place) => all[place]?.publication,
  };
}

function followed(part: FollowedPart | undefined): Slot | undefined {
  if (part === undefined) return undefined;
  const { from, to, place: values = new Float32Array(to - from) } = part;
  return { from, to, values, attempt: undefined, parts: new Map(), publication: undefined };
}
