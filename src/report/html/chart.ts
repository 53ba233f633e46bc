/** Charts as the report's script draws them, with the same figures in a table behind each. */
import type { Column } from '../terminal/table.ts';
import { escapeHtml, tableHtml } from './markup.ts';

/** Of a `date` the values are seconds since 1970, UTC. */
export type ChartFormat = 'count' | 'percent' | 'seconds' | 'usd' | 'date';

/**
 * - points: markers alone
 * - line: markers, joined
 * - steps: markers, and a thin line that holds each value until the next
 * - guide: a dashed line without markers, for what the others are to be held against
 * - mark: stars, to stand out from the other series
 */
export type SeriesStyle = 'points' | 'line' | 'steps' | 'guide' | 'mark';

export interface ChartSeries {
  readonly label: string;
  /** One for each of the chart's `xs`, null where there is none. */
  readonly values: readonly (number | null)[];
  /** 95 % confidence. */
  readonly intervals?: readonly (readonly [number, number] | null)[];
  /** Written beside the points. */
  readonly names?: readonly (string | null)[];
  readonly style: SeriesStyle;
  /** Of a guide: the place of the series that it is for, whose colour it takes. */
  readonly guides?: number;
}

export interface ChartAxis {
  readonly label: string;
  readonly format: ChartFormat;
  /** Begins at zero. */
  readonly zero: boolean;
  /** Logarithmic where the values differ by more than fourfold. */
  readonly log?: true;
}

export interface Chart {
  /** Of the page. */
  readonly id: string;
  readonly title: string;
  /** `ticks`: at the values alone. */
  readonly x: ChartAxis & { readonly ticks?: true };
  readonly y: ChartAxis;
  /** Ascending. */
  readonly xs: readonly number[];
  readonly series: readonly ChartSeries[];
}

/**
 * The place of a chart, and the table behind it.
 * @param describe says in a sentence what the chart shows
 * @param table of the chart's figures; by default a row for each of its `xs`
 */
export function chartHtml(chart: Chart, describe: string, table = figuresHtml(chart)): string {
  return `<figure id="${escapeHtml(chart.id)}"><figcaption>${escapeHtml(chart.title)}</figcaption>
<div class="chart" role="img" aria-label="${escapeHtml(describe)}" data-chart="${escapeHtml(chart.id)}"></div>
<details><summary>The figures</summary>${table}</details>
</figure>`;
}

/** What the table behind a chart is called. */
export function figuresCaption({ title }: Chart): string {
  return `${title}, figures`;
}

function figuresHtml(chart: Chart): string {
  const named = chart.series.find(({ names }) => names !== undefined)?.names;
  const columns: readonly Column<number>[] = [
    ...(named === undefined
      ? []
      : [{ head: 'name', cell: (index: number) => named[index] ?? '', align: 'left' as const }]),
    { head: chart.x.label, cell: (index) => numberText(chart.xs[index]) },
    ...chart.series.map(
      ({ label, values, intervals }): Column<number> => ({
        head: label,
        cell: (index) => {
          const interval = intervals?.[index];
          const range = interval ? ` (${interval.map(numberText).join('–')})` : '';
          return `${numberText(values[index])}${range}`;
        },
      }),
    ),
  ];
  return tableHtml(figuresCaption(chart), columns, [...chart.xs.keys()]);
}

function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
