/** Charts for the report's script to draw, each with its figures in a table. */
import type { Column } from '../terminal/table.ts';
import { escapeHtml, tableHtml } from './markup.ts';

/** The values of a `date` are seconds since 1970, UTC. */
export type ChartFormat = 'count' | 'percent' | 'seconds' | 'usd' | 'date';

/**
 * - points: markers alone
 * - faint: the same, to stand back behind the other series
 * - line: markers, joined
 * - steps: markers, and a thin line that holds each value until the next
 * - guide: a dashed line without markers, as a reference for the other series
 * - mark: stars, to stand out from the other series
 * - ring, frame: a circle or a square around points of the other series
 */
export type SeriesStyle = 'points' | 'faint' | 'line' | 'steps' | 'guide' | 'mark' | 'ring' | 'frame';

export interface ChartSeries {
  readonly label: string;
  /** One for each of the chart's `xs`, null where the series has no value. */
  readonly values: readonly (number | null)[];
  /** 95 % confidence intervals. */
  readonly intervals?: readonly (readonly [number, number] | null)[];
  /** 95 % confidence intervals of the chart's `xs`. */
  readonly xIntervals?: readonly (readonly [number, number] | null)[];
  /** Written beside the points. */
  readonly names?: readonly (string | null)[];
  readonly style: SeriesStyle;
  /** Rings or frames are dashed: the figures do not tell whether the points deserve them. */
  readonly uncertain?: true | undefined;
  /** Set for a guide: the index of the series that it refers to and whose colour it takes. */
  readonly guides?: number | undefined;
}

export interface ChartAxis {
  readonly label: string;
  readonly format: ChartFormat;
  /** The axis starts at zero. */
  readonly zero: boolean;
  /** The axis is logarithmic where values differ by a factor of four or more. */
  readonly log?: true;
}

export interface Chart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** `ticks`: only at the values. */
  readonly x: ChartAxis & { readonly ticks?: true };
  readonly y: ChartAxis;
  /** Ascending. */
  readonly xs: readonly number[];
  readonly series: readonly ChartSeries[];
}

/**
 * The element in which a chart is drawn, with the table of its figures.
 * @param describe says in a sentence what the chart shows
 * @param table of the figures; by default with a row for each of the chart's `xs`
 */
export function chartHtml(chart: Chart, describe: string, table = figuresHtml(chart)): string {
  return `<figure id="${escapeHtml(chart.id)}"><figcaption>${escapeHtml(chart.title)}</figcaption>
<div class="chart" role="img" aria-label="${escapeHtml(describe)}" data-chart="${escapeHtml(chart.id)}"></div>
<details><summary>The figures</summary>${table}</details>
</figure>`;
}

/** The caption of a chart's table. */
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
