import type { DashboardSpec } from './panel.ts';
import { course, now, rate, total } from './promql.ts';
import { statusRow } from './run-status.ts';
import { workersPanel } from './workers-panel.ts';

const quantile = (q: number) => `histogram_quantile(${q}, ${rate('pennygrad_step_duration_seconds_bucket', ['le'])})`;
const setup = ['model', 'dataset', 'optimizer', 'global_batch_size'];

export const runOverview: DashboardSpec = {
  uid: 'pennygrad-run',
  title: 'pennygrad: run overview',
  description: 'Whether each run is alive, how far it is, how well it learns, how fast, and what it has cost so far.',
  rows: [
    statusRow,
    {
      title: 'Now',
      panels: [
        {
          kind: 'now',
          title: 'Epoch',
          unit: 'none',
          width: 6,
          description: 'The epoch in progress, counted from 1, and the number of epochs planned.',
          queries: [
            { expr: now('pennygrad_epoch'), legend: '{{run_id}}' },
            { expr: now('pennygrad_planned_epochs'), legend: '{{run_id}}, planned' },
          ],
        },
        {
          kind: 'now',
          title: 'Test accuracy',
          unit: 'percentunit',
          decimals: 2,
          width: 6,
          description: 'Fraction of the test images classified correctly in the last test pass.',
          queries: [{ expr: now('pennygrad_accuracy_ratio', [], 'split="test"'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Samples per second',
          unit: 'short',
          width: 6,
          description: 'Speed of all workers together over the epoch so far, without test passes.',
          queries: [{ expr: now('pennygrad_samples_per_second'), legend: '{{run_id}}' }],
        },
        workersPanel,
      ],
    },
    {
      title: 'Progress',
      panels: [
        {
          kind: 'now',
          title: 'Time left',
          unit: 's',
          width: 5,
          description: 'Time to the end of training at the present pace, test passes included.',
          queries: [{ expr: now('pennygrad_projected_remaining_seconds'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Running for',
          unit: 's',
          width: 5,
          description: 'Time since the run was started. For a resumed run, time since its first start.',
          queries: [{ expr: `time() - ${now('pennygrad_run_start_timestamp_seconds')}`, legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Steps planned',
          unit: 'none',
          width: 4,
          description: 'Steps of the whole run, as --epochs and --steps set them.',
          queries: [{ expr: now('pennygrad_planned_steps'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Age of the last checkpoint',
          unit: 's',
          width: 5,
          description: 'Time since the last checkpoint was written: the work that would be lost if the run died now.',
          queries: [{ expr: `time() - ${now('pennygrad_last_checkpoint_timestamp_seconds')}`, legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Waited for workers',
          unit: 's',
          width: 5,
          description:
            'Time that the run has waited for workers to join and get ready, since it was started or resumed.',
          queries: [{ expr: now('pennygrad_waiting_for_workers_seconds_total'), legend: '{{run_id}}' }],
        },
      ],
    },
    {
      title: 'Ended runs too',
      panels: [
        {
          kind: 'total',
          title: 'Spent',
          unit: 'currencyUSD',
          decimals: 4,
          width: 12,
          description: 'Accrued cost of all workers over the whole run so far, start-up and waiting included.',
          queries: [
            {
              expr: `sum by (run_id) (${total('pennygrad_cost_usd_total', ['worker', 'category'])})`,
              legend: '{{run_id}}',
            },
          ],
        },
        {
          kind: 'total',
          title: 'What is trained',
          unit: 'none',
          width: 12,
          showNames: true,
          description: 'Model, dataset, optimizer and global batch size of each run.',
          queries: [
            {
              expr: total('pennygrad_run_info', setup),
              legend: '{{run_id}}: {{model}} · {{dataset}} · {{optimizer}} · batch {{global_batch_size}}',
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
          description: 'Mean cross-entropy in nats, over the last step (train) and over the last test pass (test).',
          queries: [{ expr: course('pennygrad_loss', ['split']), legend: '{{run_id}} {{split}}' }],
        },
        {
          kind: 'lines',
          title: 'Accuracy',
          unit: 'percentunit',
          width: 12,
          description:
            'Fraction of samples classified correctly, in the last step (train) and in the last test pass (test).',
          queries: [{ expr: course('pennygrad_accuracy_ratio', ['split']), legend: '{{run_id}} {{split}}' }],
        },
        {
          kind: 'lines',
          title: 'Gradient norm',
          unit: 'none',
          decimals: 3,
          width: 8,
          description: 'Euclidean norm of the mean gradient over the global batch, measured on every fiftieth step.',
          queries: [{ expr: course('pennygrad_gradient_norm'), legend: '{{run_id}}' }],
        },
        {
          kind: 'lines',
          title: 'Learning rate',
          unit: 'none',
          width: 8,
          description: 'Learning rate of the optimizer.',
          queries: [{ expr: course('pennygrad_learning_rate'), legend: '{{run_id}}' }],
        },
        {
          kind: 'lines',
          title: 'Skipped steps',
          unit: 'none',
          width: 8,
          description:
            'Steps so far that no worker applied, because a loss or gradient was not finite, with --skip-nonfinite.',
          queries: [{ expr: course('pennygrad_skipped_steps_total'), legend: '{{run_id}}' }],
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
          description: 'Training samples per second of all workers. It falls to zero during test passes.',
          queries: [{ expr: rate('pennygrad_samples_total'), legend: '{{run_id}}' }],
        },
        {
          kind: 'lines',
          title: 'Step duration',
          unit: 's',
          width: 8,
          description: 'Time from one commit to the next. The buckets of the histogram are 9.6 % apart.',
          queries: [
            { expr: quantile(0.5), legend: '{{run_id}} median' },
            { expr: quantile(0.95), legend: '{{run_id}} 95 %' },
          ],
        },
        {
          kind: 'lines',
          title: 'Epoch duration',
          unit: 's',
          width: 8,
          description: 'Training time of the last whole epoch, without its test pass.',
          queries: [{ expr: course('pennygrad_epoch_duration_seconds'), legend: '{{run_id}}' }],
        },
        {
          kind: 'lines',
          title: 'Gradients exchanged',
          unit: 'Bps',
          width: 8,
          description: 'Bytes of gradients per second that all workers together send and receive in the all-reduce.',
          queries: [
            { expr: rate('pennygrad_allreduce_bytes_total', ['direction']), legend: '{{run_id}} {{direction}}' },
          ],
        },
        {
          kind: 'lines',
          title: 'Checkpoint duration',
          unit: 's',
          width: 8,
          description:
            'Time that the last checkpoint took, from the request for the state to the last file written, and how long training stood still for it.',
          queries: [
            { expr: course('pennygrad_checkpoint_duration_seconds'), legend: '{{run_id}}' },
            { expr: course('pennygrad_checkpoint_pause_seconds'), legend: '{{run_id}} standing still' },
          ],
        },
        {
          kind: 'lines',
          title: 'Files that cannot be written',
          unit: 'none',
          width: 8,
          description:
            '1 while the last checkpoint, or lines of metrics.jsonl, ledger.jsonl or samples.audit, cannot be written; and how many attempts to write a checkpoint have failed.',
          queries: [
            { expr: `1 - ${course('pennygrad_last_checkpoint_successful')}`, legend: '{{run_id}} last checkpoint' },
            { expr: `1 - ${course('pennygrad_run_files_writable')}`, legend: '{{run_id}} lines' },
            { expr: course('pennygrad_checkpoint_failures_total'), legend: '{{run_id}} failed checkpoints' },
          ],
        },
      ],
    },
    {
      title: '$run_id: where the time goes',
      ofOneRun: true,
      panels: [
        {
          kind: 'areas',
          title: 'Phases of a step',
          unit: 's',
          width: 24,
          description: 'Seconds per second that all workers together spend in each phase of their steps.',
          queries: [
            { expr: rate('pennygrad_step_phase_duration_seconds_sum', ['phase']), legend: '{{run_id}} {{phase}}' },
          ],
        },
      ],
    },
  ],
};
