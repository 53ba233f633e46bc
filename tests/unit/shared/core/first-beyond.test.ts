import fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstBeyond, largestFloat32 } from '../../../../src/shared/core/first-beyond.ts';
import { rounds } from '../../../support/thoroughness.ts';

it('the largest float32 is one, and the next is infinite', () => {
  expect(Math.fround(largestFloat32)).toBe(largestFloat32);
  expect(Math.fround(largestFloat32 * (1 + 2 ** -24))).toBe(Infinity);
});

it('finds the first float that is NaN, infinite or beyond the bound, wherever it is', () => {
  const value = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, 1, -1, 5, -5, Math.fround(5.0000005), largestFloat32, -largestFloat32),
    fc.constantFrom(Number.NaN, Infinity, -Infinity),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 20 }), fc.constantFrom(5, 1e30, largestFloat32), (values, bound) => {
      const vector = Float32Array.from(values);
      const beyond = [...vector].map((float) => Number.isNaN(float) || float > bound || float < -bound);
      const expected = beyond.indexOf(true);
      expect(firstBeyond(vector, bound)).toBe(expected < 0 ? undefined : expected);
    }),
    { numRuns: rounds(500, 20_000) },
  );
});

it('many floats that are within the bound are, though together they are beyond it', () => {
  expect(firstBeyond(new Float32Array(1001).fill(5), 5)).toBeUndefined();
  expect(firstBeyond(new Float32Array(1001).fill(largestFloat32), largestFloat32)).toBeUndefined();
});

it('looks at a vector that is in order once, and not float by float', () => {
  for (let length = 0; length < 10; length++) {
    const vector = Float32Array.from({ length }, (_, i) => i - 4);
    vector.findIndex = () => {
      throw new Error('it looked a second time');
    };
    expect(firstBeyond(vector, 100)).toBeUndefined();
  }
});
