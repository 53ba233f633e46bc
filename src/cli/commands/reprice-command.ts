import { z } from 'zod';
import { createRentalTimes } from '../../economics/costs/rentals.ts';
import { labelPrices, lowestByDay } from '../../economics/planning/price-history.ts';
import {
  costOverTime,
  type DatedCost,
  describeCostsOverTime,
  describeSeconds,
  formatChange,
  type NewPrice,
  type RentalsOf,
  type RepricedWorker,
  type Repricing,
  repriceRun,
  unitsOf,
} from '../../economics/planning/repricing.ts';
import { describeCaveats, priceCaveats } from '../../economics/prices/price-caveats.ts';
import { isDay } from '../../economics/prices/price-date.ts';
import { type DatedPrice, findPrice, isDated } from '../../economics/prices/price-lookup.ts';
import { loadPrices, type PriceRow } from '../../economics/prices/price-table.ts';
import type { Summary } from '../../economics/record/summary.ts';
import { readSummary } from '../../economics/record/summary-file.ts';
import { readReportAssets } from '../../report/html/report-assets.ts';
import { renderRepricedPage } from '../../report/html/repriced-page.ts';
import { snakeCased } from '../../report/snake-case.ts';
import { renderPriceChart } from '../../report/terminal/price-chart.ts';
import { type Column, renderTable } from '../../report/terminal/table.ts';
import { wrapText } from '../../report/terminal/wrap-text.ts';
import { readRunCosts } from '../../run-folder/run-costs.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { pricesSetting } from '../../settings/price-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { flag } from '../../settings/schemas.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { badInput } from '../../shared/core/errors.ts';
import { describeGiven } from '../../shared/core/given-value.ts';
import { formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { maxPriceUsdPerHour } from '../../shared/core/price-limit.ts';
import type { Command } from '../command.ts';
import { printWarning } from '../print-warning.ts';
import { paint, terminalColumns } from '../terminal.ts';
import { today } from '../worker-price.ts';
import { htmlSetting, writeReport } from '../write-report.ts';

const repriceSettings = {
  set: {
    type: 'string',
    describe: 'WORKER=PRICE in USD per hour, or WORKER=gcp/t4/spot; * is every worker; repeat for others',
    repeatable: true,
    schema: z
      .union([z.string().transform((one) => [one]), z.array(z.string())])
      .pipe(z.array(z.string().regex(/^[^=]+=.+$/, 'WORKER=PRICE, like w2=0.18')))
      .default([]),
  },
  prices: { ...pricesSetting, describe: 'CSV or YAML file of prices, for workers that have a gpu label' },
  overTime: {
    type: 'boolean',
    describe: 'Price the run at every dated price of --gpu in the table',
    schema: flag.default(false),
  },
  gpu: {
    type: 'string',
    describe: 'GPUs, or families of machines like c7a, for --over-time; separated by commas',
    schema: z.string().min(1, 'names of GPUs').optional(),
  },
  on: {
    type: 'string',
    describe: 'Look up labels as of this day, for example 2025-06-01',
    defaultText: 'today',
    schema: z.string().refine(isDay, 'a day like 2025-06-01').optional(),
  },
  html: { ...htmlSetting, describe: 'Write a self-contained report of --over-time, with plots, to this file' },
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout' },
} as const;
type Settings = ReturnType<typeof resolveSettings<typeof repriceSettings>>;

export const repriceCommand: Command = {
  settings: repriceSettings,
  examples: [
    ['$0 reprice runs/a --set w2=0.18', 'one worker at another price'],
    ["$0 reprice runs/a --set '*=gcp/t4/spot' --on 2025-06-01", 'every worker at what a T4 cost then'],
    ['$0 reprice runs/a --over-time --gpu k80,t4', 'how the cost of this epoch fell, or rose'],
    ['$0 reprice runs/a --over-time --gpu h100 --html epoch.html', 'the same as plots'],
  ],
  options: (command) => command.positional('run', { describe: "A run's folder", type: 'string', demandOption: true }),
  async run(argv) {
    const settings = resolveSettings(repriceSettings, argv, process.env, undefined);
    const folder = String(argv.run);
    const summary = readSummary(folder);
    if (settings.overTime) console.log(overTime(summary, settings));
    else console.log(atOtherPrices(summary, settings, await readRentals(folder, summary)));
  },
};

/** How long each rental lasted. A run whose workers lived once needs no ledger for that. */
async function readRentals(folder: string, { workers }: Summary): Promise<RentalsOf> {
  if (workers.every(({ rentals = 1 }) => rentals <= 1)) return () => undefined;
  const times = createRentalTimes();
  const { problems } = await readRunCosts(folder, systemClock.unixMs(), times.add);
  for (const problem of problems) printWarning(problem);
  return times.of;
}

function atOtherPrices(summary: Summary, settings: Settings, rentalsOf: RentalsOf): string {
  if (settings.html !== undefined) throw badInput('--html needs --over-time');
  if (settings.set.length === 0 && settings.prices === undefined) {
    throw badInput('no other prices are given: pass --set w0=0.18, --prices FILE or --over-time --gpu t4');
  }
  const { prices, used } = newPrices(summary, settings);
  const repricing = repriceRun(summary, prices, rentalsOf);
  const day = settings.on ?? today();
  const caveats = [...used].flatMap(([label, row]) => describeCaveats(label, priceCaveats(row, day)));
  if (settings.json) {
    const usedPrices = [...used].map(([label, row]) => usedPrice(label, row));
    return JSON.stringify({ ...(snakeCased(repricing) as object), prices: usedPrices, notes: caveats });
  }
  const lines = [...[...used].map(([label, row]) => describeUsed(label, row)), ...caveats];
  return [renderRepricing(repricing), ...lines.map((line) => wrapText(line, terminalColumns()))].join('\n');
}

interface NewPrices {
  /** By worker. */
  readonly prices: ReadonlyMap<string, NewPrice>;
  /** The rows of the table that they come from, by label. */
  readonly used: ReadonlyMap<string, DatedPrice>;
}

/** `gcp/t4/spot: $0.11 an hour, ~2022-10..2023-06, SOURCE (grade B)` */
function describeUsed(label: string, { unit, usdPerHour, dateText, source, grade }: DatedPrice): string {
  const per = unit === 'vcpu' ? ' a vCPU' : '';
  return `${label}: ${formatUsd(usdPerHour)} an hour${per}, ${dateText}, ${source}${grade === undefined ? '' : ` (grade ${grade})`}`;
}

function usedPrice(label: string, { unit, usdPerHour, dateText, source, grade, note }: DatedPrice): object {
  return { label, unit, usd_per_hour: usdPerHour, date: dateText, source, grade: grade ?? null, note: note ?? null };
}

/** The price from `--set`, or from the table by the worker's label. */
function newPrices(summary: Summary, { set, prices, on }: Settings): NewPrices {
  const table = loadPrices(prices);
  const used = new Map<string, DatedPrice>();
  const priceOf = (label: string, workerId: string): NewPrice => {
    const row = findPrice(table, label, on ?? today());
    used.set(label.toLowerCase(), row);
    const workers = summary.workers.filter(({ worker_id }) => worker_id === workerId);
    return { usdPerHour: row.usdPerHour * unitsOf(row, workers), label };
  };
  const chosen = set.flatMap((pair) => {
    const [id, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1).trim()];
    const ids = id === '*' ? summary.workers.map(({ worker_id }) => worker_id) : [id];
    return ids.map((worker) => {
      const price: NewPrice = value.includes('/') ? priceOf(value, worker) : { usdPerHour: Number(value) };
      if (value === '' || !(price.usdPerHour >= 0 && price.usdPerHour <= maxPriceUsdPerHour)) {
        throw badInput(`--set '${pair}': must be a price from 0 to ${maxPriceUsdPerHour} or a label like gcp/t4/spot`);
      }
      return [worker, price] as const;
    });
  });
  const labels = summary.workers.flatMap(({ worker_id, gpu }) =>
    prices !== undefined && gpu?.includes('/') && !chosen.some(([id]) => id === worker_id)
      ? [[worker_id, priceOf(gpu, worker_id)] as const]
      : [],
  );
  if (labels.length + chosen.length === 0) {
    throw badInput(
      `--prices: no worker of run ${summary.run_id} has a label like gcp/t4/spot; use --set '*=gcp/t4/spot'`,
    );
  }
  return { prices: new Map([...labels, ...chosen]), used };
}

function renderRepricing(repricing: Repricing): string {
  const { runId, workers, formerCostUsd, measuredCostUsd, costUsd, secondsPerEpoch } = repricing;
  const { measuredBilledUsd, billedUsd } = repricing;
  const columns: readonly Column<RepricedWorker>[] = [
    { head: 'worker', cell: ({ workerId }) => workerId, align: 'left' },
    { head: 'alive', cell: ({ aliveSeconds }) => formatSeconds(aliveSeconds) },
    {
      head: 'measured at',
      cell: ({ measuredUsdPerHour: price, measuredPriceAssumed }) =>
        price === undefined ? 'no price' : `${formatUsd(price)}/h${measuredPriceAssumed ? ' assumed' : ''}`,
    },
    { head: 'cost', cell: (worker) => formatUsd(worker.measuredCostUsd) },
    { head: 'billed', cell: (worker) => formatUsd(worker.measuredBilledUsd) },
    { head: 'repriced at', cell: ({ usdPerHour }) => `${formatUsd(usdPerHour)}/h` },
    { head: 'cost', cell: (worker) => formatUsd(worker.costUsd) },
    { head: 'billed', cell: (worker) => formatUsd(worker.billedUsd) },
  ];
  return [
    `${paint('bold', 'Repriced')}: run ${runId}, its measured seconds at other prices\n`,
    renderTable(columns, workers, { columns: terminalColumns(), paint }),
    `\nrun ${formatUsd(measuredCostUsd)} measured, ${formatUsd(costUsd)} repriced` +
      (formerCostUsd > 0 ? `, ${formatUsd(formerCostUsd)} of each for workers that left before training` : ''),
    `billed ${formatUsd(measuredBilledUsd)} measured, ${formatUsd(billedUsd)} repriced, each rental by the rule of its provider`,
    `epoch of ${formatSeconds(secondsPerEpoch)} ${formatUsd(repricing.measuredCostPerEpochUsd)} measured, ${formatUsd(repricing.costPerEpochUsd)} repriced`,
  ].join('\n');
}

function overTime(summary: Summary, { set, gpu, prices, on, json, html }: Settings): string {
  if (set.length > 0) throw badInput('--set and --over-time exclude each other');
  const table = loadPrices(prices);
  const day = on ?? today();
  const wanted = wantedGpus(table, gpu).filter(isDated);
  const known = wanted.filter(({ date }) => date <= day);
  if (known.length === 0) {
    const [first] = wanted.map(({ date }) => date).sort();
    throw badInput(
      first === undefined
        ? `the prices of ${gpu} have no date: there is nothing to show over time`
        : `there is no price of ${gpu} from ${day} or before; the first is from ${first}`,
    );
  }
  const costs = costOverTime(summary, labelPrices(known, table));
  const changes = describeCostsOverTime(costs);
  const note = describeSeconds(summary);
  if (html !== undefined) writeReport(html, renderRepricedPage(summary, costs, readReportAssets()));
  if (json) {
    const basis = { basis: 'repriced', run_id: summary.run_id, world_size: summary.world_size, note };
    return JSON.stringify({ ...basis, changes, costs: snakeCased(costs) });
  }
  const columns: readonly Column<DatedCost>[] = [
    { head: 'price', cell: ({ series }) => series, align: 'left' },
    { head: 'from', cell: ({ dateText }) => dateText, align: 'left' },
    { head: 'USD/h', cell: ({ usdPerHour }) => formatUsd(usdPerHour) },
    { head: 'an epoch', cell: ({ costPerEpochUsd }) => formatUsd(costPerEpochUsd) },
    { head: 'change', cell: ({ change }) => (change === 0 ? '' : formatChange(change)) },
    { head: 'which', cell: ({ caveats }) => caveats.join('; '), align: 'left', expendable: 2 },
    { head: 'source', cell: ({ source }) => source, align: 'left', expendable: 1 },
  ];
  const figures = costs.map(({ series, date, usdPerHour }) => ({ label: series, day: date, value: usdPerHour }));
  const width = terminalColumns();
  return [
    `${paint('bold', 'Repriced')}: an epoch of run ${summary.run_id}, each of its ${summary.world_size} workers at the price of one GPU, or of a vCPU for each of its threads`,
    `${note}\n`,
    renderTable(columns, costs, { columns: width, paint }),
    '',
    ...renderPriceChart(lowestByDay(figures), day, width),
    ...(changes.length === 0 ? [] : ['', ...changes.map((line) => wrapText(line, width))]),
    ...(html === undefined ? [] : ['', `report: ${html}`]),
  ].join('\n');
}

function wantedGpus(table: readonly PriceRow[], names: string | undefined): readonly PriceRow[] {
  const known = [...new Set(table.map(({ gpu }) => gpu.toLowerCase()))].sort();
  if (names === undefined) throw badInput(`--over-time needs --gpu, with one or more of ${known.join(', ')}`);
  const wanted = names.split(',').map((name) => name.trim().toLowerCase());
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw badInput(
      `--gpu must name GPUs or CPUs that have a price: ${known.join(', ')}; got ${describeGiven(unknown)}`,
    );
  }
  return table.filter(({ gpu }) => wanted.includes(gpu.toLowerCase()));
}
