import type { DashboardSpec } from './panel.ts';
import { course, now, own, ownRate, rate } from './promql.ts';
import { statusRow } from './run-status.ts';

const perWorker = ['worker'];

export const workers: DashboardSpec = {
  uid: 'pennygrad-workers',
  title: 'pennygrad: workers',
  description: 'Each worker: whether it is in the run, its share of the samples, its memory and its GPU.',
  rows: [
    statusRow,
    {
      title: 'In the run',
      panels: [
        {
          kind: 'now',
          title: 'Engines',
          unit: 'none',
          width: 12,
          showNames: true,
          description: 'Engine and device of each worker.',
          queries: [
            {
              expr: now('pennygrad_worker_info', ['worker', 'engine', 'device']),
              legend: '{{run_id}} {{worker}}: {{engine}}, {{device}}',
            },
          ],
        },
        {
          kind: 'now',
          title: 'Last heard',
          unit: 's',
          decimals: 1,
          width: 12,
          description: 'Time since the coordinator last heard from the worker.',
          queries: [
            {
              expr: `time() - ${now('pennygrad_worker_last_heartbeat_timestamp_seconds', perWorker)}`,
              legend: '{{run_id}} {{worker}}',
            },
          ],
        },
        {
          kind: 'lines',
          title: 'In the run',
          unit: 'none',
          width: 12,
          description: '1 while the worker is in the run, 0 once it is lost.',
          queries: [{ expr: course('pennygrad_worker_up', perWorker), legend: '{{run_id}} {{worker}}' }],
        },
        {
          kind: 'lines',
          title: 'Restarts',
          unit: 'none',
          width: 12,
          description: 'How often the worker came back as a new process.',
          queries: [{ expr: course('pennygrad_worker_restarts_total', perWorker), legend: '{{run_id}} {{worker}}' }],
        },
      ],
    },
    {
      title: 'From the workers themselves (--worker-metrics)',
      panels: [
        {
          kind: 'lines',
          title: 'Speed',
          unit: 'short',
          width: 8,
          needs: 'worker-metrics',
          description: 'Training samples per second of each worker.',
          queries: [{ expr: ownRate('pennygrad_worker_samples_total'), legend: '{{run_id}} {{worker}}' }],
        },
        {
          kind: 'lines',
          title: 'Memory',
          unit: 'bytes',
          width: 8,
          needs: 'worker-metrics',
          description:
            'Memory of each worker: the whole process (resident), its JavaScript heap, and its buffers, which hold tensors ' +
            'and data.',
          queries: [{ expr: own('pennygrad_worker_memory_bytes', ['kind']), legend: '{{run_id}} {{worker}} {{kind}}' }],
        },
        {
          kind: 'lines',
          title: 'Cores in use',
          unit: 'none',
          decimals: 2,
          width: 8,
          needs: 'worker-metrics',
          description: 'CPU seconds per second of each worker, all its threads together.',
          queries: [{ expr: ownRate('process_cpu_seconds_total'), legend: '{{run_id}} {{worker}}' }],
        },
      ],
    },
    {
      title: 'GPUs',
      panels: [
        {
          kind: 'lines',
          title: 'GPU utilization',
          unit: 'percentunit',
          width: 6,
          needs: 'gpu',
          description: 'Fraction of the time in which the GPU ran a kernel.',
          queries: [{ expr: course('pennygrad_gpu_utilization_ratio', perWorker), legend: '{{run_id}} {{worker}}' }],
        },
        {
          kind: 'lines',
          title: 'GPU memory',
          unit: 'bytes',
          width: 6,
          needs: 'gpu',
          description: 'Memory in use, including that of other processes, and total memory of the GPU.',
          queries: [
            { expr: course('pennygrad_gpu_memory_used_bytes', perWorker), legend: '{{run_id}} {{worker}} used' },
            { expr: course('pennygrad_gpu_memory_total_bytes', perWorker), legend: '{{run_id}} {{worker}} total' },
          ],
        },
        {
          kind: 'lines',
          title: 'GPU power',
          unit: 'watt',
          width: 6,
          needs: 'gpu',
          description: 'Power that the GPU draws.',
          queries: [{ expr: course('pennygrad_gpu_power_watts', perWorker), legend: '{{run_id}} {{worker}}' }],
        },
        {
          kind: 'lines',
          title: 'GPU temperature',
          unit: 'celsius',
          width: 6,
          needs: 'gpu',
          description: 'Temperature of the GPU.',
          queries: [{ expr: course('pennygrad_gpu_temperature_celsius', perWorker), legend: '{{run_id}} {{worker}}' }],
        },
      ],
    },
    {
      title: '$run_id: work and time of its workers',
      ofOneRun: true,
      panels: [
        {
          kind: 'areas',
          title: 'Share of the samples',
          unit: 'percentunit',
          width: 8,
          description: "Each worker's share of the last step's samples.",
          queries: [{ expr: course('pennygrad_worker_share_ratio', perWorker), legend: '{{run_id}} {{worker}}' }],
        },
        {
          kind: 'areas',
          title: 'Time of each worker',
          unit: 's',
          width: 8,
          description: 'Seconds per second that each worker spends, by the categories of the ledger.',
          queries: [
            {
              expr: rate('pennygrad_worker_seconds_total', ['worker', 'category']),
              legend: '{{run_id}} {{worker}} {{category}}',
            },
          ],
        },
        {
          kind: 'areas',
          title: 'Phases (--worker-metrics)',
          unit: 's',
          width: 8,
          needs: 'worker-metrics',
          description: 'Seconds per second that each worker spends in each phase of its steps.',
          queries: [
            {
              expr: ownRate('pennygrad_worker_phase_seconds_total', ['phase']),
              legend: '{{run_id}} {{worker}} {{phase}}',
            },
          ],
        },
      ],
    },
  ],
};
