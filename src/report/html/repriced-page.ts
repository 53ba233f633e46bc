/** A measured epoch at every dated price, as an HTML report. */
import {
  type DatedCost,
  describeCostsOverTime,
  describeSeconds,
  epochSeconds,
  formatChange,
} from '../../economics/planning/repricing.ts';
import type { Summary } from '../../economics/record/summary.ts';
import { formatCount, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import type { Column } from '../terminal/table.ts';
import { chartHtml, figuresCaption } from './chart.ts';
import { listHtml, sectionHtml, tableHtml } from './markup.ts';
import { renderPage } from './page.ts';
import { datedChart, datedChartNote, slugOf } from './price-charts.ts';
import type { ReportAssets } from './report-assets.ts';

export function renderRepricedPage(summary: Summary, costs: readonly DatedCost[], assets: ReportAssets): string {
  const { run_id, world_size, model, dataset } = summary;
  const figures = [...new Set(costs.map(({ gpu }) => gpu))].map((gpu) => {
    const own = costs.filter((cost) => cost.gpu === gpu);
    const chart = datedChart({
      id: `cost-${slugOf(gpu)}`,
      title: `This epoch at the prices of ${gpu}`,
      unit: 'USD per epoch',
      figures: own.map(({ series, date, costPerEpochUsd }) => ({ label: series, day: date, value: costPerEpochUsd })),
      paid: [],
      paidBy: '',
    });
    const describe = `USD of the measured epoch at each dated price of ${gpu}, for each provider, market and product`;
    return { gpu, chart, html: chartHtml(chart, describe, tableHtml(figuresCaption(chart), costColumns, own)) };
  });
  return renderPage(
    {
      title: `An epoch of run ${run_id} at prices over time`,
      lead: `${model.name} with ${formatCount(model.parameters)} parameters on ${dataset.name}: an epoch of ${formatSeconds(epochSeconds(summary))}, with each of its ${formatCount(world_size)} workers at the price of one GPU, or of a vCPU for each of its threads.`,
      basis: 'repriced',
      charts: figures.map(({ chart }) => chart),
      footer: `Every price has its source in the table under its chart. Run ${run_id}, started ${summary.started_at}`,
      body: [
        listHtml([describeSeconds(summary), datedChartNote]),
        sectionHtml('What changed', listHtml(describeCostsOverTime(costs))),
        ...figures.map(({ gpu, html }) => sectionHtml(gpu, html)),
      ],
    },
    assets,
  );
}

const costColumns: readonly Column<DatedCost>[] = [
  { head: 'price', cell: ({ series }) => series, align: 'left' },
  { head: 'from', cell: ({ dateText }) => dateText, align: 'left' },
  { head: 'USD/h', cell: ({ usdPerHour }) => formatUsd(usdPerHour) },
  { head: 'USD/epoch', cell: ({ costPerEpochUsd }) => formatUsd(costPerEpochUsd) },
  { head: 'change', cell: ({ change }) => (change === 0 ? '' : formatChange(change)) },
  { head: 'which', cell: ({ caveats }) => caveats.join('; '), align: 'left' },
  { head: 'source', cell: ({ source }) => source, align: 'left' },
];
