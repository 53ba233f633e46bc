import { expect, it } from 'vitest';
import { printable } from '../../../../src/shared/core/printable.ts';

it.each([
  ['a worker', 'a worker'],
  ['größer 大', 'größer 大'],
  ['red\u001b[31m', 'red [31m'],
  ['two\r\nlines', 'two lines'],
  ['\u202egnp.exe', ' gnp.exe'],
  ['\u009b2J', ' 2J'],
])('%j is printed as %j', (text, expected) => {
  expect(printable(text)).toBe(expected);
});
