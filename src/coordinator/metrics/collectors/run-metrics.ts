import { Gauge } from 'prom-client';
import { plannedEpochs } from '../../../economics/ledger/pace.ts';
import { runStatuses } from '../../../economics/record/run-record.ts';
import { plannedSteps, samplesPerStep } from '../../../shared/core/sampling.ts';
import { plannedWork } from '../../record/outlook.ts';
import type { Collector, ObservedRun } from '../collector.ts';

const labelNames = ['run_id', 'version', 'dataset', 'model', 'optimizer', 'global_batch_size', 'seed'] as const;

/** The labels of `run_info`. */
export type RunInfo = Readonly<Record<(typeof labelNames)[number], string>>;

export function runInfoOf({
  runId,
  version,
  dataset,
  training,
}: Pick<ObservedRun, 'runId' | 'version' | 'dataset' | 'training'>): RunInfo {
  return {
    run_id: runId,
    version,
    dataset: dataset.name,
    model: training.model,
    optimizer: training.optimizer,
    global_batch_size: String(samplesPerStep(training)),
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
    help: `1 for the status with which the run ended: ${runStatuses.join(', ')}; code says what ended it early, such as budget-reached; absent while it runs.`,
    labelNames: ['status', 'code'],
    registers,
  });
  const started = new Gauge({
    name: 'pennygrad_run_start_timestamp_seconds',
    help: 'Unix time at which the run was started; that of its first process if it was resumed.',
    registers,
  });
  const steps = new Gauge({
    name: 'pennygrad_planned_steps',
    help: 'Steps of the whole run, by --epochs and --steps; --target-accuracy may end it sooner.',
    registers,
  });
  const epochs = new Gauge({
    name: 'pennygrad_planned_epochs',
    help: 'Epochs of the whole run, by --epochs and --steps, which may cut the last one short; --target-accuracy may end it sooner.',
    registers,
  });
  info.set(runInfoOf(run), 1);
  started.set(run.startedAtUnixMs / 1000);
  const work = plannedWork(run.training, run.dataset);
  steps.set(plannedSteps(work));
  epochs.set(plannedEpochs(work));
  return (event) => {
    if (event.type !== 'ended') return;
    const { status, code } = event;
    ended.set(code === undefined ? { status } : { status, code }, 1);
  };
};
