/** Charts of dated figures. The table of each chart names the source of every figure. */
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

/** What a reader must know about such a chart. */
export const datedChartNote =
  'Points are prices that are known at their dates. The dotted line holds a price until the next known one, as looking up ' +
  "a worker's label does; the price in between is not known. Of several offers on one day the cheapest is drawn.";

/** A chart and its markup in the page. */
export interface PriceFigure {
  readonly chart: Chart;
  readonly html: string;
}

/** @param paid prices that runs paid, marked with stars and labelled with `paidBy` */
export function priceFigure({ gpu, prices }: GpuHistory, paid: readonly PaidPrice[] = [], paidBy = ''): PriceFigure {
  const one = prices[0]?.row.unit === 'vcpu' ? `one vCPU of ${gpu}` : `one ${gpu}`;
  const chart = datedChart({
    id: `prices-${slugOf(gpu)}`,
    title: `Price of ${one}`,
    unit: 'USD per hour',
    figures: datedPrices(prices),
    paid,
    paidBy,
  });
  const describe = `USD per hour of ${one} by date, for each provider, market and product`;
  return { chart, html: chartHtml(chart, describe, tableHtml(figuresCaption(chart), priceColumns, prices)) };
}

/** The price histories of workers' cards. */
export function cardFigures(cards: readonly CardHistory[], paidBy: string): readonly PriceFigure[] {
  return cards.map((card) => priceFigure(card, card.paid, paidBy));
}

/** Empty without figures. */
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
  // A series has one value a day: the second price paid on a day goes into a second series, and so on.
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

/** A name as part of an element's id. Different names give different slugs, except for case. */
export function slugOf(name: string): string {
  const code = (character: string) => (character === ' ' ? '-' : `_${character.charCodeAt(0).toString(16)}`);
  return name.toLowerCase().replace(/[^a-z0-9]/g, code);
}

export const priceColumns: readonly Column<LabelledPrice>[] = [
  { head: 'price', cell: ({ label }) => label, align: 'left' },
  { head: 'USD/h', cell: ({ row }) => formatUsd(row.usdPerHour) },
  { head: 'date', cell: ({ row }) => row.dateText, align: 'left' },
  { head: 'instance', cell: ({ row }) => row.instance ?? '', align: 'left' },
  { head: 'GPUs or vCPUs', cell: ({ row }) => String(row.gpuCount) },
  { head: 'region', cell: ({ row }) => row.region ?? '', align: 'left' },
  { head: 'priced', cell: ({ row }) => (row.scope === 'vm' ? 'machine' : cardAlone), align: 'left' },
  { head: 'grade', cell: ({ row }) => row.grade ?? '', align: 'left' },
  { head: 'source', cell: ({ row }) => row.source, align: 'left' },
  { head: 'note', cell: ({ row }) => row.note ?? '', align: 'left' },
];
