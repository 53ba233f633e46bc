import { Gauge, type Registry } from 'prom-client';

const labelNames = ['run_id', 'version', 'dataset', 'model', 'optimizer', 'global_batch_size', 'seed'] as const;

/** What a run is, in words; the labels of `run_info`. */
export type RunInfo = Readonly<Record<(typeof labelNames)[number], string>>;

export interface RunMetrics {
  runInfo(info: RunInfo): void;
}

export function createRunMetrics(registry: Registry): RunMetrics {
  const info = new Gauge({
    name: 'pennygrad_run_info',
    help: 'Always 1; its labels say what is being trained.',
    labelNames,
    registers: [registry],
  });
  return {
    runInfo(labels) {
      info.reset();
      info.set(labels, 1);
    },
  };
}
