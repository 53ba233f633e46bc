/** Time against cost: every point with its intervals, and marks for the front, the cheapest and the fastest. */
import type { ComparedPoint } from '../../economics/comparison/compared-point.ts';
import type { Comparison } from '../../economics/comparison/comparison.ts';
import { formatUsdToDigits } from '../../shared/core/number-format.ts';
import { formatEstimate } from '../comparison/comparison-text.ts';
import type { Column } from '../terminal/table.ts';
import { type Chart, type ChartSeries, figuresCaption } from './chart.ts';
import { tableHtml } from './markup.ts';
import { createNames } from './point-names.ts';

/** The points that a word applies to, by their indexes in the comparison. */
interface Mark extends Pick<ChartSeries, 'style' | 'uncertain'> {
  readonly label: string;
  readonly of: readonly number[];
}

/** Only those that mark some point. */
function marksOf({ cheapest, cheapestTied, fastest, fastestTied }: Comparison): readonly Mark[] {
  const marks: readonly Mark[] = [
    { label: 'cheapest', style: 'ring', of: cheapest === undefined ? [] : [cheapest] },
    { label: 'may be as cheap', style: 'ring', uncertain: true, of: cheapestTied },
    { label: 'fastest', style: 'frame', of: [fastest] },
    { label: 'may be as fast', style: 'frame', uncertain: true, of: fastestTied },
  ];
  return marks.filter(({ of }) => of.length > 0);
}

/** A point with its index in the comparison. */
type Entry = readonly [index: number, point: ComparedPoint];

/** The points with a cost, by time. */
function entriesOf({ points }: Comparison): readonly Entry[] {
  return [...points.entries()]
    .filter(([, { costPerEpochUsd }]) => costPerEpochUsd !== undefined)
    .sort(([, a], [, b]) => a.secondsPerEpoch - b.secondsPerEpoch);
}

/**
 * Where no run trained a whole epoch, the axes say that its figures are extrapolated; where some did, the names of the
 * others say it.
 */
function extrapolationOf(entries: readonly Entry[]) {
  const isEvery = entries.length > 0 && entries.every(([, { epochExtrapolated }]) => epochExtrapolated);
  return {
    axis: isEvery ? ' (extrapolated)' : '',
    ofPoint: ({ epochExtrapolated }: ComparedPoint) => (epochExtrapolated && !isEvery ? ', extrapolated' : ''),
  };
}

export function frontChart(comparison: Comparison): Chart {
  const entries = entriesOf(comparison);
  const names = createNames(comparison.points);
  const extrapolation = extrapolationOf(entries);
  const only = <Value>(isShown: (entry: Entry) => boolean, of: (point: ComparedPoint) => Value | undefined) =>
    entries.map((entry) => (isShown(entry) ? (of(entry[1]) ?? null) : null));
  const cost = ({ costPerEpochUsd }: ComparedPoint) => costPerEpochUsd;
  const series = (label: string, style: ChartSeries['style'], isShown: (entry: Entry) => boolean): ChartSeries => ({
    label,
    style,
    values: only(isShown, cost),
    intervals: only(isShown, (point) => point.costPerEpochIntervalUsd),
    xIntervals: only(isShown, (point) => point.secondsPerEpochInterval),
    names: only(isShown, (point) => names.ofPoint(point) + extrapolation.ofPoint(point)),
  });
  const marks = marksOf(comparison).map(
    ({ of, label, style, uncertain }): ChartSeries => ({
      label,
      style,
      values: only(([index]) => of.includes(index), cost),
      uncertain,
    }),
  );
  return {
    id: 'front',
    title: `Cost and time of an epoch, and the Pareto front${names.title}`,
    x: { label: `seconds per epoch${extrapolation.axis}`, format: 'seconds', zero: false, log: true },
    y: { label: `USD per epoch${extrapolation.axis}`, format: 'usd', zero: false, log: true },
    xs: entries.map(([, { secondsPerEpoch }]) => secondsPerEpoch),
    series: [
      series('on the front', 'points', ([, { onFront }]) => onFront),
      series('not on it: another is faster and cheaper', 'faint', ([, { onFront }]) => !onFront),
      ...marks,
    ].filter(({ values }) => values.some((value) => value !== null)),
  };
}

/** The figures of that chart, with a row for each point. */
export function frontTable(comparison: Comparison, chart: Chart): string {
  const entries = entriesOf(comparison);
  const marks = marksOf(comparison);
  const names = createNames(comparison.points);
  const extrapolation = extrapolationOf(entries);
  const columns: readonly Column<Entry>[] = [
    { head: 'name', cell: ([, point]) => names.ofPoint(point) + extrapolation.ofPoint(point), align: 'left' },
    {
      head: chart.x.label,
      cell: ([, { secondsPerEpoch: value, secondsPerEpochInterval: interval }]) =>
        formatEstimate({ value, interval }, (seconds) => seconds.toFixed(1)),
    },
    {
      head: chart.y.label,
      cell: ([, { costPerEpochUsd: value, costPerEpochIntervalUsd: interval }]) =>
        value === undefined ? '' : formatEstimate({ value, interval }, formatUsdToDigits),
    },
    { head: 'front', cell: ([, { onFront }]) => (onFront ? '*' : '') },
    {
      head: 'marks',
      cell: ([index]) =>
        marks
          .filter(({ of }) => of.includes(index))
          .map(({ label }) => label)
          .join(', '),
      align: 'left',
    },
  ];
  return tableHtml(figuresCaption(chart), columns, entries);
}
