import type { DashboardSpec } from './panel.ts';
import { course, latest, now, rate, selector, total } from './promql.ts';
import { statusRow } from './run-status.ts';

const spentParts = total('pennygrad_cost_usd_total', ['worker', 'category']);
const spent = `sum by (run_id) (${spentParts})`;
const computing = `sum by (run_id) (${total('pennygrad_cost_usd_total', ['worker'], 'category="compute"')})`;
/** What the runs had cost before the time shown; a day's query is in docs/observability.md. */
const spentBefore = `max by (run_id, worker, category) (max_over_time(${selector('pennygrad_cost_usd_total')}[90d] offset $__range))`;
const spentSoFar = course('pennygrad_cost_usd_total', ['worker', 'category']);
const billed = total('pennygrad_billed_usd_total', ['worker']);
const billedSoFar = course('pennygrad_billed_usd_total', ['worker']);
/** As `run_id:pennygrad_budget_spent:ratio` of deploy/prometheus. */
export const budgetSpent = latest(
  `1 - ${selector('pennygrad_budget_remaining_usd')} / (${selector('pennygrad_budget_usd')} > 0)`,
);
const burning = `sum by (run_id) (${now('pennygrad_worker_price_usd_per_hour', ['worker'])})`;

export const cost: DashboardSpec = {
  uid: 'pennygrad-cost',
  title: 'pennygrad: cost',
  description: 'What each run has cost, what it costs an hour, and where the money goes.',
  rows: [
    statusRow,
    {
      title: 'Now',
      panels: [
        {
          kind: 'now',
          title: 'Price an hour',
          unit: 'currencyUSD',
          decimals: 3,
          width: 8,
          description: 'Price of all workers that cost money now.',
          queries: [{ expr: burning, legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Last epoch',
          unit: 'currencyUSD',
          decimals: 4,
          width: 8,
          description: 'Cost of the last whole epoch, without its test pass.',
          queries: [{ expr: now('pennygrad_last_epoch_cost_usd'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'A million samples',
          unit: 'currencyUSD',
          decimals: 3,
          width: 8,
          description: 'What it costs to train on a million samples at the speed of the epoch so far.',
          queries: [{ expr: `1000 * ${now('pennygrad_cost_usd_per_thousand_samples')}`, legend: '{{run_id}}' }],
        },
      ],
    },
    {
      title: 'Forecast',
      panels: [
        {
          kind: 'now',
          title: 'Projected cost',
          unit: 'currencyUSD',
          decimals: 4,
          width: 8,
          description: 'Accrued cost of the whole run if it goes on at its present pace.',
          queries: [{ expr: now('pennygrad_projected_cost_usd'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Budget left',
          unit: 'currencyUSD',
          decimals: 4,
          width: 8,
          needs: 'budget',
          description: 'What is left of --budget-usd, accrued or billed as --budget-basis says.',
          queries: [{ expr: now('pennygrad_budget_remaining_usd'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Time until the budget is spent',
          unit: 's',
          width: 8,
          needs: 'budget',
          description:
            'Time until --budget-usd or --budget-hours is used up at the present pace. The budget is too small for the run ' +
            'if this is less than the time left.',
          queries: [
            { expr: now('pennygrad_budget_remaining_seconds'), legend: '{{run_id}} until the budget is spent' },
            { expr: now('pennygrad_projected_remaining_seconds'), legend: '{{run_id}} until the end of training' },
          ],
        },
      ],
    },
    {
      title: 'Totals, of ended runs too',
      panels: [
        {
          kind: 'total',
          title: 'Spent',
          unit: 'currencyUSD',
          decimals: 4,
          width: 6,
          description:
            'Accrued cost of the whole run so far: the price of each worker × the time it was alive, summed.',
          queries: [{ expr: spent, legend: '{{run_id}}' }],
        },
        {
          kind: 'total',
          title: 'Billed',
          unit: 'currencyUSD',
          decimals: 4,
          width: 6,
          description: "What providers bill for the run's workers so far, by their billing units and minimums.",
          queries: [{ expr: `sum by (run_id) (${billed})`, legend: '{{run_id}}' }],
        },
        {
          kind: 'total',
          title: 'Spent on computing',
          unit: 'percentunit',
          decimals: 1,
          width: 6,
          description: 'The fraction of the cost that paid for computing. The rest paid for everything around it.',
          queries: [{ expr: `${computing} / (${spent} > 0)`, legend: '{{run_id}}' }],
        },
        {
          kind: 'total',
          title: 'Budget spent',
          unit: 'percentunit',
          decimals: 1,
          width: 6,
          needs: 'budget',
          description:
            'The fraction of --budget-usd that is spent, accrued or billed as --budget-basis says. Runs without such a ' +
            'budget are not shown.',
          queries: [{ expr: budgetSpent, legend: '{{run_id}}' }],
        },
      ],
    },
    {
      title: 'All runs together',
      panels: [
        {
          kind: 'total',
          title: 'Spent in the time shown, sum of all runs',
          unit: 'currencyUSD',
          decimals: 4,
          width: 12,
          sumOfRuns: true,
          description:
            'What all chosen runs together spent in the time shown. What they had spent before is not counted; it is ' +
            'looked for in the 90 days before.',
          queries: [{ expr: `sum(${spentParts} - (${spentBefore} or 0 * ${spentParts}))`, legend: 'all runs' }],
        },
        {
          kind: 'now',
          title: 'USD an hour now, sum of all runs',
          unit: 'currencyUSD',
          decimals: 3,
          width: 12,
          sumOfRuns: true,
          description: 'What all chosen runs together cost an hour now.',
          queries: [{ expr: `sum(${burning})`, legend: 'all runs' }],
        },
      ],
    },
    {
      title: 'Prices and speed',
      panels: [
        {
          kind: 'lines',
          title: 'Price of each worker',
          unit: 'currencyUSD',
          decimals: 3,
          width: 8,
          description: 'Price of each worker in USD an hour. A price that was assumed, not given, has a second line.',
          queries: [
            { expr: course('pennygrad_worker_price_usd_per_hour', ['worker']), legend: '{{run_id}} {{worker}}' },
            {
              expr:
                `${course('pennygrad_worker_price_usd_per_hour', ['worker'])} ` +
                `* on (run_id, worker) ${course('pennygrad_worker_price_assumed', ['worker'])}`,
              legend: '{{run_id}} {{worker}}, assumed',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Samples per dollar',
          unit: 'short',
          width: 8,
          description: 'Training samples that a dollar buys at the speed of the epoch so far.',
          queries: [
            { expr: `1000 / (${course('pennygrad_cost_usd_per_thousand_samples')} > 0)`, legend: '{{run_id}}' },
          ],
        },
        {
          kind: 'lines',
          title: 'Money spent on waiting',
          unit: 'percentunit',
          width: 8,
          description: "The fraction of each worker's cost that paid for waiting for other workers.",
          queries: [
            {
              expr:
                `${course('pennygrad_cost_usd_total', ['worker'], 'category="wait"')} ` +
                `/ (sum by (run_id, worker) (${spentSoFar}) > 0)`,
              legend: '{{run_id}} {{worker}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Interruptions, of ended runs too',
      panels: [
        {
          kind: 'total',
          title: 'Interruptions',
          unit: 'none',
          width: 4,
          description:
            'Members that were lost, drained or preempted while the run trained, and replicas that were healed.',
          queries: [
            { expr: `sum by (run_id) (${total('pennygrad_interruptions_total', ['reason'])})`, legend: '{{run_id}}' },
          ],
        },
        {
          kind: 'total',
          title: 'Cost of interruptions',
          unit: 'currencyUSD',
          decimals: 4,
          width: 4,
          description: 'What the time cost that interruptions wasted, at the prices of the workers that wasted it.',
          queries: [{ expr: total('pennygrad_interruption_wasted_usd_total'), legend: '{{run_id}}' }],
        },
        {
          kind: 'total',
          title: 'Time wasted',
          unit: 's',
          width: 4,
          description: 'Aborted and repeated work, and what survivors waited, of all workers together.',
          queries: [{ expr: total('pennygrad_interruption_wasted_seconds_total'), legend: '{{run_id}}' }],
        },
        {
          kind: 'total',
          title: 'Recovery, 95 % of them',
          needs: 'interruption',
          unit: 's',
          width: 4,
          description: 'In 95 % of the interruptions training went on sooner than this.',
          queries: [
            {
              expr: `histogram_quantile(0.95, ${total('pennygrad_interruption_recovery_seconds_bucket', ['le'])})`,
              legend: '{{run_id}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Price of useful work',
          unit: 'currencyUSD',
          decimals: 3,
          width: 8,
          description:
            "What an hour of a worker's useful work costs, and the mean list price of the workers. The gap is everything but " +
            'computing: starts, test passes, communication, waiting and interruptions.',
          queries: [
            { expr: course('pennygrad_effective_usd_per_hour'), legend: '{{run_id}} useful work' },
            {
              expr: `avg by (run_id) (${course('pennygrad_worker_price_usd_per_hour', ['worker'])})`,
              legend: '{{run_id}} list price',
            },
          ],
        },
      ],
    },
    {
      title: 'Accrued, billed and projected',
      panels: [
        {
          kind: 'lines',
          title: 'Accrued, billed and projected cost',
          unit: 'currencyUSD',
          decimals: 4,
          width: 24,
          description:
            'What each run has accrued, what providers bill for that, and the accrued cost of the whole run at its present ' +
            'pace.',
          queries: [
            { expr: `sum by (run_id) (${spentSoFar})`, legend: '{{run_id}} accrued' },
            { expr: `sum by (run_id) (${billedSoFar})`, legend: '{{run_id}} billed' },
            { expr: course('pennygrad_projected_cost_usd'), legend: '{{run_id}} projected' },
          ],
        },
      ],
    },
    {
      title: '$run_id: where the money goes',
      ofOneRun: true,
      panels: [
        {
          kind: 'areas',
          title: 'Spent, by category',
          unit: 'currencyUSD',
          decimals: 4,
          width: 8,
          description: "Accrued cost of all the run's workers, by what their time was spent on.",
          queries: [{ expr: `sum by (run_id, category) (${spentSoFar})`, legend: '{{run_id}} {{category}}' }],
        },
        {
          kind: 'areas',
          title: 'Spent, by worker',
          unit: 'currencyUSD',
          decimals: 4,
          width: 8,
          description: 'Accrued cost of each worker.',
          queries: [{ expr: `sum by (run_id, worker) (${spentSoFar})`, legend: '{{run_id}} {{worker}}' }],
        },
        {
          kind: 'areas',
          title: 'USD an hour, by category',
          unit: 'currencyUSD',
          decimals: 3,
          width: 8,
          description: 'What the run costs an hour at the moment, by what the time is spent on.',
          queries: [
            {
              expr: `3600 * sum by (run_id, category) (${rate('pennygrad_cost_usd_total', ['worker', 'category'])})`,
              legend: '{{run_id}} {{category}}',
            },
          ],
        },
      ],
    },
  ],
};
