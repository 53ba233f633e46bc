import { expect, it } from 'vitest';
import { firstUsableDay, isDay } from '../../../../src/economics/prices/price-date.ts';

it.each([
  ['2025-06-30', '2025-06-30'],
  ['2025-06', '2025-06-01'],
  ['~2018-01', '2018-01-01'],
  ['~2022-10..2023-06', '2023-06-01'],
  ['~2023-06..2023-06', '2023-06-01'],
  ['~2026-05..2026-01', undefined],
  ['pre-2025-06', '2025-05-01'],
  ['pre-2025-01', '2024-12-01'],
  ['undated', null],
  ['2025-02-30', undefined],
  ['2025-13', undefined],
  ['June 2025', undefined],
  ['2025', undefined],
  ['', undefined],
])('a price of %j may be used from %j on', (text, day) => {
  expect(firstUsableDay(text)).toBe(day);
});

it.each([
  ['2024-02-29', true],
  ['2023-02-29', false],
  ['2024-2-9', false],
  ['2024-02-29T00:00:00Z', false],
])('whether %s is a day: %s', (text, is) => {
  expect(isDay(text)).toBe(is);
});
