import { describe, expect, test } from 'vitest';
import { labelPrices } from '../../../../src/economics/planning/price-history.ts';
import {
  costOverTime,
  describeCostsOverTime,
  describeSeconds,
  epochSeconds,
  formatChange,
  repriceRun,
  unitsOf,
} from '../../../../src/economics/planning/repricing.ts';
import { parsePriceFile } from '../../../../src/economics/prices/price-file.ts';
import { comparedRun } from '../../../support/compared-runs.ts';
import { priceRows } from '../../../support/price-rows.ts';
import { fleetMember } from '../../../support/run-records.ts';

/** Two workers, 60,000 samples in 60 s and 5 s of start-up. */
const { summary } = comparedRun({
  workers: [
    { backend: 'wasm', price: 0.36 },
    { backend: 'cpu', price: 0.036 },
  ],
  rate: 1000,
  batch: 64,
});

describe('repriceRun', () => {
  test('changes the price of the workers that are named, and no second of any', () => {
    const repricing = repriceRun(summary, new Map([['w1', { usdPerHour: 0.72 }]]));
    expect(repricing.workers.map(({ aliveSeconds, usdPerHour }) => [aliveSeconds, usdPerHour])).toEqual([
      [65, 0.36],
      [65, 0.72],
    ]);
    expect(repricing.measuredCostUsd).toBeCloseTo(65 * (0.0001 + 0.00001), 12);
    expect(repricing.costUsd).toBeCloseTo(65 * (0.0001 + 0.0002), 12);
    expect(repricing.measuredCostPerEpochUsd).toBeCloseTo(60 * 0.00011, 12);
    expect(repricing.costPerEpochUsd).toBeCloseTo(60 * 0.0003, 12);
    expect(repricing.basis).toBe('repriced');
  });

  test('at its own prices a run costs what it cost', () => {
    const repricing = repriceRun(summary, new Map());
    expect(repricing.costUsd).toBe(summary.cost_usd_total);
    expect(repricing.costPerEpochUsd).toBe(repricing.measuredCostPerEpochUsd);
  });

  test('a worker that keeps its price keeps its cost, to the last digit of the ledger', () => {
    const workers = summary.workers.map((worker) => ({ ...worker, cost_usd: worker.cost_usd * 1.001 }));
    const kept = repriceRun({ ...summary, workers }, new Map([['w0', { usdPerHour: 0.36 }]]));
    expect(kept.workers.map(({ costUsd }) => costUsd)).toEqual(workers.map(({ cost_usd }) => cost_usd));
  });

  test('a run that went on with another fleet or price is refused, since its sums would be of neither', () => {
    const fleets = [
      { step: 0, members: [fleetMember({ priceUsdPerHour: 2.48 })] },
      { step: 10, members: [fleetMember({ priceUsdPerHour: 1 })] },
    ];
    const changed = comparedRun({
      workers: [{ backend: 'wasm', price: 1 }],
      rate: 1000,
      batch: 64,
      record: { fleets },
    }).summary;
    const reason =
      /the workers or prices of run \S+ changed: after step 10 w0 is \$1\.00 an hour instead of \$2\.48 an hour/;
    expect(() => repriceRun(changed, new Map([['w0', { usdPerHour: 0.5 }]]))).toThrow(reason);
    expect(() => costOverTime(changed, [])).toThrow(reason);
  });

  test('what workers cost that left before training stays in both sums', () => {
    const formerWorkers = { costUsd: 0.5, billedUsd: 0.5, rentals: 1 };
    const worker = { backend: 'wasm', price: 0.36 };
    const left = comparedRun({ workers: [worker], rate: 1000, batch: 64, record: { formerWorkers } }).summary;
    expect(repriceRun(left, new Map())).toMatchObject({
      formerCostUsd: 0.5,
      costUsd: expect.closeTo(left.cost_usd_total, 12),
      measuredCostUsd: expect.closeTo(left.cost_usd_total, 12),
    });
    expect(repriceRun(left, new Map([['w0', { usdPerHour: 3.6 }]])).costUsd).toBeCloseTo(0.5 + 65 * 0.001, 12);
  });

  describe('bills', () => {
    // 65 s, billed by the second where no rule is known.
    const worker = { backend: 'wasm', price: 0.36, gpu: 'gcp/t4/spot' };
    const { summary: labelled } = comparedRun({ workers: [worker], rate: 1000, batch: 64 });
    const at = (usdPerHour: number, label?: string) => new Map([['w0', { usdPerHour, label }]]);

    test('by the rule of the new label: 65 s are two minutes at Lambda, an hour at Hetzner, 65 s at GCP', () => {
      expect(repriceRun(labelled, at(3.6, 'lambda/t4/on-demand')).billedUsd).toBeCloseTo(0.12, 12);
      expect(repriceRun(labelled, at(3.6, 'hetzner/cx/on-demand')).billedUsd).toBeCloseTo(3.6, 12);
      // A price without a label is billed as the worker was.
      expect(repriceRun(labelled, at(3.6)).billedUsd).toBeCloseTo(0.065, 12);
    });

    test('each rental by itself', () => {
      const rentals = () => [1, 4, 60];
      expect(repriceRun(labelled, at(3.6, 'gcp/t4/spot'), rentals).billedUsd).toBeCloseTo(3 * 0.06, 12);
      expect(repriceRun(labelled, at(3.6, 'lambda/t4/on-demand'), () => [61, 4]).billedUsd).toBeCloseTo(0.18, 12);
      const [only] = labelled.workers;
      if (only === undefined) throw new Error('no worker');
      const twice = { ...labelled, workers: [{ ...only, rentals: 2 }] };
      expect(repriceRun(twice, at(3.6, 'gcp/t4/spot')).billedUsd).toBeCloseTo(2 * 0.06, 12);
    });

    test('stay what they were where nothing changes, former workers included', () => {
      const billed = { ...labelled, former_workers_billed_usd: 0.5 };
      const kept = repriceRun(billed, at(0.36, 'GCP/t4/spot'), () => [1, 1, 63]);
      expect(kept.billedUsd).toBeCloseTo(0.5 + labelled.billed_usd_total, 12);
      expect(kept.measuredBilledUsd).toBe(kept.billedUsd);
      // The same price, but from a provider that bills whole hours.
      expect(repriceRun(billed, at(0.36, 'hetzner/cx/on-demand')).billedUsd).toBeCloseTo(0.5 + 0.36, 12);
    });
  });

  test('refuses workers that were not there, and those without any price', () => {
    expect(() => repriceRun(summary, new Map([['w2', { usdPerHour: 1 }]]))).toThrow(/no worker 'w2' .* w0, w1$/);
    const free = comparedRun({ workers: [{ backend: 'wasm' }, { backend: 'wasm' }], rate: 1000, batch: 64 }).summary;
    expect(() => repriceRun(free, new Map([['w0', { usdPerHour: 1 }]]))).toThrow(
      'worker w1 has no price: set one, for example --set w1=0.18',
    );
  });
});

test('costOverTime pays every worker each dated price, and says how it changed since the first', () => {
  const rows = priceRows(
    'own/t4/spot 2024-01-01 1.8',
    'own/t4/spot 2020-01-01 3.6',
    'other/t4/spot 2021-01-01 0.36',
    'other/t4/spot undated 9',
  );
  const costs = costOverTime(summary, labelPrices(rows, rows));
  const own = costs.filter(({ label }) => !label.startsWith('other/'));
  expect(own.map(({ date, change }) => [date, change])).toEqual([
    ['2020-01-01', 0],
    ['2024-01-01', -0.5],
  ]);
  // Two workers for 60 s.
  expect(own.map(({ costPerEpochUsd }) => costPerEpochUsd)).toEqual([
    expect.closeTo(2 * 0.001 * 60, 12),
    expect.closeTo(2 * 0.0005 * 60, 12),
  ]);
  expect(costs.find(({ label }) => label.startsWith('other/'))).toMatchObject({ change: 0 });
});

test('a change of product is none of price, and of several offers of a day the cheapest counts', () => {
  const rows = priceRows(
    'own/h100/on-demand 2023-05 2.4 80 1x_H100_PCIe',
    'own/h100/on-demand 2026-09 3.6 80 1x_H100_PCIe',
    'own/h100/on-demand 2026-09 4.8 80 8x_H100_SXM',
    'own/t4/spot 2023-05 0.35 16 GPU_SKU gpu-only',
    'own/v100/spot 2017-10 3.06 16',
    'own/v100/spot 2022-01 9 16',
    'own/v100/spot 2026-09 3.2 16',
    'own/v100/spot 2026-09 3.06 16',
    'own/v100/spot 2026-09 3.1 16',
  );
  const costs = costOverTime(summary, labelPrices(rows, rows));
  expect(costs.map(({ series, dateText, usdPerHour }) => [series, dateText, usdPerHour])).toEqual([
    ['own/h100/on-demand, 1x PCIe', '2023-05', 2.4],
    ['own/h100/on-demand, 1x PCIe', '2026-09', 3.6],
    ['own/h100/on-demand, 8x SXM', '2026-09', 4.8],
    ['own/t4/spot, card alone', '2023-05', 0.35],
    ['own/v100/spot', '2017-10', 3.06],
    ['own/v100/spot', '2022-01', 9],
    ['own/v100/spot', '2026-09', 3.06],
  ]);
  // Two workers for 60 s.
  expect(describeCostsOverTime(costs)).toEqual([
    'the same epoch cost $0.080 at prices of 2023-05 and $0.12 at those of 2026-09, +50 %: own/h100/on-demand, 1x PCIe',
    'the same epoch cost $0.10 at prices of 2017-10 and $0.10 at those of 2026-09, unchanged: own/v100/spot',
  ]);
});

test.each([
  [-0.14, '-14 %'],
  [0.03, '+3 %'],
  [0, 'unchanged'],
  [0.004, 'unchanged'],
  [-0.004, 'unchanged'],
])('a change of %d is %s', (change, text) => {
  expect(formatChange(change)).toBe(text);
});

test('says on what the seconds were measured, each device once', () => {
  const { summary: three } = comparedRun({
    workers: [{ backend: 'wasm' }, { backend: 'cpu' }, { backend: 'wasm' }],
    rate: 1000,
    batch: 64,
  });
  expect(describeSeconds(three)).toMatch(/of this run on wasm, cpu; .*not measured\.$/);
});

test('an epoch takes what all its samples take, of a run that was cut short too; one without a step is refused', () => {
  expect(epochSeconds({ ...summary, steps: 3 })).toBeCloseTo(60, 9);
  expect(() => epochSeconds({ ...summary, samples_per_second: 0 })).toThrow(`run ${summary.run_id} trained no step`);
});

test('a price by vCPU is paid for every thread, one by GPU for every worker', () => {
  const { summary: threaded } = comparedRun({
    workers: [{ backend: 'wasm', threads: 2 }, { backend: 'wasm', threads: 3 }, { backend: 'wasm' }],
    rate: 1000,
    batch: 64,
  });
  const table = parsePriceFile('p.csv', 'cpu,provider,usd_per_hour,date\nc7a,aws,0.6,2024-01\n');
  const [cost] = costOverTime(threaded, labelPrices(table, table));
  expect(cost).toMatchObject({ usdPerHour: 0.6, costPerEpochUsd: expect.closeTo((0.6 * 6 * 60) / 3600, 12) });
  expect(unitsOf({ unit: 'vcpu' }, threaded.workers)).toBe(6);
  expect(unitsOf({ unit: 'gpu' }, threaded.workers)).toBe(3);
});

test('a measured price that nobody gave is still marked when the run is repriced', () => {
  const { summary: assumed } = comparedRun({
    workers: [
      { backend: 'wasm', price: 0.1, priceAssumed: '2 vCPUs at a/b/c' },
      { backend: 'wasm', price: 0.1 },
    ],
    rate: 1000,
    batch: 64,
  });
  const { workers } = repriceRun(assumed, new Map([['w0', { usdPerHour: 0.5 }]]));
  expect(workers.map(({ measuredPriceAssumed }) => measuredPriceAssumed)).toEqual([true, undefined]);
});
