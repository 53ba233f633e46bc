import { expect, it } from 'vitest';
import { describeGiven } from '../../../../src/shared/core/given-value.ts';

it.each([
  ['text', "'text'"],
  [7, "'7'"],
  [null, "'null'"],
  ['none', "'none'"],
  [undefined, 'nothing'],
  ['', 'nothing'],
  ['  ', 'nothing'],
  [[1, 2], 'a list'],
  [{ a: 1 }, 'a map'],
])('%j is described as %s', (value, text) => {
  expect(describeGiven(value)).toBe(text);
});
