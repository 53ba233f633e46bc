import type { Argv } from 'yargs';
import { z } from 'zod';
import { loadPrices } from '../shared/prices/price-table.ts';
import { compareRuns } from '../shared/report/comparison.ts';
import { snakeCased } from '../shared/report/comparison-json.ts';
import { renderComparison } from '../shared/report/comparison-table.ts';
import { describeCardsAlone, labelsOfCardsAlone } from '../shared/report/gpu-offers.ts';
import { renderComparisonPage } from '../shared/report/html/comparison-page.ts';
import { readReportAssets } from '../shared/report/html/report-assets.ts';
import { cardHistories } from '../shared/report/price-history.ts';
import { namedRuns, readRuns, runsPositional, sweepSetting } from './compared-runs.ts';
import { resolveSettings, trainSettings, yargsOptions } from './settings.ts';
import { terminalColumns, wantsColour } from './terminal.ts';
import { pricesSetting } from './worker-price.ts';
import { writeReport } from './write-report.ts';

const compareSettings = {
  sweep: sweepSetting,
  html: {
    type: 'string',
    describe: 'File for a report with plots, which needs no network',
    schema: z.string().min(1, 'a path').optional(),
  },
  prices: { ...pricesSetting, describe: 'CSV or YAML file of prices, for the history of cards in the report' },
  json: trainSettings.json,
} as const;

export function addCompareCommand(cli: Argv): Argv {
  return cli.command(
    'compare [run..]',
    'Lay runs side by side: speed, scaling, cost',
    (command) =>
      command
        .positional('run', runsPositional)
        .options(yargsOptions(compareSettings))
        .example('$0 compare runs/a runs/b', 'two runs')
        .example('$0 compare --sweep sweeps/a --html report.html', 'a sweep, with a report'),
    (argv) => {
      const settings = resolveSettings(compareSettings, argv, process.env, undefined);
      const runs = readRuns(namedRuns(argv.run), settings.sweep);
      const summaries = runs.map(({ summary }) => summary);
      const table = loadPrices(settings.prices);
      const comparison = compareRuns(runs, describeCardsAlone(labelsOfCardsAlone(summaries, table)));
      if (settings.json) console.log(JSON.stringify({ basis: 'measured', ...(snakeCased(comparison) as object) }));
      else console.log(renderComparison(comparison, { columns: terminalColumns(), colour: wantsColour() }));
      if (settings.html !== undefined) {
        const cards = cardHistories(summaries, table);
        writeReport(settings.html, renderComparisonPage(comparison, readReportAssets(), cards));
        if (!settings.json) console.log(`report: ${settings.html}`);
      }
    },
  );
}
