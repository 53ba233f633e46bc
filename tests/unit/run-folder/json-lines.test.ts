import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeRanges, missingUpTo } from '../../../src/run-folder/json-lines.ts';

describe('missing numbers', () => {
  test('with those that are there make all of them', () => {
    const numbers = fc.array(fc.integer({ min: -3, max: 40 }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), numbers, (last, there) => {
        const missing = missingUpTo(last, there).flatMap(([from, to]) =>
          Array.from({ length: to - from + 1 }, (_, index) => from + index),
        );
        const expected = Array.from({ length: last }, (_, index) => index + 1).filter((n) => !there.includes(n));
        expect(missing).toEqual(expected);
      }),
    );
  });

  test('of which there are very many cost nothing', () => {
    expect(missingUpTo(Number.MAX_SAFE_INTEGER - 1, [7])).toEqual([
      [1, 6],
      [8, Number.MAX_SAFE_INTEGER - 1],
    ]);
  });

  test.each([
    [[[3, 3]], '3'],
    [[[3, 4]], '3 to 4'],
    [
      [
        [1, 1],
        [3, 9],
        [12, 12],
      ],
      '1, 3 to 9 and 12',
    ],
    [[1, 3, 5, 7, 9, 11, 20].map((n) => [n, n + (n === 20 ? 3 : 0)]), '1, 3, 5, 7, 9 and 5 more'],
  ] as const)('%j are told in few words', (ranges, words) => {
    expect(describeRanges(ranges.map(([from = 0, to = 0]) => [from, to]))).toBe(words);
  });
});
