/** The prices of GPUs over time, for charts and tables. Pure: from rows of a price table. */

import { kindOf } from '../comparison/worker-kind.ts';
import { gpuNames } from '../prices/price-label.ts';
import { labelsIn } from '../prices/price-lookup.ts';
import type { PriceRow } from '../prices/price-row.ts';
import { seriesIn } from '../prices/price-series.ts';
import type { Summary } from '../record/summary.ts';

export interface LabelledPrice {
  /** `gcp/t4/spot` */
  readonly label: string;
  /** Prices in one series are of the same product: `gcp/t4/spot, card alone`. */
  readonly series: string;
  readonly row: PriceRow;
}

/** All prices of a GPU, by date. Prices without a date are old and come first. */
export interface GpuHistory {
  /** As the table spells it: `H100`. */
  readonly gpu: string;
  readonly prices: readonly LabelledPrice[];
}

/** Names rows as they are named in the whole table. */
export function labelPrices(rows: readonly PriceRow[], table: readonly PriceRow[]): readonly LabelledPrice[] {
  const [labelOf, seriesOf] = [labelsIn(table), seriesIn(table)];
  return rows.map((row) => ({ label: labelOf(row), series: seriesOf(row), row }));
}

export function historiesByGpu(prices: readonly LabelledPrice[]): readonly GpuHistory[] {
  const histories = new Map<string, { gpu: string; prices: LabelledPrice[] }>();
  for (const price of prices) {
    const { gpu } = price.row;
    const key = gpu.toLowerCase();
    const history = histories.get(key) ?? { gpu, prices: [] };
    history.prices.push(price);
    histories.set(key, history);
  }
  const byDate = (a: LabelledPrice, b: LabelledPrice) =>
    (a.row.date ?? '').localeCompare(b.row.date ?? '') || a.series.localeCompare(b.series);
  return [...histories.values()]
    .map((history) => ({ ...history, prices: history.prices.sort(byDate) }))
    .sort((a, b) => a.gpu.localeCompare(b.gpu));
}

/** A figure that holds from a day on. */
export interface DatedFigure {
  readonly label: string;
  /** ISO 8601 */
  readonly day: string;
  readonly value: number;
}

export interface DatedSeries {
  readonly label: string;
  /** Ascending; each day once. */
  readonly points: readonly { readonly day: string; readonly value: number }[];
}

/** One series a label. Several figures of one day are different offers, of which the lowest counts. */
export function lowestByDay(figures: readonly DatedFigure[]): readonly DatedSeries[] {
  const series = new Map<string, Map<string, number>>();
  for (const { label, day, value } of figures) {
    const days = series.get(label) ?? new Map<string, number>();
    days.set(day, Math.min(value, days.get(day) ?? Number.POSITIVE_INFINITY));
    series.set(label, days);
  }
  return [...series]
    .map(([label, days]) => ({
      label,
      points: [...days].map(([day, value]) => ({ day, value })).sort((a, b) => a.day.localeCompare(b.day)),
    }))
    .sort((a, b) => a.label.localeCompare(b.label));
}

/** The prices that have a date. */
export function datedPrices(prices: readonly LabelledPrice[]): readonly DatedFigure[] {
  return prices.flatMap(({ series, row: { date, usdPerHour } }) =>
    date === undefined ? [] : [{ label: series, day: date, value: usdPerHour }],
  );
}

/** What a run paid for a card, when it ran. */
export interface PaidPrice {
  /** ISO 8601 */
  readonly day: string;
  readonly usdPerHour: number;
}

/** A card that workers had, by their labels. */
export interface CardHistory extends GpuHistory {
  /** Distinct prices, by day. */
  readonly paid: readonly PaidPrice[];
}

/** The price histories of the cards in the workers' labels, from all providers. Cards that the table lacks are left out. */
export function cardHistories(summaries: readonly Summary[], table: readonly PriceRow[]): readonly CardHistory[] {
  const workers = summaries.flatMap(({ workers: all, started_at }) =>
    all.flatMap((worker) => {
      const gpu = kindOf(worker).gpu?.toLowerCase();
      return gpu === undefined
        ? []
        : [{ gpu, day: started_at.slice(0, 10), threads: worker.threads, price: worker.price_usd_per_hour }];
    }),
  );
  return [...new Set(workers.map(({ gpu }) => gpu))].flatMap((gpu) => {
    const rows = table.filter((row) => row.date !== undefined && gpuNames(row).includes(gpu));
    const paid = new Map<string, PaidPrice>();
    for (const { gpu: own, day, threads = 1, price } of workers) {
      if (own !== gpu || price === undefined) continue;
      const usdPerHour = rows[0]?.unit === 'vcpu' ? price / threads : price;
      paid.set(`${day} ${usdPerHour}`, { day, usdPerHour });
    }
    const byDay = [...paid.values()].sort((a, b) => a.day.localeCompare(b.day) || a.usdPerHour - b.usdPerHour);
    // The label's name for the card, which may include a size of memory.
    return historiesByGpu(labelPrices(rows, table)).map(({ prices }) => ({
      gpu: gpu.toUpperCase(),
      prices,
      paid: byDay,
    }));
  });
}
