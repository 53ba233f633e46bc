import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatCount,
  formatLoss,
  formatPercent,
  formatSeconds,
  formatUsd,
  formatUsdToDigits,
} from '../../../../src/shared/core/number-format.ts';

describe('formatUsd', () => {
  test.each([
    [0, '$0.00'],
    [0.003_14, '$0.0031'],
    [0.000_996, '$0.0010'],
    [0.000_067, '$0.000067'],
    [1e-6, '$0.0000010'],
    [1e-8, '<$0.000001'],
    [0.062, '$0.062'],
    [0.099_9, '$0.10'],
    [0.62, '$0.62'],
    [1234.5, '$1,234.50'],
  ])('%d is %s', (usd, text) => expect(formatUsd(usd)).toBe(text));

  test('can be told to show digits however little it is, so that it can be ranked', () => {
    expect([3.14e-7, 9.96e-8, 2e-12, 0, 0.62].map(formatUsdToDigits)).toEqual([
      ...['$0.00000031', '$0.00000010', '$0.0000000000020', '$0.00', '$0.62'],
    ]);
  });

  test('is never further from the amount than half a cent, and 5 % below ten cents', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (usd) => {
        const shown = Number(formatUsd(usd).replace(/[$,]/g, ''));
        expect(Math.abs(shown - usd)).toBeLessThanOrEqual(Math.max(0, usd < 0.0995 ? usd * 0.0501 : 0.005_000_1));
      }),
    );
  });
});

test.each([
  [0.031_24, '0.0312'],
  [2.345_6, '2.346'],
  [12.34, '12.3'],
  [4567, '4.6e+3'],
  [Number.NaN, 'not finite'],
  [null, 'not finite'],
])('a loss of %s is %s', (loss, text) => expect(formatLoss(loss)).toBe(text));

test.each([
  [9.44, '9.4 s'],
  [9.96, '10 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.6, '1 h 00 min'],
  [7440, '2 h 04 min'],
])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

test('counts are grouped, ratios are percent', () => {
  expect(formatCount(60_000)).toBe('60,000');
  expect(formatPercent(0.98814, 2)).toBe('98.81 %');
});
