import type { DashboardSpec } from './panel.ts';
import { gauge, rate } from './promql.ts';

const spent = `sum by (job, instance) ${gauge('pennygrad_cost_usd_total')}`;
const spentOn = (category: string) =>
  `sum by (job, instance) ${gauge('pennygrad_cost_usd_total', `category="${category}"`)}`;

export const cost: DashboardSpec = {
  uid: 'pennygrad-cost',
  title: 'pennygrad: cost',
  description: 'What a run has cost, what it costs an hour, and what the money went to.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          kind: 'number',
          title: 'Spent',
          unit: 'currencyUSD',
          decimals: 4,
          width: 4,
          description: 'Accrued cost: price × time alive of each worker, summed.',
          queries: [{ expr: spent, legend: 'USD' }],
        },
        {
          kind: 'number',
          title: 'Price an hour',
          unit: 'currencyUSD',
          decimals: 3,
          width: 4,
          description: 'Of all workers that are in the run.',
          queries: [
            {
              expr: `sum by (job, instance) ${gauge('pennygrad_worker_price_usd_per_hour')}`,
              legend: 'USD/h',
            },
          ],
        },
        {
          kind: 'number',
          title: 'Last epoch',
          unit: 'currencyUSD',
          decimals: 4,
          width: 4,
          description: 'Cost of the last finished epoch, without its test pass.',
          queries: [{ expr: gauge('pennygrad_last_epoch_cost_usd'), legend: 'USD' }],
        },
        {
          kind: 'number',
          title: 'A million samples',
          unit: 'currencyUSD',
          decimals: 3,
          width: 4,
          description: 'What training on a million samples costs at the speed of the epoch so far.',
          queries: [{ expr: `1000 * ${gauge('pennygrad_cost_usd_per_thousand_samples')}`, legend: 'USD' }],
        },
        {
          kind: 'number',
          title: 'Computing',
          unit: 'percentunit',
          decimals: 1,
          width: 4,
          description: 'Part of the money that paid for computing; the rest paid for everything around it.',
          queries: [{ expr: `${spentOn('compute')} / (${spent} > 0)`, legend: 'compute' }],
        },
        {
          kind: 'number',
          title: 'Budget spent',
          unit: 'percentunit',
          decimals: 1,
          width: 4,
          description: 'Part of --budget-usd that is spent; 0 without a budget.',
          queries: [
            {
              expr: `${spent} / on (job, instance) (pennygrad_budget_usd > 0) or 0 * ${spent}`,
              legend: 'of the budget',
            },
          ],
        },
      ],
    },
    {
      title: 'What the money went to',
      panels: [
        {
          kind: 'areas',
          title: 'Spent, by category',
          unit: 'currencyUSD',
          decimals: 4,
          width: 12,
          description: 'Accrued cost by what the time went to, of all workers.',
          queries: [{ expr: `sum by (category) ${gauge('pennygrad_cost_usd_total')}`, legend: '{{category}}' }],
        },
        {
          kind: 'areas',
          title: 'Spent, by worker',
          unit: 'currencyUSD',
          decimals: 4,
          width: 12,
          description: 'Accrued cost by worker.',
          queries: [{ expr: `sum by (worker) ${gauge('pennygrad_cost_usd_total')}`, legend: '{{worker}}' }],
        },
        {
          kind: 'areas',
          title: 'USD an hour, by category',
          unit: 'currencyUSD',
          decimals: 3,
          width: 12,
          description: 'What the run costs an hour at the moment, by what the time goes to.',
          queries: [{ expr: `3600 * sum by (category) ${rate('pennygrad_cost_usd_total')}`, legend: '{{category}}' }],
        },
        {
          kind: 'lines',
          title: 'Price of each worker',
          unit: 'currencyUSD',
          decimals: 3,
          width: 12,
          description: 'USD an hour, and the part of it that nobody gave and is assumed.',
          queries: [
            { expr: gauge('pennygrad_worker_price_usd_per_hour'), legend: '{{worker}}' },
            {
              expr: `${gauge('pennygrad_worker_price_usd_per_hour')} * on (job, instance, worker) ${gauge('pennygrad_worker_price_assumed')}`,
              legend: '{{worker}}, assumed',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Samples per dollar',
          unit: 'short',
          width: 12,
          description: 'Training samples that a dollar buys at the speed of the epoch so far.',
          queries: [
            { expr: `1000 / (${gauge('pennygrad_cost_usd_per_thousand_samples')} > 0)`, legend: 'samples/USD' },
          ],
        },
        {
          kind: 'lines',
          title: 'Money spent on waiting',
          unit: 'percentunit',
          width: 12,
          description: "Part of each worker's money that paid for waiting for other workers.",
          queries: [
            {
              expr: `sum by (worker) ${gauge('pennygrad_cost_usd_total', 'category="wait"')} / (sum by (worker) ${gauge('pennygrad_cost_usd_total')} > 0)`,
              legend: '{{worker}}',
            },
          ],
        },
      ],
    },
  ],
};
