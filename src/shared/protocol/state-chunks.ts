/**
 * A state on its way in chunks, as its sender and its receiver see it. No input or output: who uses this sends and receives.
 *
 * A state is some vectors, one after the other. A chunk is a run of floats of one of them, so nothing is copied to send it.
 * The sender is never more than a window ahead of what the receiver has said that it took. Both keep a CRC-32 of all floats,
 * and the sender's comes with the message that ends the transfer.
 */
import { crc32 } from 'node:zlib';
import { firstBeyond, largestFloat32 } from '../core/first-beyond.ts';
import { chunkWindow, maxChunkFloats } from './limits.ts';

export interface Chunk {
  /** Floats of the state that come before. */
  readonly offset: number;
  readonly floats: Float32Array;
}

/** Sizes in floats. */
export interface ChunkSizes {
  readonly chunkFloats: number;
  /** By how much a sender may be ahead of its receiver. */
  readonly windowFloats: number;
}

/** @param chunkFloats the longest chunk, at most `maxChunkFloats` */
export function chunkSizes(chunkFloats = maxChunkFloats): ChunkSizes {
  return { chunkFloats, windowFloats: chunkWindow * chunkFloats };
}

/** Whether a state fits into the message that it belongs to, where it costs no further round trip. */
export function travelsWhole(vectors: readonly Float32Array[], { chunkFloats }: ChunkSizes): boolean {
  return floatsIn(vectors) <= chunkFloats;
}

export interface ChunkSender {
  /** Floats of the whole state. */
  readonly total: number;
  /** The chunks for which there is room now; each is returned once. */
  next(): readonly Chunk[];
  /** The receiver has taken so many floats. */
  noteTaken(offset: number): void;
  /** Whether every chunk was returned. */
  isDone(): boolean;
  /** The CRC-32 of all chunks that were returned. */
  checksum(): number;
}

export function createChunkSender(vectors: readonly Float32Array[], sizes: ChunkSizes): ChunkSender {
  const total = floatsIn(vectors);
  const chunks = cut(vectors, sizes.chunkFloats);
  let following = chunks.next();
  let taken = 0;
  let checksum = 0;
  return {
    total,
    next() {
      const sent: Chunk[] = [];
      while (following.done !== true) {
        const { offset, floats } = following.value;
        if (offset + floats.length - taken > sizes.windowFloats) break;
        checksum = crc32(bytesOf(floats), checksum);
        sent.push(following.value);
        following = chunks.next();
      }
      return sent;
    },
    noteTaken(offset) {
      taken = offset;
    },
    isDone: () => following.done === true,
    checksum: () => checksum,
  };
}

function* cut(vectors: readonly Float32Array[], chunkFloats: number): Generator<Chunk, undefined> {
  let before = 0;
  for (const vector of vectors) {
    for (let from = 0; from < vector.length; from += chunkFloats) {
      yield { offset: before + from, floats: vector.subarray(from, from + chunkFloats) };
    }
    before += vector.length;
  }
  return undefined;
}

/** Where a chunk of a state says that it belongs. */
export interface ChunkPlace {
  readonly total: number;
  readonly offset: number;
}

export type ChunkOutcome =
  | { readonly kind: 'taken'; readonly chunk: Chunk }
  /** `problem` names the field, what it must be and what it is. */
  | { readonly kind: 'refused'; readonly problem: string }
  /** A float of it is not finite. */
  | { readonly kind: 'diverged'; readonly value: number };

/** Follows chunks as they arrive; it keeps none of them. What it refuses changes nothing. */
export interface ChunkReader {
  add(place: ChunkPlace, tensors: readonly Float32Array[]): ChunkOutcome;
  /** Floats that were taken. */
  taken(): number;
  /** @param checksum of the whole state, by its sender @returns what is wrong with the end of the transfer, if anything */
  checkEnd(checksum: number | undefined): string | undefined;
  /** The CRC-32 of the first vector, once all of it is here. */
  parametersChecksum(): number;
}

/**
 * Takes the chunks that `createChunkSender` makes of such a state, and no shorter ones: chunks are given time each, and are
 * passed on one message each.
 * @param lengths of the vectors that the state consists of, in floats
 */
export function createChunkReader(lengths: readonly number[], { chunkFloats }: ChunkSizes): ChunkReader {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const [parameters = 0] = lengths;
  const ends = endsOf(lengths);
  let taken = 0;
  let checksum = 0;
  let parametersChecksum = 0;

  function problemWith(place: ChunkPlace, tensors: readonly Float32Array[]): string | undefined {
    if (place.total !== total) return `total must be ${total}, got ${place.total}`;
    if (place.offset !== taken) return `offset must be ${taken}, got ${place.offset}`;
    if (tensors.length !== 1) return `it must have 1 tensor, got ${tensors.length}`;
    const { length = 0 } = tensors[0] ?? {};
    const left = (ends.find((end) => end > taken) ?? total) - taken;
    if (left === 0) return `all ${total} floats of the state are here`;
    const due = Math.min(chunkFloats, left);
    return length === due ? undefined : `it must have ${due} floats, got ${length}`;
  }

  return {
    add(place, tensors) {
      const problem = problemWith(place, tensors);
      const [floats] = tensors;
      if (problem !== undefined || floats === undefined) return { kind: 'refused', problem: problem ?? 'it is empty' };
      const odd = firstBeyond(floats, largestFloat32);
      if (odd !== undefined) return { kind: 'diverged', value: floats[odd] as number };
      checksum = crc32(bytesOf(floats), checksum);
      taken += floats.length;
      if (taken === parameters) parametersChecksum = checksum;
      return { kind: 'taken', chunk: { offset: place.offset, floats } };
    },
    taken: () => taken,
    checkEnd(expected) {
      if (taken < total) return `all ${total} floats of the state must be here before, ${taken} are`;
      return expected === checksum ? undefined : `stateChecksum must be ${checksum}, got ${expected ?? 'none'}`;
    },
    parametersChecksum: () => parametersChecksum,
  };
}

/** Puts chunks together that a reader has taken. Takes memory for the whole state with the first of them. */
export interface StateCollector {
  add(chunk: Chunk): void;
  vectors(): readonly Float32Array[];
}

export function createStateCollector(lengths: readonly number[]): StateCollector {
  const ends = endsOf(lengths);
  let vectors: readonly Float32Array[] = [];
  return {
    add({ offset, floats }) {
      if (vectors.length === 0) vectors = lengths.map((length) => new Float32Array(length));
      const place = ends.findIndex((end) => end > offset);
      vectors[place]?.set(floats, offset - (ends[place - 1] ?? 0));
    },
    vectors: () => vectors,
  };
}

/** How many floats come before the end of each vector. */
function endsOf(lengths: readonly number[]): readonly number[] {
  let end = 0;
  return lengths.map((length) => {
    end += length;
    return end;
  });
}

function floatsIn(vectors: readonly Float32Array[]): number {
  return vectors.reduce((sum, { length }) => sum + length, 0);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
