import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatBitRate,
  formatCount,
  formatLoss,
  formatPercent,
  formatProbability,
  formatSeconds,
  formatUsd,
  formatUsdToDigits,
} from '../../../../src/shared/core/number-format.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

describe('formatUsd', () => {
  test.each([
    [0, '$0.00'],
    [0.003_14, '$0.0031'],
    [0.000_996, '$0.0010'],
    [0.000_067, '$0.000067'],
    [1e-6, '$0.0000010'],
    [9.99e-7, '<$0.000001'],
    [1e-8, '<$0.000001'],
    [0.062, '$0.062'],
    [0.099_4, '$0.099'],
    [0.099_9, '$0.10'],
    [0.62, '$0.62'],
    [0.625_1, '$0.63'],
    [7, '$7.00'],
    [1234.5, '$1,234.50'],
  ])('%d is %s', (usd, text) => expect(formatUsd(usd)).toBe(text));

  test('can be told to show digits however little it is, so that it can be ranked', () => {
    expect([3.14e-7, 9.96e-8, 2e-12, 0, 0.62].map(formatUsdToDigits)).toEqual([
      ...['$0.00000031', '$0.00000010', '$0.0000000000020', '$0.00', '$0.62'],
    ]);
  });

  test('is never further from the amount than half a cent, and 5 % below ten cents', () => {
    fc.assert(
      fc.property(logUniform(1e-6, 1e6), (usd) => {
        const shown = Number(formatUsd(usd).replace(/[$,]/g, ''));
        expect(Math.abs(shown - usd)).toBeLessThanOrEqual(usd < 0.0995 ? usd * 0.0501 : 0.005_000_1);
      }),
    );
  });
});

test.each([
  [0.031_24, '0.0312'],
  [0.999_94, '0.9999'],
  [1, '1.000'],
  [2.345_6, '2.346'],
  [10, '10.0'],
  [12.34, '12.3'],
  [99.94, '99.9'],
  [100, '1.0e+2'],
  [4567, '4.6e+3'],
  [Number.NaN, 'not finite'],
  [Number.POSITIVE_INFINITY, 'not finite'],
  [null, 'not finite'],
])('a loss of %s is %s', (loss, text) => expect(formatLoss(loss)).toBe(text));

test.each([
  [0, '0.0 s'],
  [9.44, '9.4 s'],
  [9.94, '9.9 s'],
  [9.95, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.4, '59 min 59 s'],
  [3599.6, '1 h 00 min'],
  [7440, '2 h 04 min'],
])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

test.each([
  [0, '0'],
  [999, '999'],
  [60_000, '60,000'],
  [1234.5678, '1,235'],
])('a count of %d is %s', (value, text) => expect(formatCount(value)).toBe(text));

test('a ratio is percent', () => {
  expect(formatPercent(0.98814, 2)).toBe('98.81 %');
  expect(formatPercent(0.98814)).toBe('98.8 %');
});

test.each([
  [0.5, '50.0 %'],
  [0.999_49, '99.9 %'],
  [0.9995, '>99.9 %'],
  [1, '>99.9 %'],
])('a probability of %d is %s, since softmax is never certain', (probability, text) =>
  expect(formatProbability(probability)).toBe(text),
);

test.each([
  [25e9, '25 Gbit/s'],
  [94.24e6, '94.24 Mbit/s'],
  [2.5e12, '2.5 Tbit/s'],
  [1500, '1.5 kbit/s'],
  [8, '0.008 kbit/s'],
])('a rate of %d bits per second is %s', (rate, text) => expect(formatBitRate(rate)).toBe(text));

test('a rate with few digits takes the unit that it rounds up to', () => {
  expect([formatBitRate(94.24e6, 2), formatBitRate(996e6, 2), formatBitRate(999.9e6)]).toEqual([
    '94 Mbit/s',
    '1 Gbit/s',
    '999.9 Mbit/s',
  ]);
});
