import { describe, expect, test } from 'vitest';
import {
  cardHistories,
  datedPrices,
  historiesByGpu,
  labelPrices,
  lowestByDay,
} from '../../../../src/economics/planning/price-history.ts';
import { parsePriceFile } from '../../../../src/economics/prices/price-file.ts';
import { shippedPrices } from '../../../../src/economics/prices/price-table.ts';
import { datedChart, slugOf } from '../../../../src/report/html/price-charts.ts';
import { comparedRun } from '../../../support/compared-runs.ts';
import { priceRows } from '../../../support/price-rows.ts';

const table = priceRows(
  'gcp/T4/spot 2026-07 0.4',
  'gcp/T4/spot 2023-05 0.11',
  'aws/t4/on-demand 2023-05 0.6',
  'aws/t4/on-demand 2023-05 0.5',
  'aws/A100/spot undated 1 40',
  'aws/A100/spot 2024-01 2 80',
);

test('a GPU has one history, whoever spells it how, by date, undated prices first', () => {
  const histories = historiesByGpu(labelPrices(table, table));
  expect(histories.map(({ gpu, prices }) => [gpu, prices.map(({ label, row }) => `${label} ${row.dateText}`)])).toEqual(
    [
      ['A100', ['aws/a100-40gb/spot undated', 'aws/a100-80gb/spot 2024-01']],
      ['T4', ['aws/t4/on-demand 2023-05', 'aws/t4/on-demand 2023-05', 'gcp/t4/spot 2023-05', 'gcp/t4/spot 2026-07']],
    ],
  );
  expect(datedPrices(histories[0]?.prices ?? [])).toEqual([
    { label: 'aws/a100-80gb/spot', day: '2024-01-01', value: 2 },
  ]);
});

test('undated prices come first, and those of a day in the order of their names, whatever the order of the table', () => {
  const rows = priceRows(
    ...[
      'b/t4/spot 2024-01 1',
      'c/t4/spot undated 1',
      'a/t4/spot 2024-01 1',
      'd/t4/spot undated 1',
      'e/t4/spot 2023-01 1',
    ],
  );
  for (const order of [rows, rows.toReversed()]) {
    const [t4] = historiesByGpu(labelPrices(order, order));
    expect(t4?.prices.map(({ row }) => row.provider)).toEqual(['c', 'd', 'e', 'a', 'b']);
  }
});

test('no price of the shipped table is lost', () => {
  const shipped = shippedPrices();
  const histories = historiesByGpu(labelPrices(shipped, shipped));
  expect(histories.flatMap(({ prices }) => prices)).toHaveLength(shipped.length);
});

test('of several figures of one day the lowest is drawn', () => {
  const figures = [
    { label: 'b', day: '2024-01-01', value: 3 },
    { label: 'b', day: '2023-01-01', value: 5 },
    { label: 'b', day: '2024-01-01', value: 2 },
    { label: 'a', day: '2024-01-01', value: 9 },
  ];
  expect(lowestByDay(figures)).toEqual([
    { label: 'a', points: [{ day: '2024-01-01', value: 9 }] },
    {
      label: 'b',
      points: [
        { day: '2023-01-01', value: 5 },
        { day: '2024-01-01', value: 2 },
      ],
    },
  ]);
});

describe('cardHistories', () => {
  const runOf = (gpu: string, price?: number, startedAtUnixMs = Date.UTC(2025, 5, 1, 12)) =>
    comparedRun({
      workers: [{ backend: 'wasm', gpu, ...(price === undefined ? {} : { price }) }],
      rate: 100,
      batch: 50,
      record: { startedAtUnixMs },
    }).summary;

  test('are of the cards that the table knows, with each price that was paid once', () => {
    const runs = [runOf('gcp/t4/spot', 0.2), runOf('T4', 0.2), runOf('t4', 0.3), runOf('mine', 1), runOf('t4')];
    const [card, ...others] = cardHistories(runs, table);
    expect(others).toEqual([]);
    expect(card?.gpu).toBe('T4');
    expect(card?.prices).toHaveLength(4);
    expect(card?.paid).toEqual([
      { day: '2025-06-01', usdPerHour: 0.2 },
      { day: '2025-06-01', usdPerHour: 0.3 },
    ]);
  });

  test('what was paid is by day, then by price', () => {
    const [early, late] = [Date.UTC(2025, 0, 1), Date.UTC(2025, 11, 31, 23, 59)];
    const runs = [runOf('t4', 0.3, late), runOf('t4', 0.5, early), runOf('t4', 0.2, late), runOf('t4', 0.4, early)];
    for (const order of [runs, runs.toReversed()]) {
      expect(cardHistories(order, table)[0]?.paid).toEqual([
        { day: '2025-01-01', usdPerHour: 0.4 },
        { day: '2025-01-01', usdPerHour: 0.5 },
        { day: '2025-12-31', usdPerHour: 0.2 },
        { day: '2025-12-31', usdPerHour: 0.3 },
      ]);
    }
  });

  test('a worker without a label has none', () => {
    const { summary } = comparedRun({ workers: [{ backend: 'wasm', price: 1 }], rate: 100, batch: 50 });
    expect(cardHistories([summary], table)).toEqual([]);
  });

  test('what was paid for threads of a CPU is told by the vCPU, as the table has it; for a card it is not', () => {
    const vcpus = parsePriceFile('p.csv', 'cpu,vcpu_count,provider,usd_per_hour,date\nc7a,2,aws,0.2,2024-01\n');
    const paidFor = (gpu: string, rows: typeof table) => {
      const { summary } = comparedRun({
        workers: [{ backend: 'wasm', gpu, price: 0.4, threads: 4 }],
        rate: 100,
        batch: 50,
      });
      return cardHistories([summary], rows)[0]?.paid.map(({ usdPerHour }) => usdPerHour);
    };
    expect(paidFor('aws/c7a/on-demand', vcpus)).toEqual([0.1]);
    expect(paidFor('gcp/t4/spot', table)).toEqual([0.4]);
  });

  test('a size of memory is a card of its own', () => {
    const [card] = cardHistories([runOf('aws/a100-80gb/spot', 2)], table);
    expect(card).toMatchObject({ gpu: 'A100-80GB', prices: [{ label: 'aws/a100-80gb/spot' }] });
    // Without a dated price there is no history.
    expect(cardHistories([runOf('aws/a100-40gb/spot', 2)], table)).toEqual([]);
    expect(cardHistories([], table)).toEqual([]);
  });
});

test('a chart has each fact at its day and nothing in between, and a star for each price that was paid', () => {
  const { xs, series } = datedChart({
    id: 'x',
    title: 'X',
    unit: 'USD',
    paidBy: 'this run',
    figures: [
      { label: 'a', day: '2024-01-01', value: 2 },
      { label: 'a', day: '2026-01-01', value: 1 },
      { label: 'b', day: '2025-01-01', value: 3 },
    ],
    paid: [
      { day: '2026-01-01', usdPerHour: 4 },
      { day: '2026-01-01', usdPerHour: 5 },
    ],
  });
  expect(xs).toEqual([2024, 2025, 2026].map((year) => Date.UTC(year, 0, 1) / 1000));
  expect(series.map(({ label, style, values }) => [label, style, values])).toEqual([
    ['a', 'steps', [2, null, 1]],
    ['b', 'steps', [null, 3, null]],
    ['this run', 'mark', [null, null, 4]],
    ['this run', 'mark', [null, null, 5]],
  ]);
});

test('names of GPUs make ids that differ', () => {
  const names = ['RTX 4090', 'rtx-4090', 'rtx_4090', 'rtx4090', 'a100"><b>'];
  expect(new Set(names.map(slugOf)).size).toBe(names.length);
  for (const name of names) expect(slugOf(name)).toMatch(/^[a-z0-9_-]+$/);
});
