/** A state in chunks: whatever the sizes, what arrives is what was sent, or is refused. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../../../src/shared/core/random.ts';
import {
  type Chunk,
  chunkSizes,
  createChunkReader,
  createChunkSender,
  createStateCollector,
  travelsWhole,
} from '../../../../src/shared/protocol/state-chunks.ts';
import { rounds } from '../../../support/thoroughness.ts';

function drawVectors(random: Random): readonly Float32Array[] {
  const length = 1 + random.integer(40);
  return Array.from({ length: 1 + random.integer(3) }, () =>
    Float32Array.from({ length }, () => random.float() * 2 - 1),
  );
}

/** The bytes of all vectors, one after the other, put together in another way than the code under test does. */
const plainBytes = (vectors: readonly Float32Array[]) =>
  Buffer.concat(vectors.map((vector) => Buffer.from(Float32Array.from(vector).buffer)));

const seeds = Array.from({ length: rounds(60, 300) }, (_, seed) => seed);

describe('a state that travels in chunks', () => {
  it('arrives as it was sent, however it is cut and however late its receiver takes it', () => {
    for (const seed of seeds) {
      const random = createRandom(seed, 0);
      const vectors = drawVectors(random);
      const sizes = chunkSizes(1 + random.integer(12));
      const lengths = vectors.map(({ length }) => length);
      const sender = createChunkSender(vectors, sizes);
      const reader = createChunkReader(lengths, sizes);
      const collector = createStateCollector(lengths);
      const underWay: Chunk[] = [];
      let longest = 0;
      for (let turns = 0; !(sender.isDone() && underWay.length === 0); turns++) {
        expect(turns, 'it makes progress').toBeLessThan(2000);
        underWay.push(...sender.next());
        longest = Math.max(
          longest,
          underWay.reduce((sum, { floats }) => sum + floats.length, 0),
        );
        for (const chunk of underWay.splice(0, 1 + random.integer(underWay.length))) {
          expect(chunk.floats.length).toBeLessThanOrEqual(sizes.chunkFloats);
          const outcome = reader.add({ total: sender.total, offset: chunk.offset }, [chunk.floats]);
          if (outcome.kind !== 'taken') throw new Error(JSON.stringify(outcome));
          collector.add(outcome.chunk);
        }
        sender.noteTaken(reader.taken());
      }
      expect(longest).toBeLessThanOrEqual(sizes.windowFloats);
      expect(collector.vectors()).toEqual(vectors);
      expect(sender.checksum()).toBe(crc32(plainBytes(vectors)));
      expect(reader.parametersChecksum()).toBe(crc32(plainBytes(vectors.slice(0, 1))));
      expect(reader.checkEnd(sender.checksum())).toBeUndefined();
    }
  });

  it('is never further ahead of its receiver than the window', () => {
    const sender = createChunkSender([new Float32Array(100)], chunkSizes(10));
    const offsets = () => sender.next().map(({ offset }) => offset);
    expect(offsets()).toEqual([0, 10, 20, 30]);
    expect(offsets()).toEqual([]);
    sender.noteTaken(5);
    expect(offsets()).toEqual([]);
    sender.noteTaken(20);
    expect(offsets()).toEqual([40, 50]);
    sender.noteTaken(60);
    expect([offsets(), sender.isDone()]).toEqual([[60, 70, 80, 90], true]);
  });

  it('is cut where a vector ends, and not copied', () => {
    const vectors = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)];
    const chunks = createChunkSender(vectors, chunkSizes(2)).next();
    expect(chunks.map(({ offset, floats }) => [offset, ...floats])).toEqual([
      [0, 1, 2],
      [2, 3],
      [3, 4, 5],
      [5, 6],
    ]);
    expect(chunks[2]?.floats.buffer).toBe(vectors[1]?.buffer);
  });

  it('travels whole where it is no longer than one chunk', () => {
    const vectors = [new Float32Array(2), new Float32Array(2)];
    expect([3, 4].map((floats) => travelsWhole(vectors, chunkSizes(floats)))).toEqual([false, true]);
    // The CNN with Adam's two moments.
    expect(travelsWhole(Array(3).fill({ length: 93_322 }), chunkSizes())).toBe(true);
  });
});

describe('a chunk', () => {
  /** Two vectors of five floats in chunks of three: the first is here. */
  function readFive() {
    const reader = createChunkReader([5, 5], chunkSizes(3));
    reader.add({ total: 10, offset: 0 }, [Float32Array.of(1, 2, 3)]);
    reader.add({ total: 10, offset: 3 }, [Float32Array.of(4, 5)]);
    return reader;
  }
  const floats = (length: number) => new Float32Array(length).fill(7);

  it.each([
    ['that came before', { total: 10, offset: 3 }, [floats(2)], 'offset must be 5, got 3'],
    ['after a gap', { total: 10, offset: 8 }, [floats(2)], 'offset must be 5, got 8'],
    ['that overlaps what came before', { total: 10, offset: 4 }, [floats(3)], 'offset must be 5, got 4'],
    ['of another total', { total: 11, offset: 5 }, [floats(3)], 'total must be 10, got 11'],
    ['of a total beyond all memory', { total: 2 ** 53 - 1, offset: 5 }, [floats(3)], /^total must be 10, got 9007/],
    ['that is longer than chunks are', { total: 10, offset: 5 }, [floats(4)], 'it must have 3 floats, got 4'],
    ['that is shorter than chunks are', { total: 10, offset: 5 }, [floats(1)], 'it must have 3 floats, got 1'],
    ['without floats', { total: 10, offset: 5 }, [floats(0)], 'it must have 3 floats, got 0'],
    ['without a tensor', { total: 10, offset: 5 }, [], 'it must have 1 tensor, got 0'],
    ['with two tensors', { total: 10, offset: 5 }, [floats(3), floats(3)], 'it must have 1 tensor, got 2'],
  ])('%s is refused, and changes nothing', (_, place, tensors, problem) => {
    const reader = readFive();
    const outcome = reader.add(place, tensors);
    expect(outcome).toEqual({
      kind: 'refused',
      problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
    });
    expect(reader.taken()).toBe(5);
    reader.add({ total: 10, offset: 5 }, [Float32Array.of(6, 7, 8)]);
    reader.add({ total: 10, offset: 8 }, [Float32Array.of(9, 10)]);
    expect(reader.checkEnd(crc32(plainBytes([Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)])))).toBeUndefined();
  });

  it.each([
    ['reaches over no boundary of two vectors', 3],
    ['ends where its vector does, and not before', 1],
  ])('%s', (_, length) => {
    const reader = createChunkReader([5, 5], chunkSizes(3));
    reader.add({ total: 10, offset: 0 }, [floats(3)]);
    const problem = `it must have 2 floats, got ${length}`;
    expect(reader.add({ total: 10, offset: 3 }, [floats(length)])).toEqual({ kind: 'refused', problem });
  });

  it.each([0, 1, 3])('of %d floats does not come when all are here', (length) => {
    const reader = createChunkReader([2], chunkSizes(3));
    reader.add({ total: 2, offset: 0 }, [floats(2)]);
    expect(reader.add({ total: 2, offset: 2 }, [floats(length)])).toEqual({
      kind: 'refused',
      problem: 'all 2 floats of the state are here',
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('with %s is no state', (value) => {
    const reader = readFive();
    expect(reader.add({ total: 10, offset: 5 }, [Float32Array.of(1, value, 2)])).toEqual({ kind: 'diverged', value });
    expect(reader.taken()).toBe(5);
  });
});

describe('the end of a state', () => {
  it('does not come before all of it is here', () => {
    const reader = createChunkReader([4], chunkSizes(3));
    reader.add({ total: 4, offset: 0 }, [Float32Array.of(1, 2, 3)]);
    expect(reader.checkEnd(0)).toBe('all 4 floats of the state must be here before, 3 are');
  });

  it('has the checksum of all that came', () => {
    const reader = createChunkReader([2], chunkSizes(2));
    reader.add({ total: 2, offset: 0 }, [Float32Array.of(1, 2)]);
    const checksum = crc32(plainBytes([Float32Array.of(1, 2)]));
    expect(reader.checkEnd(checksum)).toBeUndefined();
    expect(reader.checkEnd(checksum ^ 1)).toBe(`stateChecksum must be ${checksum}, got ${checksum ^ 1}`);
    expect(reader.checkEnd(undefined)).toBe(`stateChecksum must be ${checksum}, got none`);
  });
});

it('memory for a state is taken with its first chunk', () => {
  const collector = createStateCollector([2, 2]);
  expect(collector.vectors()).toEqual([]);
  collector.add({ offset: 2, floats: Float32Array.of(3, 4) });
  expect(collector.vectors()).toEqual([new Float32Array(2), Float32Array.of(3, 4)]);
});
