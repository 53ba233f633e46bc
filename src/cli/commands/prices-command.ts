import { z } from 'zod';
import {
  datedPrices,
  historiesByGpu,
  type LabelledPrice,
  labelPrices,
  lowestByDay,
} from '../../economics/planning/price-history.ts';
import { priceCaveats } from '../../economics/prices/price-caveats.ts';
import { isDay } from '../../economics/prices/price-date.ts';
import { isDated, latestPrices } from '../../economics/prices/price-lookup.ts';
import { cardAlone } from '../../economics/prices/price-series.ts';
import { loadPrices, type PriceRow } from '../../economics/prices/price-table.ts';
import { renderPricesPage } from '../../report/html/prices-page.ts';
import { readReportAssets } from '../../report/html/report-assets.ts';
import { renderPriceChart } from '../../report/terminal/price-chart.ts';
import { type Column, renderTable } from '../../report/terminal/table.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { pricesSetting } from '../../settings/price-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { flag } from '../../settings/schemas.ts';
import { badInput } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import { formatUsd } from '../../shared/core/number-format.ts';
import type { Command } from '../command.ts';
import { paint, terminalColumns } from '../terminal.ts';
import { today } from '../worker-price.ts';
import { htmlSetting, writeReport } from '../write-report.ts';

const name = z.string().min(1, 'a name').optional();
const pricesSettings = {
  gpu: { type: 'string', describe: 'Only prices of this GPU, or of a family of machines like c7a', schema: name },
  provider: { type: 'string', describe: 'Only prices of this provider', schema: name },
  on: {
    type: 'string',
    describe: 'Prices as they were on this day, for example 2025-06-01',
    defaultText: 'today',
    schema: z.string().refine(isDay, 'a day like 2025-06-01').optional(),
  },
  history: {
    type: 'boolean',
    describe: 'All prices up to that day, with a chart',
    schema: flag.default(false),
  },
  prices: pricesSetting,
  html: { ...htmlSetting, describe: 'Write a self-contained report of the history, with plots, to this file' },
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout' },
} as const;

export const pricesCommand: Command = {
  settings: pricesSettings,
  examples: [
    ['$0 prices', 'the latest price for each GPU or CPU, provider and market'],
    ['$0 prices --gpu h100 --on 2025-06-01', 'prices as they were on a day'],
    ['$0 prices --gpu h100 --history', 'how they rose and fell'],
    ['$0 prices --gpu h100 --html h100.html', 'the same as a plot'],
    ['$0 prices --prices mine.csv --provider acme', 'a table of your own; columns: gpu, provider, usd_per_hour, date'],
  ],
  run(argv) {
    const { gpu, provider, on, history, prices, html, json } = resolveSettings(
      pricesSettings,
      argv,
      process.env,
      undefined,
    );
    const day = on ?? today();
    const table = loadPrices(prices);
    const wanted = only(only(table, 'gpu', gpu), 'provider', provider);
    const known = wanted.filter(({ date }) => (date ?? today()) <= day);
    const shown = history ? known.toSorted(byDate) : latestPrices(wanted, day).toSorted(byGpuAndPrice);
    const labelled = labelPrices(shown, table);
    if (html !== undefined) {
      if (known.length === 0) throw badInput(`--html ${html}: ${describeNone(wanted, day)}`);
      const histories = historiesByGpu(labelPrices(known, table));
      writeReport(html, renderPricesPage(histories, day, readReportAssets()));
    }
    if (json) {
      console.log(JSON.stringify({ on: day, prices: labelled.map((price) => asRecord(price, day)) }));
      return;
    }
    console.log(shown.length === 0 ? describeNone(wanted, day) : render(labelled, day, history));
    if (html !== undefined) console.log(`report: ${html}`);
  },
};

function only(rows: readonly PriceRow[], field: 'gpu' | 'provider', wanted: string | undefined): readonly PriceRow[] {
  if (wanted === undefined) return rows;
  const matching = rows.filter((row) => row[field].toLowerCase() === wanted.toLowerCase());
  if (matching.length > 0) return matching;
  const known = [...new Set(rows.map((row) => row[field].toLowerCase()))].sort().join(', ');
  throw badInput(`--${field} must be one that has a price: ${known}; got ${describeGiven(wanted)}`);
}

function byGpuAndPrice(a: PriceRow, b: PriceRow): number {
  return a.gpu.localeCompare(b.gpu) || a.usdPerHour - b.usdPerHour;
}

/** Undated prices come first: all that is known is that they are from before today. */
function byDate(a: PriceRow, b: PriceRow): number {
  return (a.date ?? '').localeCompare(b.date ?? '') || byGpuAndPrice(a, b);
}

/** @param rows the rows that were asked for, of any day */
function describeNone(rows: readonly PriceRow[], day: string): string {
  const [first] = rows.filter(isDated).toSorted(byDate);
  if (first === undefined) return 'These prices have no date: --history without --on shows them';
  return `There is no price from ${day} or before; the first is from ${first.dateText}`;
}

function render(prices: readonly LabelledPrice[], day: string, history: boolean): string {
  const columns = terminalColumns();
  const chart = history ? renderPriceChart(lowestByDay(datedPrices(prices)), day, columns) : [];
  // A label finds only prices that have a date.
  const example = prices.find(({ row }) => isDated(row));
  return [
    renderTable(priceColumns, prices, { columns, paint }),
    ...(chart.length === 0 ? [] : ['', ...chart]),
    '',
    `USD per hour of one GPU or vCPU, up to ${day}. Grade A: the provider's own data, B: second-hand, C: a quotation.` +
      (example === undefined ? '' : ` As a worker's price: --worker gpu=${example.label}`),
  ].join('\n');
}

const priceColumns: readonly Column<LabelledPrice>[] = [
  { head: 'label', cell: ({ label }) => label, align: 'left' },
  { head: 'USD/h', cell: ({ row }) => formatUsd(row.usdPerHour) },
  { head: 'date', cell: ({ row }) => row.dateText, align: 'left' },
  {
    head: 'memory',
    cell: ({ row }) => (row.gpuMemoryGb === undefined ? '' : `${row.gpuMemoryGb} GB`),
    expendable: 1,
  },
  { head: 'instance', cell: ({ row }) => row.instance ?? '', align: 'left', expendable: 2 },
  { head: 'of', cell: ({ row }) => (row.unit === 'gpu' ? 'a GPU' : 'a vCPU'), align: 'left' },
  { head: 'in one', cell: ({ row }) => String(row.gpuCount), expendable: 3 },
  { head: 'priced', cell: ({ row }) => (row.scope === 'vm' ? 'machine' : cardAlone), align: 'left', expendable: 4 },
  { head: 'grade', cell: ({ row }) => row.grade ?? '', align: 'left', expendable: 1 },
  { head: 'region', cell: ({ row }) => row.region ?? '', align: 'left', expendable: 5 },
  { head: 'note', cell: ({ row }) => row.note ?? '', align: 'left', expendable: 6 },
  { head: 'source', cell: ({ row }) => row.source, align: 'left', expendable: 7 },
];

/** With the keys of the price table's file. */
function asRecord({ label, series, row }: LabelledPrice, day: string): object {
  return {
    label,
    series,
    unit: row.unit,
    gpu: row.gpu,
    provider: row.provider,
    pricing: row.market,
    usd_per_hour: row.usdPerHour,
    date: row.date ?? null,
    date_text: row.dateText,
    gpu_mem_gb: row.gpuMemoryGb,
    instance_type: row.instance,
    gpu_count: row.gpuCount,
    instance_usd_per_hour: row.instanceUsdPerHour,
    region: row.region,
    scope: row.scope,
    grade: row.grade,
    source: row.source,
    note: row.note,
    caveats: priceCaveats(row, day).map(({ text: caveat }) => caveat),
  };
}
