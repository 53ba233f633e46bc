import { expect, test } from 'vitest';
import { kindOf } from '../../../../src/economics/comparison/worker-kind.ts';
import {
  describeOffers,
  describePaidPrices,
  offersOn,
  pricedWorkers,
} from '../../../../src/economics/planning/gpu-offers.ts';
import { parsePriceFile } from '../../../../src/economics/prices/price-file.ts';
import { summarize } from '../../../../src/economics/record/summarize.ts';
import { comparedRun } from '../../../support/compared-runs.ts';
import { priceRows } from '../../../support/price-rows.ts';
import { runRecord, workerRecord } from '../../../support/run-records.ts';

const table = priceRows(
  'aws/A100/on-demand 2022-08 4 40',
  'aws/A100/on-demand 2022-08 5 80',
  'aws/A100/on-demand 2024-08 3 80',
  'gcp/T4/spot 2023-06 0.11 16 GPU_SKU gpu-only',
);
const offers = (gpu?: string) => {
  const worker = { backend: 'wasm', ...(gpu === undefined ? {} : { gpu }) };
  const [first] = comparedRun({ workers: [worker], rate: 1000, batch: 64 }).summary.workers;
  if (first === undefined) throw new Error('no worker');
  return offersOn(table, '2025-01-01')(kindOf(first)).map(({ label, usdPerHour }) => `${label} ${usdPerHour}`);
};

test('a label has the offers of its card, by the memory that it names, in capitals or not', () => {
  expect(offers('aws/a100-80gb/on-demand')).toEqual(['aws/a100-80gb/on-demand 3']);
  expect(offers('lambda/A100-40GB/spot')).toEqual(['aws/a100-40gb/on-demand 4']);
  expect(offers('a100')).toEqual(['aws/a100-40gb/on-demand 4', 'aws/a100-80gb/on-demand 3']);
  expect(offers('T4')).toEqual(['gcp/t4/spot, card alone 0.11']);
  expect(offers('mine')).toEqual([]);
  expect(offers()).toEqual([]);
});

test('prices that runs looked up are judged on the day of the decision', () => {
  const worker = { gpu: 'gcp/t4/spot', priceUsdPerHour: 0.11 };
  const priceOrigin = { source: 'prices.csv', date: '2023-06' };
  const summary = (overrides: object) => summarize(runRecord({ workers: [workerRecord({ ...worker, ...overrides })] }));
  const notes = (today: string, ...workers: readonly object[]) =>
    describePaidPrices(pricedWorkers(workers.map(summary)), table, today);
  const alone = 'the price of gcp/t4/spot is for the card alone: the machine around it costs extra';
  expect(notes('2024-05-31', { priceOrigin }, { priceOrigin })).toEqual([alone]);
  expect(notes('2025-06-02', { priceOrigin })).toEqual([`${alone}; is 2 years old or more (2023-06)`]);
  // Given by hand, or of another table: nothing is known of it.
  expect(notes('2025-06-02', {}, { priceOrigin, priceUsdPerHour: 0.2 })).toEqual([]);
  expect(notes('2025-06-02', { priceOrigin, gpu: 'own/b200/spot' })).toEqual([]);
  // A price that includes the machine, and is recent.
  const looked = { priceOrigin, gpu: 'aws/a100-80gb/on-demand', priceUsdPerHour: 3 };
  expect(notes('2025-06-02', looked)).toEqual([]);
  // Assumed, from a label of the table.
  const assumed = { priceOrigin, gpu: undefined, priceUsdPerHour: 0.11, priceAssumed: 'gcp/t4/spot, card alone' };
  expect(notes('2024-05-31', assumed)).toEqual([alone]);
  expect(notes('2024-05-31', { ...assumed, priceAssumed: 'a guess' })).toEqual([]);
  // A card costs the same, however many threads feed it.
  expect(notes('2024-05-31', { priceOrigin, threads: 4 })).toEqual([alone]);
  const [first] = pricedWorkers([summarize(runRecord({ startedAtUnixMs: Date.UTC(2025, 5, 1, 23, 59) }))]);
  expect(first?.day).toBe('2025-06-01');
});

test('of the offers in a plan, those that look better than they are are named', () => {
  const day = '2025-01-01';
  const workers = ['aws/a100-80gb/on-demand', 't4', 'a100-40gb'].map((gpu) => ({ backend: 'wasm', gpu }));
  const offered = comparedRun({ workers, rate: 1000, batch: 64 })
    .summary.workers.map(kindOf)
    .flatMap(offersOn(table, day));
  expect(describeOffers(table, day, offered)).toEqual([
    'the price of aws/a100-40gb/on-demand is 2 years old or more (2022-08)',
    'the price of gcp/t4/spot is for the card alone: the machine around it costs extra; is a year old or more (2023-06)',
  ]);
  expect(describeOffers(table, day, [{ label: 'gcp/t4/spot', usdPerHour: 1 }])).toEqual([]);
});

test('a worker on a CPU is offered a vCPU for each of its threads', () => {
  const vcpus = parsePriceFile('p.csv', 'cpu,vcpu_count,provider,usd_per_hour,date\nc7a,2,aws,0.2,2024-01\n');
  const [first] = comparedRun({
    workers: [{ backend: 'wasm', gpu: 'gcp/c7a/spot', threads: 4 }],
    rate: 1000,
    batch: 64,
  }).summary.workers;
  if (first === undefined) throw new Error('no worker');
  expect(offersOn(vcpus, '2025-01-01')(kindOf(first))).toEqual([
    { label: 'aws/c7a/on-demand', tableLabel: 'aws/c7a/on-demand', usdPerHour: 0.4 },
  ]);
  // What it paid is judged for as many.
  const paid = { gpu: 'aws/c7a/on-demand', source: 'p.csv', threads: 4, day: '2024-02-01' };
  const notes = [0.4, 0.1].map((usdPerHour) => describePaidPrices([{ ...paid, usdPerHour }], vcpus, '2025-02-01'));
  expect(notes).toEqual([['the price of aws/c7a/on-demand is a year old or more (2024-01)'], []]);
});

test('a card is offered at its own price, however many threads feed it', () => {
  const [first] = comparedRun({
    workers: [{ backend: 'wasm', gpu: 'T4', threads: 4 }],
    rate: 1000,
    batch: 64,
  }).summary.workers;
  if (first === undefined) throw new Error('no worker');
  expect(offersOn(table, '2025-01-01')(kindOf(first))).toEqual([
    { label: 'gcp/t4/spot, card alone', tableLabel: 'gcp/t4/spot', usdPerHour: 0.11 },
  ]);
});
