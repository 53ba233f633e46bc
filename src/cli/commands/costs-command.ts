import { z } from 'zod';
import { type CostQuestion, reportCosts } from '../../economics/costs/cost-report.ts';
import { costGroupings } from '../../economics/costs/cost-tally.ts';
import { parseSince } from '../../economics/costs/since.ts';
import { costsCsv, costsJson } from '../../report/costs/cost-records.ts';
import { renderCosts } from '../../report/costs/cost-table.ts';
import { renderCostsPage } from '../../report/html/costs-page.ts';
import { readReportAssets } from '../../report/html/report-assets.ts';
import { findRuns } from '../../run-folder/find-runs.ts';
import { totalCosts } from '../../run-folder/total-costs.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { choice, flag } from '../../settings/schemas.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { badInput } from '../../shared/core/errors.ts';
import type { Command } from '../command.ts';
import { namedRuns } from '../compared-runs.ts';
import { printWarning } from '../print-warning.ts';
import { terminalColumns, wantsColour } from '../terminal.ts';
import { htmlSetting, writeReport } from '../write-report.ts';

const costsSettings = {
  since: {
    type: 'string',
    describe: 'Only what was spent since a day (2026-11-01, in UTC), or in the last 90m, 24h, 7d or 4w',
    schema: z
      .string()
      .refine(
        (text) => parseSince(text, 0) !== undefined,
        'a day like 2026-11-01 or a duration like 90m, 24h, 7d or 4w',
      )
      .optional(),
  },
  by: {
    type: 'string',
    describe: `What the rows are: ${costGroupings.join(', ')}`,
    defaultText: 'run',
    schema: choice(costGroupings).default('run'),
  },
  html: { ...htmlSetting, describe: 'Write a self-contained report, by all of these, to this file' },
  csv: { type: 'boolean', describe: 'Print CSV on stdout', schema: flag.default(false) },
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout' },
} as const;

/** The order of an HTML report. */
const pageOrder = ['day', 'run', 'provider', 'gpu', 'category', 'worker'] as const;

export const costsCommand: Command = {
  settings: costsSettings,
  examples: [
    ['$0 costs', 'every run in runs/, however it ended'],
    ['$0 costs runs sweeps --since 7d --by day', 'what each of the last days cost'],
    ['$0 costs runs/RUN-ID --by category', 'what one run spent its money on'],
    ['$0 costs --by provider --csv > costs.csv', 'for a spreadsheet'],
    ['$0 costs sweeps/a --html costs.html', 'a report with all of these'],
  ],
  options: (command) =>
    command.positional('folder', {
      describe: 'Folders of runs, of sweeps, or above them',
      array: true,
      defaultDescription: 'runs',
    }),
  async run(argv) {
    const { since, by, html, csv, json } = resolveSettings(costsSettings, argv, process.env, undefined);
    if (csv && json) throw badInput('--csv and --json exclude each other');
    const named = namedRuns(argv.folder);
    const folders = named.length === 0 ? ['runs'] : named;
    const nowUnixMs = systemClock.unixMs();
    const sinceUnixMs = since === undefined ? undefined : parseSince(since, nowUnixMs);
    if (sinceUnixMs !== undefined && sinceUnixMs > nowUnixMs)
      throw badInput(`--since ${since}: has not come yet, in UTC`);
    const costs = await totalCosts(findRuns(folders), { sinceUnixMs, nowUnixMs });
    const reportBy = (grouping: CostQuestion['by']) => reportCosts(costs, { by: grouping, folders, sinceUnixMs });
    for (const problem of costs.problems) printWarning(problem);
    const report = reportBy(by);
    if (csv) console.log(costsCsv(report));
    else if (json) console.log(costsJson(report));
    else console.log(renderCosts(report, { columns: terminalColumns(), colour: wantsColour() }));
    if (html === undefined) return;
    writeReport(html, renderCostsPage(pageOrder.map(reportBy), readReportAssets()));
    if (!csv && !json) console.log(`\nreport: ${html}`);
  },
};
