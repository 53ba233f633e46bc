/** The costs of runs as an HTML report: the same costs by run, day, provider, card and category. */
import type { CostReport } from '../../economics/costs/cost-report.ts';
import type { CostGrouping } from '../../economics/costs/cost-tally.ts';
import { formatUsd } from '../../shared/core/number-format.ts';
import { costColumns, describeCosts, totalRow } from '../costs/cost-table.ts';
import { listHtml, sectionHtml, tableHtml } from './markup.ts';
import { renderPage } from './page.ts';
import type { ReportAssets } from './report-assets.ts';
import { stackedBarsHtml } from './stacked-bars.ts';

const titles: Readonly<Record<CostGrouping, string>> = {
  day: 'By day (UTC)',
  run: 'By run',
  provider: 'By provider',
  gpu: 'By what computes',
  worker: 'By worker',
  category: 'By what the time was spent on',
};

/** Bars of a figure; more are only in the table. */
const mostBars = 60;

/** @param reports of the same costs, each by another grouping */
export function renderCostsPage(reports: readonly CostReport[], assets: ReportAssets): string {
  const [first] = reports;
  if (first === undefined) return '';
  const { total, problems } = first;
  return renderPage(
    {
      title: `What ${first.runs === 1 ? 'a run' : `${first.runs} runs`} cost`,
      lead: describeCosts(first),
      basis: 'measured',
      charts: [],
      footer: `Folders: ${first.folders.join(', ')}`,
      body: [
        listHtml([
          `accrued ${formatUsd(total.costUsd)}, billed ${formatUsd(total.billedUsd)}, of the accrued cost ${formatUsd(total.usd.wasted)} wasted`,
          ...new Set(reports.flatMap(({ notes }) => notes)),
        ]),
        sectionHtml('Not counted', listHtml(problems)),
        ...reports.map((report) => sectionHtml(titles[report.by], barsHtml(report), reportTable(report))),
      ],
    },
    assets,
  );
}

function reportTable(report: CostReport): string {
  const { by, rows, total } = report;
  return tableHtml(titles[by], costColumns(report), [...rows, totalRow(by, total)]);
}

/** Days and runs have bars, which show what the money went to. */
function barsHtml({ by, rows }: CostReport): string {
  if ((by !== 'day' && by !== 'run') || rows.length > mostBars) return '';
  const bars = rows
    .filter(({ spent }) => spent.costUsd > 0)
    .map(({ day, run = '', spent }) => ({ name: day ?? run, spending: spent.usd }));
  return stackedBarsHtml(`costs-by-${by}`, 'Accrued cost, and what it was spent on', bars, formatUsd);
}
