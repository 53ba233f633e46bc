import type { DashboardSpec } from './panel.ts';
import { course, now, rate } from './promql.ts';
import { statusRow } from './run-status.ts';
import { workersPanel } from './workers-panel.ts';

const phaseSeconds = rate('pennygrad_step_phase_duration_seconds_sum', ['phase']);
const slowdown = course('pennygrad_worker_slowdown_ratio', ['worker']);

export const scaling: DashboardSpec = {
  uid: 'pennygrad-scaling',
  title: 'pennygrad: scaling',
  description: 'Whether more workers pay: efficiency, what workers wait for, and the speed of the all-reduce.',
  rows: [
    statusRow,
    {
      title: 'Now',
      panels: [
        workersPanel,
        {
          kind: 'now',
          title: 'Strong efficiency',
          unit: 'percentunit',
          decimals: 1,
          width: 6,
          description:
            'Estimate of T₁ / (N · T_N) at this global batch size. The time of one worker, T₁, is estimated from the time ' +
            'spent computing.',
          queries: [{ expr: now('pennygrad_scaling_efficiency_ratio', [], 'mode="strong"'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Weak efficiency',
          unit: 'percentunit',
          decimals: 1,
          width: 6,
          description:
            'Estimate of R_N / (N · R₁) at this share per worker. The speed of one worker, R₁, is estimated from the time ' +
            'spent computing.',
          queries: [{ expr: now('pennygrad_scaling_efficiency_ratio', [], 'mode="weak"'), legend: '{{run_id}}' }],
        },
        {
          kind: 'now',
          title: 'Samples per second and worker',
          unit: 'short',
          width: 6,
          description: 'Speed over the epoch so far, divided by the number of workers.',
          queries: [
            {
              expr: `${now('pennygrad_samples_per_second')} / on (run_id) ${now('pennygrad_world_size')}`,
              legend: '{{run_id}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Where it is lost',
      panels: [
        {
          kind: 'lines',
          title: 'Efficiency',
          unit: 'percentunit',
          width: 6,
          description: 'Estimated strong and weak efficiency over the epoch so far.',
          queries: [{ expr: course('pennygrad_scaling_efficiency_ratio', ['mode']), legend: '{{run_id}} {{mode}}' }],
        },
        {
          kind: 'lines',
          title: 'Who is waited for',
          unit: 'percentunit',
          width: 6,
          description: 'The fraction of their time that the other workers wait for this one, averaged over them.',
          queries: [
            {
              expr:
                `${rate('pennygrad_straggler_wait_seconds_total', ['worker'])} ` +
                `/ on (run_id) group_left () (${course('pennygrad_world_size')} - 1 > 0)`,
              legend: '{{run_id}} {{worker}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'How much slower than the others',
          unit: 'short',
          decimals: 1,
          width: 6,
          description:
            'The time that a sample takes a worker over what it takes the others, whatever its share. A worker that stays ' +
            'above 1.5, and beyond the spread of the others, is a straggler.',
          queries: [{ expr: slowdown, legend: '{{run_id}} {{worker}}' }],
        },
        {
          kind: 'lines',
          title: 'Bus bandwidth of the all-reduce',
          unit: 'Bps',
          width: 6,
          description: 'Bytes of gradients / time communicating × 2(N − 1)/N, over the epoch so far.',
          queries: [{ expr: course('pennygrad_allreduce_bus_bandwidth_bytes_per_second'), legend: '{{run_id}}' }],
        },
      ],
    },
    {
      title: '$run_id: where the time goes',
      ofOneRun: true,
      panels: [
        {
          kind: 'areas',
          title: 'Time by phase',
          unit: 'percentunit',
          width: 24,
          description: 'The fraction of the time in steps that each phase takes, over all workers.',
          queries: [
            {
              expr: `${phaseSeconds} / on (run_id) group_left () (sum by (run_id) (${phaseSeconds}) > 0)`,
              legend: '{{run_id}} {{phase}}',
            },
          ],
        },
      ],
    },
  ],
};
