import type { DashboardSpec } from './panel.ts';
import { gauge, rate } from './promql.ts';

const quantile = (q: number) =>
  `histogram_quantile(${q}, sum by (job, instance, le) ${rate('pennygrad_step_duration_seconds_bucket')})`;

export const runOverview: DashboardSpec = {
  uid: 'pennygrad-run',
  title: 'pennygrad: run overview',
  description: 'How far a run is, how well it learns, how fast, and what it has cost so far.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          kind: 'number',
          title: 'Epoch',
          unit: 'none',
          width: 4,
          description: 'The epoch in progress, counted from 1.',
          queries: [{ expr: gauge('pennygrad_epoch'), legend: 'epoch' }],
        },
        {
          kind: 'number',
          title: 'Test accuracy',
          unit: 'percentunit',
          decimals: 2,
          width: 4,
          description: 'Share of the test images classified right, after the last finished epoch.',
          queries: [{ expr: gauge('pennygrad_accuracy_ratio', 'split="test"'), legend: 'test accuracy' }],
        },
        {
          kind: 'number',
          title: 'Samples per second',
          unit: 'short',
          width: 4,
          description: 'Of all workers together, over the epoch so far, without test passes.',
          queries: [{ expr: gauge('pennygrad_samples_per_second'), legend: 'samples/s' }],
        },
        {
          kind: 'number',
          title: 'Spent',
          unit: 'currencyUSD',
          decimals: 4,
          width: 4,
          description: 'Accrued cost of all workers, start-up and waiting included.',
          queries: [{ expr: `sum by (job, instance) ${gauge('pennygrad_cost_usd_total')}`, legend: 'USD' }],
        },
        {
          kind: 'number',
          title: 'Workers',
          unit: 'none',
          width: 4,
          description: 'Workers in the run.',
          queries: [{ expr: gauge('pennygrad_world_size'), legend: 'workers' }],
        },
        {
          kind: 'number',
          title: 'What is trained',
          unit: 'none',
          width: 4,
          showNames: true,
          description: 'Model, dataset, optimizer and global batch of the run.',
          queries: [
            {
              expr: 'pennygrad_run_info{job=~"$job", run_id=~"$run"}',
              legend: '{{model}} · {{dataset}} · {{optimizer}} · batch {{global_batch_size}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Learning',
      panels: [
        {
          kind: 'lines',
          title: 'Loss',
          unit: 'none',
          decimals: 3,
          width: 12,
          description: 'Mean cross-entropy in nats: of the last step, and of the test images after each epoch.',
          queries: [{ expr: gauge('pennygrad_loss'), legend: '{{split}}' }],
        },
        {
          kind: 'lines',
          title: 'Accuracy',
          unit: 'percentunit',
          width: 12,
          description: 'Share classified right: of the last step, and of the test images after each epoch.',
          queries: [{ expr: gauge('pennygrad_accuracy_ratio'), legend: '{{split}}' }],
        },
      ],
    },
    {
      title: 'Speed',
      panels: [
        {
          kind: 'lines',
          title: 'Throughput',
          unit: 'short',
          width: 8,
          description: 'Training samples per second of all workers. It falls to zero in test passes.',
          queries: [{ expr: rate('pennygrad_samples_total'), legend: 'samples/s' }],
        },
        {
          kind: 'lines',
          title: 'Step duration',
          unit: 's',
          width: 8,
          description: 'From one commit to the next; the buckets of the histogram are 9.6 % apart.',
          queries: [
            { expr: quantile(0.5), legend: 'median' },
            { expr: quantile(0.95), legend: '95 %' },
          ],
        },
        {
          kind: 'lines',
          title: 'Epoch duration',
          unit: 's',
          width: 8,
          description: 'Training time of the last finished epoch, without its test pass.',
          queries: [{ expr: gauge('pennygrad_epoch_duration_seconds'), legend: 'epoch' }],
        },
        {
          kind: 'areas',
          title: 'Where the time goes',
          unit: 's',
          width: 12,
          description: "Workers' seconds per second in each phase of a step, of all workers together.",
          queries: [{ expr: rate('pennygrad_step_phase_duration_seconds_sum'), legend: '{{phase}}' }],
        },
        {
          kind: 'lines',
          title: 'Gradients through the coordinator',
          unit: 'Bps',
          width: 12,
          description: 'Bytes per second of the all-reduce, as seen from the coordinator.',
          queries: [{ expr: rate('pennygrad_allreduce_bytes_total'), legend: '{{direction}}' }],
        },
      ],
    },
  ],
};
