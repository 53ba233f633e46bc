import { cardHistories } from '../../economics/planning/price-history.ts';
import { loadPrices } from '../../economics/prices/price-table.ts';
import { renderComparisonPage } from '../../report/html/comparison-page.ts';
import { readReportAssets } from '../../report/html/report-assets.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { pricesSetting } from '../../settings/price-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { trainingSettings } from '../../settings/training-settings.ts';
import { badInput } from '../../shared/core/errors.ts';
import type { Command } from '../command.ts';
import { namedRuns, readRuns, runsPositional, sweepSetting } from '../compared-runs.ts';
import { compareAtPrices, printComparison } from '../print-comparison.ts';
import { hasNoSummary, readUnmeasuredRuns } from '../read-unmeasured-runs.ts';
import { htmlSetting, writeReport } from '../write-report.ts';

const compareSettings = {
  sweep: sweepSetting,
  html: { ...htmlSetting, describe: 'Write a self-contained report with plots to this file' },
  targetAccuracy: {
    ...trainingSettings.targetAccuracy,
    describe: 'Compare time and cost to this test accuracy as well, 0 to 1',
  },
  prices: { ...pricesSetting, describe: 'CSV or YAML file of prices, for the price history in the report' },
  json: printSettings.json,
} as const;

export const compareCommand: Command = {
  settings: compareSettings,
  examples: [
    ['$0 compare runs/a runs/b', 'two runs'],
    ['$0 compare --sweep sweeps/a --html report.html', 'a sweep, with a report'],
    ['$0 compare --sweep sweeps/a --target-accuracy 0.98', 'what 98 % test accuracy takes and costs'],
  ],
  options: (command) => command.positional('run', runsPositional),
  async run(argv) {
    const settings = resolveSettings(compareSettings, argv, process.env, undefined);
    const named = namedRuns(argv.run);
    const killed = named.filter(hasNoSummary);
    if (killed.length > 0 && killed.length === named.length && settings.sweep === undefined) {
      throw badInput(
        `${killed[0]}: left no summary.json, so nothing can be compared; pennygrad costs says what it cost`,
      );
    }
    const runs = readRuns(
      named.filter((folder) => !killed.includes(folder)),
      settings.sweep,
    );
    const table = loadPrices(settings.prices);
    const unmeasured = await readUnmeasuredRuns({ named, sweep: settings.sweep, runs });
    const comparison = compareAtPrices(runs, table, unmeasured, settings.targetAccuracy);
    printComparison(comparison, settings.json);
    if (settings.html !== undefined) {
      const cards = cardHistories(
        runs.map(({ summary }) => summary),
        table,
      );
      writeReport(settings.html, renderComparisonPage(comparison, readReportAssets(), cards));
      if (!settings.json) console.log(`report: ${settings.html}`);
    }
  },
};
