/** The reference lines of a comparison's charts. */
import { expect, test } from 'vitest';
import { compareRuns } from '../../../src/economics/comparison/comparison.ts';
import { comparisonCharts } from '../../../src/report/html/comparison-charts.ts';
import { comparedRun } from '../../support/compared-runs.ts';

const dear = { backend: 'wasm', price: 0.4 };
const cheap = { backend: 'cpu', price: 0.05 };

test('the ideal of a fleet is the sum of its workers alone, also at a single number of workers; one worker has none', () => {
  const comparison = compareRuns([
    comparedRun({ workers: [dear], rate: 1000, batch: 64 }),
    comparedRun({ workers: [cheap], rate: 250, batch: 64 }),
    comparedRun({ workers: [dear, dear, cheap, cheap], rate: 1500, batch: 64 }),
  ]);
  const throughput = comparisonCharts(comparison).find(({ id }) => id === 'throughput');
  expect(throughput?.xs).toEqual([1, 4]);
  const guides = throughput?.series.filter(({ style }) => style === 'guide') ?? [];
  expect(guides.map(({ label, values }) => [label, values])).toEqual([
    ['ideal: 2 × wasm + 2 × cpu', [null, expect.closeTo(2500, 6)]],
  ]);
});
