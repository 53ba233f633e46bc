/** Charts as the report's script draws them, with the same figures in a table behind each. */
import type { Column } from '../table.ts';
import { escapeHtml, tableHtml } from './markup.ts';

export type ChartFormat = 'count' | 'percent' | 'seconds' | 'usd';

export interface ChartSeries {
  readonly label: string;
  /** One for each of the chart's `xs`, null where there is none. */
  readonly values: readonly (number | null)[];
  /** 95 % confidence. */
  readonly intervals?: readonly (readonly [number, number] | null)[];
  /** Written beside the points. */
  readonly names?: readonly (string | null)[];
  /** Joined by a line, or points alone. */
  readonly line: boolean;
}

export interface Chart {
  /** Of the page. */
  readonly id: string;
  readonly title: string;
  readonly x: {
    readonly label: string;
    readonly format: ChartFormat;
    readonly zero: boolean;
    /** Ticks at the values alone. */
    readonly ticks?: true;
  };
  readonly y: { readonly label: string; readonly format: ChartFormat; readonly zero: boolean };
  /** Ascending. */
  readonly xs: readonly number[];
  readonly series: readonly ChartSeries[];
}

/** The place of a chart, and its table. @param describe says in a sentence what the chart shows */
export function chartHtml(chart: Chart, describe: string): string {
  const columns: readonly Column<number>[] = [
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
  return `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>
<div class="chart" role="img" aria-label="${escapeHtml(describe)}" data-chart="${escapeHtml(chart.id)}"></div>
<details><summary>The figures</summary>${tableHtml(`${chart.title}, figures`, columns, [...chart.xs.keys()])}</details>
</figure>`;
}

function numberText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
