import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFloatMemory } from '../../../../src/shared/collectives/float-memory.ts';

const float = fc.float({ noNaN: true, noDefaultInfinity: true });
const vector = fc.array(float, { minLength: 1, maxLength: 70 });

it.each([
  ['in WebAssembly', undefined],
  ['in JavaScript, where one memory cannot hold all', 0],
])('adds any stretch of one vector onto any of another, as a loop does, and leaves all else: %s', (_, mostBytes) => {
  const cases = fc.tuple(vector, vector, vector).chain((vectors) => {
    const [, part, sum] = vectors;
    return fc.nat(Math.min(part.length, sum.length)).chain((floats) =>
      fc.record({
        vectors: fc.constant(vectors),
        floats: fc.constant(floats),
        partFrom: fc.nat(part.length - floats),
        sumFrom: fc.nat(sum.length - floats),
      }),
    );
  });
  fc.assert(
    fc.property(cases, ({ vectors, floats, partFrom, sumFrom }) => {
      const memory = createFloatMemory(
        vectors.map(({ length }) => length),
        mostBytes,
      );
      for (const [place, values] of vectors.entries()) memory.vector(place).set(values);
      memory.add(2, sumFrom, 1, partFrom, floats);
      const sum = vectors[2].map((value, i) => {
        const isWithin = i >= sumFrom && i < sumFrom + floats;
        return isWithin ? value + (vectors[1][partFrom + i - sumFrom] ?? 0) : value;
      });
      const expected = [vectors[0], vectors[1], sum].map((values) => Float32Array.from(values));
      expect([0, 1, 2].map((place) => memory.vector(place))).toEqual(expected);
    }),
  );
});

it('puts vectors into one memory, as long as that holds them', () => {
  const memoriesOf = (mostBytes?: number) => {
    const { count, vector } = createFloatMemory([16, 1], mostBytes);
    return new Set(Array.from({ length: count }, (_, place) => vector(place).buffer)).size;
  };
  // Each begins at a multiple of 64 bytes.
  expect([127, 128, 129].map((mostBytes) => memoriesOf(mostBytes))).toEqual([2, 1, 1]);
  expect(memoriesOf()).toBe(1);
});

it('holds vectors of many pages, and none at all', () => {
  const memory = createFloatMemory([50_000, 50_000]);
  for (const place of [0, 1]) memory.vector(place).fill(place + 1);
  memory.add(0, 1, 1, 0, 49_999);
  expect(memory.vector(0)[0]).toBe(1);
  expect(
    memory
      .vector(0)
      .subarray(1)
      .every((value) => value === 3),
  ).toBe(true);
  expect(createFloatMemory([]).count).toBe(0);
  expect(createFloatMemory([0]).vector(0)).toHaveLength(0);
});
