import fc from 'fast-check';
import { expect, test } from 'vitest';
import { closestName, editDistance } from '../../../../src/shared/data/closest-name.ts';

test.each([
  ['', '', 0],
  ['kitten', 'sitting', 3],
  ['flaw', 'lawn', 2],
  ['abc', '', 3],
])('from %s to %s it takes %i edits', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
});

test('edit distance is a metric', () => {
  const text = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});

test('a slip finds its name, another word finds none', () => {
  const names = ['mnist', 'digits'];
  expect(closestName('mnsit', names)).toBe('mnist');
  expect(closestName('Digits', names)).toBe('digits');
  expect(closestName('cifar', names)).toBeUndefined();
  expect(closestName('x', [])).toBeUndefined();
});
