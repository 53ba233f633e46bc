import { expect, it } from 'vitest';
import { isAtLeast } from '../../../../src/shared/core/node-version.ts';

it.each([
  ['20.19.0', true],
  ['20.19.1', true],
  ['20.20.0', true],
  ['22.0.0', true],
  ['100.0.0', true],
  ['20.18.9', false],
  ['18.20.8', false],
  ['9.99.99', false],
  ['20.19.0-nightly', true],
])('%s is at least 20.19.0: %s', (version, expected) => {
  expect(isAtLeast(version, '>=20.19.0')).toBe(expected);
});
