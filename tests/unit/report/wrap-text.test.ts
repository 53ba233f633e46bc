import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrapText } from '../../../src/report/terminal/wrap-text.ts';

test('breaks lines between words, not between a number and what it counts', () => {
  expect(wrapText('it adds 11 % speed for 2 × wasm', 20)).toBe('it adds 11 % speed\n  for 2 × wasm');
  expect(wrapText('it adds 11 % speed', 10)).toBe('it adds\n  11 %\n  speed');
  expect(wrapText('one of 2 × wasm', 10)).toBe('one of\n  2 × wasm');
});

test('keeps every word, and no line with two of them is too long', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(words, fc.integer({ min: 10, max: 140 }), (list, columns) => {
      const lines = wrapText(list.join(' '), columns).split('\n');
      expect(lines.join(' ').split(/ +/)).toEqual(list);
      for (const line of lines) {
        if (line.trim().includes(' ')) expect(line.length).toBeLessThanOrEqual(Math.min(columns, 100));
      }
    }),
  );
});
