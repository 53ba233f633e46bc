import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createGradientMemory } from '../../../src/worker/gradient-memory.ts';

const float = fc.float({ noNaN: true, noDefaultInfinity: true });

it('adds any stretch of one vector onto another, as a loop does, and leaves all else', () => {
  const cases = fc.integer({ min: 1, max: 70 }).chain((floats) => {
    const vector = fc.array(float, { minLength: floats, maxLength: floats });
    return fc.record({ vectors: fc.tuple(vector, vector, vector), a: fc.nat(floats), b: fc.nat(floats) });
  });
  fc.assert(
    fc.property(cases, ({ vectors, a, b }) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const memory = createGradientMemory(3, vectors[0].length);
      for (const [place, values] of vectors.entries()) memory.vector(place).set(values);
      memory.add(2, 1, from, to);
      const sum = vectors[2].map((value, i) => (i < from || i >= to ? value : value + (vectors[1][i] ?? 0)));
      const expected = [vectors[0], vectors[1], sum].map((values) => Float32Array.from(values));
      expect([0, 1, 2].map((place) => memory.vector(place))).toEqual(expected);
    }),
  );
});
