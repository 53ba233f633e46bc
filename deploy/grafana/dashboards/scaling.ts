import type { DashboardSpec } from './panel.ts';
import { gauge, rate } from './promql.ts';

const phaseSeconds = rate('pennygrad_step_phase_duration_seconds_sum');

export const scaling: DashboardSpec = {
  uid: 'pennygrad-scaling',
  title: 'pennygrad: scaling',
  description: 'Whether more workers pay: efficiency, what they wait for, and the speed of the all-reduce.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          kind: 'number',
          title: 'Workers',
          unit: 'none',
          width: 6,
          description: 'Workers in the run.',
          queries: [{ expr: gauge('pennygrad_world_size'), legend: 'workers' }],
        },
        {
          kind: 'number',
          title: 'Strong efficiency',
          unit: 'percentunit',
          decimals: 1,
          width: 6,
          description: 'Estimated T1 / (N·TN) at this global batch; one worker is estimated from the time computing.',
          queries: [{ expr: gauge('pennygrad_scaling_efficiency_ratio', 'mode="strong"'), legend: 'strong' }],
        },
        {
          kind: 'number',
          title: 'Weak efficiency',
          unit: 'percentunit',
          decimals: 1,
          width: 6,
          description:
            'Estimated R_N / (N·R_1) at this share a worker; one worker is estimated from the time computing.',
          queries: [{ expr: gauge('pennygrad_scaling_efficiency_ratio', 'mode="weak"'), legend: 'weak' }],
        },
        {
          kind: 'number',
          title: 'Samples per second and worker',
          unit: 'short',
          width: 6,
          description: 'Speed of the epoch so far, divided by the workers.',
          queries: [
            {
              expr: `${gauge('pennygrad_samples_per_second')} / on (job, instance) ${gauge('pennygrad_world_size')}`,
              legend: 'samples/s',
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
          width: 12,
          description: 'Both estimates, over the epoch so far.',
          queries: [{ expr: gauge('pennygrad_scaling_efficiency_ratio'), legend: '{{mode}}' }],
        },
        {
          kind: 'areas',
          title: 'Time by phase',
          unit: 'percentunit',
          width: 12,
          description: "Parts of all workers' time in steps.",
          queries: [
            {
              expr: `${phaseSeconds} / on (job, instance) group_left () (sum by (job, instance) ${phaseSeconds} > 0)`,
              legend: '{{phase}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Who is waited for',
          unit: 'percentunit',
          width: 12,
          description: 'Part of the time that the other workers wait for this one, on average over them.',
          queries: [
            {
              expr: `${rate('pennygrad_straggler_wait_seconds_total')} / on (job, instance) group_left () (${gauge('pennygrad_world_size')} - 1 > 0)`,
              legend: '{{worker}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'Bus bandwidth of the all-reduce',
          unit: 'Bps',
          width: 12,
          description: 'Bytes of gradients / time communicating × 2(N − 1)/N, over the epoch so far.',
          queries: [{ expr: gauge('pennygrad_allreduce_bus_bandwidth_bytes_per_second'), legend: 'bus bandwidth' }],
        },
      ],
    },
  ],
};
