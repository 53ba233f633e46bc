/** What the record of a run says of its settings. */
import type { AuditHeader } from '../../run-folder/audit/audit-line.ts';
import { budgetOf } from '../../settings/budget-settings.ts';
import { samplesPerStep } from '../../shared/core/sampling.ts';
import type { RunOptions } from '../run-options.ts';
import type { RecordedConfig } from './run-recorder.ts';

export function recordedConfigOf(options: RunOptions): RecordedConfig {
  const { runId, version, startedAtUnixMs, dataset, training, budget } = options;
  return {
    runId,
    version,
    startedAtUnixMs,
    dataset,
    modelName: training.model,
    globalBatchSize: samplesPerStep(training),
    localSteps: training.localSteps,
    seed: training.seed,
    deterministic: training.deterministic,
    compression: training.compress === 'none' ? undefined : training.compress,
    budget: budgetOf(budget),
  };
}

export function auditHeaderOf({ runId, version, dataset, training }: RunOptions): AuditHeader {
  return {
    runId,
    version,
    seed: training.seed,
    trainCount: dataset.trainCount,
    batchSize: samplesPerStep(training),
    datasetDigest: dataset.digest,
  };
}
