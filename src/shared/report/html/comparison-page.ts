/** A comparison as an HTML report. */
import type { Estimate } from '../../core/confidence.ts';
import type { ComparedPoint, Comparison } from '../comparison.ts';
import { rateColumns } from '../comparison-table.ts';
import { describeBest, describeBreakEven, describeMarginal, pointName } from '../comparison-text.ts';
import { formatCount, formatUsd } from '../number-format.ts';
import { type Chart, type ChartSeries, chartHtml } from './chart.ts';
import { listHtml, sectionHtml, tableHtml } from './markup.ts';
import { renderPage } from './page.ts';
import type { ReportAssets } from './report-assets.ts';
import { stackedBarsHtml } from './stacked-bars.ts';

export function renderComparisonPage(comparison: Comparison, assets: ReportAssets): string {
  const { points, breakEvens, dataset, model, notes } = comparison;
  const priced = points.filter(({ costUsd }) => costUsd !== undefined);
  const charts = [throughputChart(points), efficiencyChart(points), frontChart(priced)].filter(
    (chart) => chart.xs.length > 0 && chart.series.length > 0,
  );
  const chart = (id: string, describe: string) => {
    const found = charts.find((one) => one.id === id);
    return found === undefined ? '' : chartHtml(found, describe);
  };
  const runs = points.reduce((sum, point) => sum + point.runs.length, 0);
  return renderPage(
    {
      title: `Comparison of ${runs} runs`,
      lead: `${model.name} of ${formatCount(model.parameters)} parameters on ${dataset.name}. In brackets and as whiskers: 95 % confidence, Welch's t-interval on logarithms.`,
      basis: 'measured',
      charts,
      footer: `Runs: ${points.flatMap((point) => point.runs).join(', ')}`,
      body: [
        listHtml(describeBest(comparison)),
        tableHtml('All points', rateColumns(priced.length > 0), points),
        sectionHtml('Speed', chart('throughput', 'Samples per second by number of workers')),
        sectionHtml(
          'Efficiency',
          chart('efficiency', 'Strong and weak scaling efficiency by number of workers; one is ideal'),
        ),
        sectionHtml(
          'Time and cost',
          chart(
            'front',
            'Seconds and cost of an epoch at every point; the line joins those that no other beats in both',
          ),
        ),
        sectionHtml(
          'Where the time went',
          stackedBarsHtml(
            'A step of the mean worker',
            points.map((point) => ({ name: pointName(point), spending: point.stepSeconds })),
            (seconds) => `${(1000 * seconds).toFixed(2)} ms`,
          ),
        ),
        sectionHtml(
          'Where the money went',
          stackedBarsHtml(
            'A run, start-up and test passes included',
            priced.flatMap((point) =>
              point.costUsd === undefined ? [] : [{ name: pointName(point), spending: point.costUsd }],
            ),
            formatUsd,
          ),
        ),
        sectionHtml(
          'What a worker is worth',
          listHtml(
            points.flatMap((point) => point.marginals.map((one) => `${pointName(point)}: ${describeMarginal(one)}`)),
          ),
        ),
        sectionHtml('Break-even prices', listHtml(breakEvens.map(describeBreakEven))),
        sectionHtml('Mind', listHtml(notes)),
      ],
    },
    assets,
  );
}

/** A line for the points that differ in their number of workers alone. */
function byWorkers(
  points: readonly ComparedPoint[],
  seriesOf: (point: ComparedPoint) => readonly { readonly label: string; readonly estimate: Estimate }[],
): Pick<Chart, 'xs' | 'series'> {
  const entries = points.flatMap((point) => seriesOf(point).map((entry) => ({ ...entry, workers: point.workers })));
  const xs = [...new Set(entries.map(({ workers }) => workers))].sort((a, b) => a - b);
  const series = [...new Set(entries.map(({ label }) => label))].map((label): ChartSeries => {
    const at = xs.map((x) => entries.find((entry) => entry.label === label && entry.workers === x)?.estimate);
    return {
      label,
      line: true,
      values: at.map((estimate) => estimate?.value ?? null),
      intervals: at.map((estimate) => estimate?.interval ?? null),
    };
  });
  return { xs, series };
}

const workersAxis = { label: 'workers', format: 'count', zero: true, ticks: true } as const;

function throughputChart(points: readonly ComparedPoint[]): Chart {
  return {
    id: 'throughput',
    title: 'Samples per second',
    x: workersAxis,
    y: { label: 'samples/s', format: 'count', zero: true },
    ...byWorkers(points, (point) => [{ label: familyOf(point), estimate: point.samplesPerSecond }]),
  };
}

function efficiencyChart(points: readonly ComparedPoint[]): Chart {
  return {
    id: 'efficiency',
    title: 'Efficiency against workers alone',
    x: workersAxis,
    y: { label: 'efficiency', format: 'percent', zero: true },
    ...byWorkers(points, (point) => [
      ...(point.strong === undefined ? [] : [{ label: `strong, ${familyOf(point)}`, estimate: point.strong }]),
      ...(point.weak === undefined
        ? []
        : [{ label: `weak, ${kindsOf(point)}, ${point.weak.baselineBatch} a worker`, estimate: point.weak }]),
    ]),
  };
}

function frontChart(points: readonly ComparedPoint[]): Chart {
  const byTime = [...points].sort((a, b) => a.secondsPerEpoch - b.secondsPerEpoch);
  const cost = ({ costPerEpochUsd }: ComparedPoint) => costPerEpochUsd ?? null;
  return {
    id: 'front',
    title: 'Cost and time of an epoch, and the front of what nothing beats in both',
    x: { label: 'seconds an epoch', format: 'seconds', zero: false },
    y: { label: 'USD an epoch', format: 'usd', zero: true },
    xs: byTime.map(({ secondsPerEpoch }) => secondsPerEpoch),
    series: [
      { label: 'all points', line: false, values: byTime.map(cost), names: byTime.map(pointName) },
      { label: 'front', line: true, values: byTime.map((point) => (point.onFront ? cost(point) : null)) },
    ],
  };
}

/** `wasm, batch 64` of both `1 × wasm` and `2 × wasm` with that batch. */
function familyOf(point: ComparedPoint): string {
  return `${kindsOf(point)}, batch ${point.globalBatchSize}`;
}

function kindsOf({ name }: ComparedPoint): string {
  return name.replaceAll(/\d+ × /g, '');
}
