/** The price table as an HTML report: the price of each GPU or CPU over time. */
import type { GpuHistory } from '../../economics/planning/price-history.ts';
import { formatCount } from '../../shared/core/number-format.ts';
import { listHtml, sectionHtml, tableHtml } from './markup.ts';
import { renderPage } from './page.ts';
import { datedChartNote, priceColumns, priceFigure } from './price-charts.ts';
import type { ReportAssets } from './report-assets.ts';

/** @param until ISO 8601, the last day of the histories */
export function renderPricesPage(histories: readonly GpuHistory[], until: string, assets: ReportAssets): string {
  const count = histories.reduce((sum, { prices }) => sum + prices.length, 0);
  const figures = new Map(
    histories
      .filter(({ prices }) => prices.some(({ row }) => row.date !== undefined))
      .map((history) => [history, priceFigure(history)]),
  );
  return renderPage(
    {
      title: `What they cost an hour: ${histories.map(({ gpu }) => gpu).join(', ')}`,
      lead: `${formatCount(count)} prices up to ${until}, in USD per hour of one GPU or vCPU: that of its machine divided by the machine's GPUs or vCPUs.`,
      basis: 'listed prices',
      charts: [...figures.values()].map(({ chart }) => chart),
      footer:
        'Every price has its source in the table under its chart. Prices without a date are only in the tables, and are never looked up.',
      body: [
        listHtml([
          datedChartNote,
          'A label may cover several machines, or the card alone without a machine: each has a line of its own.',
        ]),
        ...histories.map((history) =>
          sectionHtml(
            history.gpu,
            figures.get(history)?.html ?? tableHtml(`Prices of ${history.gpu}`, priceColumns, history.prices),
          ),
        ),
      ],
    },
    assets,
  );
}
