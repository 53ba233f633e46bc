/** The charts of a comparison. */
import type { Comparison } from '../../economics/comparison/comparison.ts';
import type { Estimate } from '../../economics/models/confidence.ts';
import { formatCount } from '../../shared/core/number-format.ts';
import type { Chart, ChartSeries } from './chart.ts';
import { frontChart } from './front-chart.ts';
import { createNames, type PointNames } from './point-names.ts';

/** All charts for which the comparison has figures. */
export function comparisonCharts(comparison: Comparison): readonly Chart[] {
  const names = createNames(comparison.points);
  return [
    throughputChart(comparison, names),
    efficiencyChart(comparison, names),
    frontChart(comparison),
    breakEvenChart(comparison, names),
  ].filter(({ xs, series }) => xs.length > 0 && series.length > 0);
}

/** A figure at one position on the x axis. */
interface Entry {
  readonly x: number;
  readonly estimate: Pick<Estimate, 'interval'> & { readonly value: number };
}

interface Line extends Pick<ChartSeries, 'label' | 'style' | 'guides'> {
  readonly entries: readonly Entry[];
}

/** Puts lines on a common x axis, which has every position that any of them has. */
function overAll(lines: readonly Line[]): Pick<Chart, 'xs' | 'series'> {
  const drawn = lines.filter(({ entries }) => entries.length > 0);
  const xs = placesOf(drawn);
  const series = drawn.map(({ label, style, guides, entries }): ChartSeries => {
    const at = xs.map((x) => entries.find((entry) => entry.x === x)?.estimate);
    return {
      label,
      style,
      values: at.map((estimate) => estimate?.value ?? null),
      intervals: at.map((estimate) => estimate?.interval ?? null),
      guides,
    };
  });
  return { xs, series };
}

function placesOf(lines: readonly Line[]): readonly number[] {
  return [...new Set(lines.flatMap(({ entries }) => entries.map(({ x }) => x)))].sort((a, b) => a - b);
}

/** The growths, and a family of its own for each point that is in none of them. */
function familiesOf({ points, growths }: Comparison, names: PointNames) {
  const lone = [...points.keys()].filter((index) => !growths.some((growth) => growth.points.includes(index)));
  return [
    ...growths.map((growth) => ({
      label: names.withBatch(
        `${growth.beside === undefined ? '' : `${growth.beside} + `}n × ${growth.kind}`,
        growth.globalBatchSize,
      ),
      members: growth.points.flatMap((index) => points[index] ?? []),
    })),
    ...lone.flatMap((index) => {
      const point = points[index];
      return point === undefined ? [] : [{ label: names.ofPoint(point), members: [point] }];
    }),
  ];
}

const workersAxis = { label: 'workers', format: 'count', zero: false, ticks: true } as const;

function throughputChart(comparison: Comparison, names: PointNames): Chart {
  const families = familiesOf(comparison, names);
  const measured = families.map(
    ({ label, members }): Line => ({
      label,
      style: 'line',
      entries: members.map(({ workers, samplesPerSecond }) => ({ x: workers, estimate: samplesPerSecond })),
    }),
  );
  // The sum of what the same workers do alone. A worker that is alone is its own.
  const ideal = families.map(({ label, members }, guides): Line => {
    const sums = members.flatMap(({ workers, samplesPerSecond: { value }, strong }) =>
      workers === 1 || strong !== undefined ? [{ x: workers, value: value / (strong?.value ?? 1) }] : [],
    );
    return {
      label: `ideal: ${label}`,
      style: 'guide',
      guides,
      entries: sums.every(({ x }) => x === 1)
        ? []
        : sums.map(({ x, value }) => ({ x, estimate: { value, interval: undefined } })),
    };
  });
  return {
    id: 'throughput',
    title: `Samples per second${names.title}`,
    x: workersAxis,
    y: { label: 'samples/s', format: 'count', zero: true },
    ...overAll([...measured, ...ideal]),
  };
}

function efficiencyChart(comparison: Comparison, names: PointNames): Chart {
  const strong = familiesOf(comparison, names).map(
    ({ label, members }): Line => ({
      label: `strong: ${label}`,
      style: 'line',
      entries: members.flatMap(({ workers, strong }) =>
        strong === undefined ? [] : [{ x: workers, estimate: strong }],
      ),
    }),
  );
  const weakPoints = comparison.points.flatMap((point) =>
    point.weak === undefined
      ? []
      : [
          {
            label: `weak: ${point.name.replaceAll(/\d+ × /g, '')}, ${formatCount(point.weak.baselineBatch)} a worker`,
            entry: { x: point.workers, estimate: point.weak },
          },
        ],
  );
  const weak = [...new Set(weakPoints.map(({ label }) => label))].map(
    (label): Line => ({
      label,
      style: 'line',
      entries: weakPoints.flatMap((point) => (point.label === label ? [point.entry] : [])),
    }),
  );
  const lines = [...strong, ...weak].filter(({ entries }) => entries.length > 0);
  const ideal: Line = {
    label: 'ideal',
    style: 'guide',
    entries: placesOf(lines).map((x) => ({ x, estimate: { value: 1, interval: undefined } })),
  };
  return {
    id: 'efficiency',
    title: `Efficiency relative to workers alone${names.title}`,
    x: workersAxis,
    y: { label: 'efficiency', format: 'percent', zero: true },
    ...overAll([...lines, ideal]),
  };
}

function breakEvenChart({ growths }: Comparison, names: PointNames): Chart {
  const shown = growths.filter(({ additions }) => additions.some(({ basis }) => basis === 'measured'));
  const prices = shown.map(
    ({ kind, beside, globalBatchSize, additions }): Line => ({
      label: names.withBatch(beside === undefined ? kind : `${kind} beside ${beside}`, globalBatchSize),
      style: 'line',
      entries: additions.flatMap((addition) => {
        if (addition.basis !== 'measured') return [];
        const { count, breakEvenUsdPerHour: value, breakEvenIntervalUsdPerHour: interval } = addition;
        return [{ x: count, estimate: { value, interval } }];
      }),
    }),
  );
  const asked = [...new Set(shown.map(({ usdPerHour = 0 }) => usdPerHour))].map((price): Line => {
    const at = shown.flatMap(({ usdPerHour = 0 }, index) => (usdPerHour === price ? [index] : []));
    const kinds = [...new Set(at.map((index) => shown[index]?.kind))].join(', ');
    const [guides, ...others] = at;
    return {
      label: `actual price: ${kinds}`,
      style: 'guide',
      guides: others.length > 0 ? undefined : guides,
      entries: placesOf(prices).map((x) => ({ x, estimate: { value: price, interval: undefined } })),
    };
  });
  return {
    id: 'break-even',
    title: `Price below which one more worker pays${names.title}`,
    x: { label: 'workers of the kind, with the added one', format: 'count', zero: false, ticks: true },
    y: { label: 'USD per hour', format: 'usd', zero: true },
    ...overAll([...prices, ...asked]),
  };
}
