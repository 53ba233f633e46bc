/** Charts of figures that are known at dates, with where each is from in the table behind. */

import {
  type CardHistory,
  type DatedFigure,
  datedPrices,
  type GpuHistory,
  type LabelledPrice,
  lowestByDay,
  type PaidPrice,
} from '../../economics/planning/price-history.ts';
import { cardAlone } from '../../economics/prices/price-series.ts';
import { formatUsd } from '../../shared/core/number-format.ts';
import type { Column } from '../terminal/table.ts';
import { type Chart, type ChartSeries, chartHtml, figuresCaption } from './chart.ts';
import { listHtml, sectionHtml, tableHtml } from './markup.ts';

/** What must be known to read such a chart. */
export const datedChartNote =
  'Points are prices that are known at their dates. Dots between them hold a price until the next one that is known, as ' +
  "a worker's label does; nothing is known of what it was in between. Of several offers of one day the cheapest is drawn.";

/** A chart and its markup, to be put in a page. */
export interface PriceFigure {
  readonly chart: Chart;
  readonly html: string;
}

/** @param paid by runs: marked with stars, named by `paidBy` */
export function priceFigure({ gpu, prices }: GpuHistory, paid: readonly PaidPrice[] = [], paidBy = ''): PriceFigure {
  const chart = datedChart({
    id: `prices-${slugOf(gpu)}`,
    title: `Price of one ${gpu}`,
    unit: 'USD an hour',
    figures: datedPrices(prices),
    paid,
    paidBy,
  });
  const describe = `USD per hour of one ${gpu} by date, for each provider, market and product`;
  return { chart, html: chartHtml(chart, describe, tableHtml(figuresCaption(chart), priceColumns, prices)) };
}

/** What cards that workers had cost over time. */
export function cardFigures(cards: readonly CardHistory[], paidBy: string): readonly PriceFigure[] {
  return cards.map((card) => priceFigure(card, card.paid, paidBy));
}

/** Nothing where there is no card. */
export function priceSectionHtml(figures: readonly PriceFigure[]): string {
  if (figures.length === 0) return '';
  return sectionHtml('What these cards cost over time', ...figures.map(({ html }) => html), listHtml([datedChartNote]));
}

export interface DatedChart {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly figures: readonly DatedFigure[];
  readonly paid: readonly PaidPrice[];
  readonly paidBy: string;
}

export function datedChart({ id, title, unit, figures, paid, paidBy }: DatedChart): Chart {
  const series = lowestByDay(figures);
  const days = [
    ...new Set([...series.flatMap(({ points }) => points.map(({ day }) => day)), ...paid.map(({ day }) => day)]),
  ].sort();
  // One day may have several prices that were paid: a series for each of the same place among its day's.
  const rounds = Math.max(0, ...days.map((day) => paid.filter((one) => one.day === day).length));
  const marks = Array.from({ length: rounds }, (_, round): ChartSeries => {
    const at = days.map((day) => paid.filter((one) => one.day === day)[round]);
    return {
      label: paidBy,
      style: 'mark',
      values: at.map((one) => one?.usdPerHour ?? null),
      names: at.map((one) => (one === undefined ? null : `${paidBy}, ${formatUsd(one.usdPerHour)}`)),
    };
  });
  return {
    id,
    title,
    xs: days.map((day) => Date.parse(day) / 1000),
    x: { label: 'date', format: 'date', zero: false },
    y: { label: unit, format: 'usd', zero: true, log: true },
    series: [
      ...series.map(({ label, points }): ChartSeries => {
        const values = days.map((day) => points.find((point) => point.day === day)?.value ?? null);
        return { label, style: 'steps', values };
      }),
      ...marks,
    ],
  };
}

/** Part of an element's id: letters and digits of a name, and no two names the same. */
export function slugOf(name: string): string {
  const code = (character: string) => (character === ' ' ? '-' : `_${character.charCodeAt(0).toString(16)}`);
  return name.toLowerCase().replace(/[^a-z0-9]/g, code);
}

export const priceColumns: readonly Column<LabelledPrice>[] = [
  { head: 'price', cell: ({ label }) => label, align: 'left' },
  { head: 'USD/h', cell: ({ row }) => formatUsd(row.usdPerHour) },
  { head: 'date', cell: ({ row }) => row.dateText, align: 'left' },
  { head: 'instance', cell: ({ row }) => row.instance ?? '', align: 'left' },
  { head: 'GPUs', cell: ({ row }) => String(row.gpuCount) },
  { head: 'region', cell: ({ row }) => row.region ?? '', align: 'left' },
  { head: 'priced', cell: ({ row }) => (row.scope === 'vm' ? 'machine' : cardAlone), align: 'left' },
  { head: 'source', cell: ({ row }) => row.source, align: 'left' },
  { head: 'note', cell: ({ row }) => row.note ?? '', align: 'left' },
];
