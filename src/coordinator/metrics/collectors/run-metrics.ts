import { Gauge } from 'prom-client';
import { runStatuses } from '../../../economics/record/run-record.ts';
import type { Collector, ObservedRun } from '../collector.ts';

const labelNames = ['run_id', 'version', 'dataset', 'model', 'optimizer', 'global_batch_size', 'seed'] as const;

/** The labels of `run_info`. */
export type RunInfo = Readonly<Record<(typeof labelNames)[number], string>>;

export function runInfoOf({ runId, version, dataset, training }: Omit<ObservedRun, 'budget'>): RunInfo {
  return {
    run_id: runId,
    version,
    dataset: dataset.name,
    model: training.model,
    optimizer: training.optimizer,
    global_batch_size: String(training.batchSize),
    seed: String(training.seed),
  };
}

export const createRunMetrics: Collector = (registry, run) => {
  const registers = [registry];
  const info = new Gauge({
    name: 'pennygrad_run_info',
    help: 'Always 1; its labels say what is being trained.',
    labelNames,
    registers,
  });
  const ended = new Gauge({
    name: 'pennygrad_run_ended',
    help: `1 for the status with which the run ended: ${runStatuses.join(', ')}; absent while it runs.`,
    labelNames: ['status'],
    registers,
  });
  info.set(runInfoOf(run), 1);
  return (event) => {
    if (event.type === 'ended') ended.set({ status: event.status }, 1);
  };
};
