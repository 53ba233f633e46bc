/** Vectors that processes read of each other: gradients that do not pass through the coordinator. */
import type { Interval } from '../core/sampling.ts';
import { vectorSlots } from '../protocol/limits.ts';
import type { Attempt, VectorsToRead } from '../protocol/messages.ts';

/** What is known of a vector that is complete. */
export interface Publication {
  readonly attempt: Attempt;
  /** `figureCount` numbers, whatever they mean to those who write and read them. */
  readonly figures: readonly number[];
}

/** A part of the vector in a slot. */
export interface SlotPart extends Interval {
  readonly slot: number;
}

/** A part that is read. */
export interface FollowedPart extends SlotPart {
  /** Where to keep what arrives over a network, as long as the part; in memory of its own unless given. */
  readonly place?: Float32Array | undefined;
  /**
   * Called with floats of it as they arrive over a network, the first time: whoever has use for them at once saves the memory in which
   * they would be kept. They may not be read afterwards. @returns whether they are used; otherwise they are kept
   */
  readonly use?: ((attempt: Attempt, from: number, values: Float32Array) => boolean) | undefined;
}

/** Shows vectors to others, in slots. What they mean is up to those who write and read them. */
export interface VectorWriter {
  /** From now on the slot's vector is written for this attempt, and what was there before is gone. */
  begin(slot: number, attempt: Attempt): void;
  write(slot: number, from: number, values: Float32Array): void;
  /**
   * As `write`. The values stay as they are until all who follow them have taken them or the slot is begun again in this generation,
   * and for ever in another one, so that they can be sent from where they are.
   */
  lend(slot: number, from: number, values: Float32Array): void;
  /**
   * As `lend`, for readers that wait for this very part: they are told of it, and can read it, before the vector is complete.
   * (What is written or lent can be read before only over a network.)
   * @throws if these are more than `mostPasses` parts of the vector
   */
  pass(slot: number, from: number, values: Float32Array): void;
  /** The slot's vector is complete: whoever has opened it is told. */
  publish(slot: number, publication: Publication): void;
  /** May be called twice. */
  close(): void;
}

/** What another process offers. */
export interface PeerVectors {
  readonly way: 'memory' | 'network';
  /** What is to be read from now on: two parts of a slot at most. Nothing is before. */
  follow(parts: readonly FollowedPart[]): void;
  /** Whether these floats can be read, of the vector of this attempt. It may not be complete. */
  holds(part: SlotPart, attempt: Attempt): boolean;
  /** Fills `target` with the floats of a slot from `from` on. */
  read(slot: number, from: number, target: Float32Array): void;
  /**
   * What the slot's vector is; undefined while it changes.
   * @throws run-failed that says what the other sent that nobody sends who does its part
   */
  published(slot: number): Publication | undefined;
  /**
   * Has so many floats sent that mean nothing, so that they can be timed; resolves when they have come. Never does where the
   * connection breaks. Only over a network.
   * @param floats 0 to `maxProbeFloats`
   */
  probe?(floats: number): Promise<void>;
  /** May be called twice. */
  close(): void;
}

export interface ReadOptions {
  /** How long the vector is. */
  readonly floats: number;
  /** Whose ranks read each other. What a process that is still in an earlier one asks for, it does not get. */
  readonly generation: number;
  readonly patience: LinkPatience;
  /** Called when another part of a vector may be there, or all of it; perhaps more often. */
  readonly onPublished: () => void;
}

/** How long whoever offers vectors is waited for, in milliseconds. */
export interface LinkPatience {
  /** Nobody is found. */
  readonly reachMs: number;
  /** It is there, and computes or stands still. */
  readonly answerMs: number;
}

/** A way to show vectors and to read them. Problems are for people: they say why it is closed. */
export interface VectorWay<Offer> {
  /** @param floats of the vector @returns where to write it, and how others open it */
  offer(floats: number): Promise<{ readonly own: VectorWriter & { readonly offer: Offer } } | Problem>;
  open(offer: Offer, options: ReadOptions): Promise<{ readonly peer: PeerVectors } | Problem>;
}

export interface Problem {
  readonly problem: string;
}

export type VectorSharing = VectorWay<VectorsToRead>;

/**
 * The slot of a step's vector, where steps take slots in turn. Members are never more than a step apart, so whoever writes a slot
 * again knows that all have read it.
 */
export function slotOf(step: number): number {
  return step % vectorSlots;
}

export const figureCount = 6;

/** Parts of a vector that are passed are so long on average, but for so many. */
const [leastPassedFloats, mostShortPasses] = [1 << 16, 1024];

/** @param floats of the vector @returns how many parts of it may be passed */
export function mostPasses(floats: number): number {
  return mostShortPasses + Math.ceil(floats / leastPassedFloats);
}
