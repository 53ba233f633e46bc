import { Gauge, type Registry } from 'prom-client';
import { type RunStatus, runStatuses } from '../../../economics/record/run-record.ts';

const labelNames = ['run_id', 'version', 'dataset', 'model', 'optimizer', 'global_batch_size', 'seed'] as const;

/** What a run is, in words; the labels of `run_info`. */
export type RunInfo = Readonly<Record<(typeof labelNames)[number], string>>;

export interface RunMetrics {
  runInfo(info: RunInfo): void;
  runEnded(status: RunStatus): void;
}

export function createRunMetrics(registry: Registry): RunMetrics {
  const info = new Gauge({
    name: 'pennygrad_run_info',
    help: 'Always 1; its labels say what is being trained.',
    labelNames,
    registers: [registry],
  });
  const ended = new Gauge({
    name: 'pennygrad_run_ended',
    help: `1 for how the run ended, status being ${runStatuses.join(', ')}; absent while it lasts.`,
    labelNames: ['status'],
    registers: [registry],
  });
  return {
    runEnded: (status) => ended.set({ status }, 1),
    runInfo(labels) {
      info.reset();
      info.set(labels, 1);
    },
  };
}
