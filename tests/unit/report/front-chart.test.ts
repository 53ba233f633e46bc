/** Time against cost: which points have which marks, and their whiskers. */
import { expect, test } from 'vitest';
import { compareRuns } from '../../../src/economics/comparison/comparison.ts';
import { frontChart, frontTable } from '../../../src/report/html/front-chart.ts';
import { comparedRun } from '../../support/compared-runs.ts';
import { runRecord } from '../../support/run-records.ts';

const dear = { backend: 'wasm', price: 0.4 };
const cheap = { backend: 'cpu', price: 0.05 };
const slow = { backend: 'tensorflow', price: 0.4 };
const repeated = (workers: (typeof dear)[], rates: readonly number[]) =>
  rates.map((rate) => comparedRun({ workers, rate, batch: 64 }));

/** Names of the points that each series shows. */
function shownBy(comparison: ReturnType<typeof compareRuns>) {
  const { series } = frontChart(comparison);
  const names = series
    .flatMap((one) => (one.names ? [one.names] : []))
    .reduce<(string | null)[]>((all, some) => some.map((name, at) => name ?? all[at] ?? null), []);
  return Object.fromEntries(
    series.map(({ label, values }) => [label, names.filter((_, at) => typeof values[at] === 'number')]),
  );
}

test('marks what is on the front, what is cheapest and fastest, and what may be', () => {
  const comparison = compareRuns([
    ...repeated([dear], [990, 1000, 1010]),
    // As fast as the dear one as far as these repeats show, at the same price.
    ...repeated([slow], [900, 980, 1060]),
    ...repeated([dear, dear], [1485, 1500, 1515]),
    ...repeated([cheap], [248, 250, 252]),
    // Slower than one dear worker, and more expensive than it.
    ...repeated([cheap, dear], [395, 400, 405]),
  ]);
  expect(shownBy(comparison)).toEqual({
    'on the front': ['2 × wasm', '1 × wasm', '1 × tensorflow', '1 × cpu'],
    'not on it: another is faster and cheaper': [expect.stringContaining('+')],
    cheapest: ['1 × cpu'],
    fastest: ['2 × wasm'],
  });
  const tied = shownBy(compareRuns([...repeated([dear], [990, 1000, 1010]), ...repeated([slow], [900, 980, 1060])]));
  expect(tied).toEqual({
    'on the front': ['1 × wasm', '1 × tensorflow'],
    cheapest: ['1 × wasm'],
    'may be as cheap': ['1 × tensorflow'],
    fastest: ['1 × wasm'],
    'may be as fast': ['1 × tensorflow'],
  });
});

test('has whiskers for time and cost where there are repeats, which agree with each other and with the table', () => {
  const comparison = compareRuns([
    ...repeated([dear], [900, 1000, 1100]),
    comparedRun({ workers: [cheap], rate: 250, batch: 64 }),
  ]);
  const chart = frontChart(comparison);
  const [front] = chart.series;
  expect(chart.xs).toEqual([expect.closeTo(60, 0), expect.closeTo(240, 9)]);
  // Without repeats there is no interval.
  expect([front?.intervals?.[1], front?.xIntervals?.[1]]).toEqual([null, null]);
  const [from = Number.NaN, to = Number.NaN] = front?.xIntervals?.[0] ?? [];
  // 60,000 samples at the rates' geometric mean, times or over exp(t · s / √n), with t for two degrees of freedom.
  const logs = [900, 1000, 1100].map(Math.log);
  const mean = logs.reduce((sum, one) => sum + one) / 3;
  const half = 4.302653 * Math.sqrt(logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 2 / 3);
  expect([from, to]).toEqual([mean + half, mean - half].map((log) => expect.closeTo(60_000 / Math.exp(log), 2)));
  // $0.40 an hour.
  expect(front?.intervals?.[0]).toEqual([expect.closeTo((from * 0.4) / 3600, 9), expect.closeTo((to * 0.4) / 3600, 9)]);
  const table = frontTable(comparison, chart);
  expect(table).toContain(`(${from.toFixed(1)}–${to.toFixed(1)})`);
  expect(table).toMatch(/1 × cpu<\/td><td>240\.0<\/td><td>\$0\.0033<\/td><td>\*<\/td><td class="left">cheapest</);
});

test('says which epochs are extrapolated: of all points on the axes, of some beside their names', () => {
  const [epoch] = runRecord().epochs;
  if (epoch === undefined) throw new Error('the record has epochs');
  const record = { epochs: [{ ...epoch, samples: 6000, seconds: 6, cutShort: true as const }], samples: 6000 };
  const short = comparedRun({ workers: [dear], rate: 1000, batch: 64, record: { ...record, trainSeconds: 6 } });
  const described = (runs: Parameters<typeof compareRuns>[0]) => {
    const comparison = compareRuns(runs);
    const chart = frontChart(comparison);
    expect(frontTable(comparison, chart)).toContain('extrapolated');
    return { x: chart.x.label, y: chart.y.label, names: chart.series[0]?.names };
  };
  expect(described([short])).toEqual({
    x: 'seconds per epoch (extrapolated)',
    y: 'USD per epoch (extrapolated)',
    names: ['1 × wasm'],
  });
  expect(described([short, ...repeated([cheap], [250])])).toEqual({
    x: 'seconds per epoch',
    y: 'USD per epoch',
    names: ['1 × wasm, extrapolated', '1 × cpu'],
  });
});
