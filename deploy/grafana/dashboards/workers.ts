import type { DashboardSpec } from './panel.ts';
import { gauge, ownGauge, ownRate } from './promql.ts';

export const workers: DashboardSpec = {
  uid: 'pennygrad-workers',
  title: 'pennygrad: workers',
  description: 'Each worker: whether it is there, its share, its memory and its GPU.',
  rows: [
    {
      title: 'In the run',
      panels: [
        {
          ...{ kind: 'number', title: 'Engines', unit: 'none', width: 12, showNames: true },
          description: 'What each worker computes with.',
          queries: [{ expr: gauge('pennygrad_worker_info'), legend: '{{worker}}: {{engine}}, {{device}}' }],
        },
        {
          ...{ kind: 'number', title: 'Last heard', unit: 's', decimals: 1, width: 12 },
          description: 'Time since the coordinator last heard the worker.',
          queries: [
            {
              expr: `time() - ${gauge('pennygrad_worker_last_heartbeat_timestamp_seconds')}`,
              legend: '{{worker}}',
            },
          ],
        },
        {
          ...{ kind: 'lines', title: 'In the run', unit: 'none', width: 8 },
          description: '1 while the worker is in the run, 0 once it is lost.',
          queries: [{ expr: gauge('pennygrad_worker_up'), legend: '{{worker}}' }],
        },
        {
          ...{ kind: 'areas', title: 'Share of the samples', unit: 'percentunit', width: 8 },
          description: "Each worker's share of the last step's samples.",
          queries: [{ expr: gauge('pennygrad_worker_share_ratio'), legend: '{{worker}}' }],
        },
        {
          ...{ kind: 'lines', title: 'Restarts', unit: 'none', width: 8 },
          description: 'Times that the worker came back as a new process.',
          queries: [{ expr: gauge('pennygrad_worker_restarts_total'), legend: '{{worker}}' }],
        },
      ],
    },
    {
      title: 'From the workers themselves (--worker-metrics)',
      panels: [
        {
          ...{ kind: 'areas', title: 'Own phases', unit: 's', width: 12, needs: 'worker-metrics' },
          description: 'Seconds per second that each worker spends in a phase of its steps.',
          queries: [{ expr: ownRate('pennygrad_worker_phase_seconds_total'), legend: '{{worker}} {{phase}}' }],
        },
        {
          ...{ kind: 'lines', title: 'Own speed', unit: 'short', width: 12, needs: 'worker-metrics' },
          description: 'Training samples per second of each worker.',
          queries: [{ expr: ownRate('pennygrad_worker_samples_total'), legend: '{{worker}}' }],
        },
        {
          ...{ kind: 'lines', title: 'Memory', unit: 'bytes', width: 12, needs: 'worker-metrics' },
          description: 'Of the process, of its JavaScript heap, and of tensors and data.',
          queries: [{ expr: ownGauge('pennygrad_worker_memory_bytes'), legend: '{{worker}} {{kind}}' }],
        },
        {
          ...{ kind: 'lines', title: 'Cores in use', unit: 'none', decimals: 2, width: 12, needs: 'worker-metrics' },
          description: 'CPU seconds per second of each worker, all its threads together.',
          queries: [{ expr: ownRate('process_cpu_seconds_total'), legend: '{{worker}}' }],
        },
      ],
    },
    {
      title: 'GPUs',
      panels: [
        {
          ...{ kind: 'lines', title: 'GPU utilization', unit: 'percentunit', width: 6, needs: 'gpu' },
          description: 'Share of the time in which a kernel ran.',
          queries: [{ expr: gauge('pennygrad_gpu_utilization_ratio'), legend: '{{worker}}' }],
        },
        {
          ...{ kind: 'lines', title: 'GPU memory', unit: 'bytes', width: 6, needs: 'gpu' },
          description: 'In use, by anyone, and all there is.',
          queries: [
            { expr: gauge('pennygrad_gpu_memory_used_bytes'), legend: '{{worker}} used' },
            { expr: gauge('pennygrad_gpu_memory_total_bytes'), legend: '{{worker}} total' },
          ],
        },
        {
          ...{ kind: 'lines', title: 'GPU power', unit: 'watt', width: 6, needs: 'gpu' },
          description: 'Power that the card draws.',
          queries: [{ expr: gauge('pennygrad_gpu_power_watts'), legend: '{{worker}}' }],
        },
        {
          ...{ kind: 'lines', title: 'GPU temperature', unit: 'celsius', width: 6, needs: 'gpu' },
          description: 'Temperature of the card.',
          queries: [{ expr: gauge('pennygrad_gpu_temperature_celsius'), legend: '{{worker}}' }],
        },
      ],
    },
  ],
};
