import { expect, test } from 'vitest';
import { describeCaveats, priceCaveats } from '../../../../src/economics/prices/price-caveats.ts';
import { shippedPrices } from '../../../../src/economics/prices/price-table.ts';
import { priceRows } from '../../../support/price-rows.ts';

const [plain] = priceRows('aws/T4/on-demand 2025-06-01 0.526 16 g4dn.xlarge');
if (plain === undefined) throw new Error('no row');
const kinds = (changes: Partial<typeof plain>, today = '2026-05-31') =>
  priceCaveats({ ...plain, ...changes }, today).map(({ kind }) => kind);

test('a recent price of a whole machine from a sure source has none', () => {
  expect(kinds({ grade: 'A' })).toEqual([]);
  expect(kinds({ grade: 'B', note: 'rounded to cents' })).toEqual([]);
});

test.each([
  ['2026-05-31', []],
  ['2026-06-01', ['old']],
  ['2031-01-01', ['old']],
])('a price of 2025-06-01 on %s: %j', (today, expected) => {
  expect(kinds({}, today)).toEqual(expected);
});

test('a price that was seen unchanged later is as old as that', () => {
  expect(kinds({ note: 'unchanged in every snapshot to 2026-07' }, '2027-06-30')).toEqual([]);
  expect(kinds({ note: 'unchanged in every snapshot to 2026-07' }, '2027-07-01')).toEqual(['old']);
});

test('a part of a machine, a card without one, and an uncertain source are said', () => {
  expect(kinds({ gpuCount: 8 })).toEqual(['share']);
  // Machines without a GPU come in sizes of a few vCPUs.
  expect(kinds({ gpuCount: 2, unit: 'vcpu' })).toEqual([]);
  expect(kinds({ scope: 'gpu-only' })).toEqual(['card-alone']);
  expect(kinds({ grade: 'C' })).toEqual(['noisy']);
  expect(kinds({ note: 'median of 3 offers; noisy' })).toEqual(['noisy']);
  expect(kinds({ gpuCount: 8, scope: 'gpu-only', grade: 'C' }, '2030-01-01')).toEqual([
    'card-alone',
    'share',
    'old',
    'noisy',
  ]);
});

test('and in words', () => {
  const row = { ...plain, gpuCount: 8, instance: 'p4d.24xlarge', grade: 'C', note: 'a quote' } as const;
  expect(describeCaveats('aws/t4/on-demand', priceCaveats(row, '2028-06-01'))).toEqual([
    'the price of aws/t4/on-demand is 1/8 of that of p4d.24xlarge, which is rented whole; ' +
      'is 3 years old or more (2025-06-01); has an uncertain source (grade C: a quote)',
  ]);
  expect(describeCaveats('aws/t4/on-demand', [])).toEqual([]);
});

test('of the shipped table, every quotation and every note of doubt counts, and most prices do not', () => {
  const table = shippedPrices();
  const noisy = table.filter((row) => priceCaveats(row, row.date ?? '').some(({ kind }) => kind === 'noisy'));
  for (const row of table.filter(({ grade }) => grade === 'C')) expect(noisy).toContain(row);
  expect(noisy.some(({ note }) => note?.includes('median of 3 offers; noisy'))).toBe(true);
  expect(noisy.length).toBeLessThan(table.length / 3);
});
