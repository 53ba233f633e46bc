/** Who reads a process's vectors over the network, by connection: what of them, and how much it may have sent to be timed. Pure. */
import { maxProbedFloats } from '../protocol/limits.ts';
import type { SlotPart } from './vectors.ts';

export interface VectorReaders<Peer> {
  /** It reads these parts from now on, in this generation. */
  subscribe(peer: Peer, generation: number, parts: readonly SlotPart[]): void;
  /** Who reads in this generation. Whoever reads in an earlier one has left it, or will be told so, and is forgotten. */
  readingIn(generation: number): readonly (readonly [Peer, readonly SlotPart[]])[];
  /** Whether it may be sent so many floats that mean nothing. They count, anew in each generation that it says it is in. */
  mayProbe(peer: Peer, floats: number): boolean;
  forget(peer: Peer): void;
  close(): void;
}

interface Reader {
  readonly generation: number;
  readonly parts: readonly SlotPart[];
  /** How many floats more it may ask for that mean nothing. */
  readonly floatsToProbe: number;
}

/** An answer without floats takes something, too. */
const leastProbeFloats = 64;

export function createVectorReaders<Peer>(): VectorReaders<Peer> {
  const readers = new Map<Peer, Reader>();
  return {
    subscribe(peer, generation, parts) {
      const before = readers.get(peer);
      const isLater = before === undefined || generation > before.generation;
      readers.set(peer, { generation, parts, floatsToProbe: isLater ? maxProbedFloats : before.floatsToProbe });
    },
    readingIn(generation) {
      for (const [peer, reader] of readers) if (reader.generation < generation) readers.delete(peer);
      return [...readers].flatMap(([peer, reader]) =>
        reader.generation === generation ? [[peer, reader.parts] as const] : [],
      );
    },
    mayProbe(peer, floats) {
      const reader = readers.get(peer);
      if (reader === undefined) return false;
      const left = reader.floatsToProbe - Math.max(floats, leastProbeFloats);
      if (left < 0) return false;
      readers.set(peer, { generation: reader.generation, parts: reader.parts, floatsToProbe: left });
      return true;
    },
    forget: (peer) => void readers.delete(peer),
    close: () => readers.clear(),
  };
}
