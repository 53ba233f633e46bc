/** What the record of a run says of its settings. */
import type { AuditHeader } from '../../run-folder/audit/audit-line.ts';
import { budgetOf } from '../../settings/budget-settings.ts';
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
    globalBatchSize: training.batchSize,
    seed: training.seed,
    deterministic: training.deterministic,
    budget: budgetOf(budget),
  };
}

export function auditHeaderOf({ runId, version, dataset, training }: RunOptions): AuditHeader {
  return {
    runId,
    version,
    seed: training.seed,
    trainCount: dataset.trainCount,
    batchSize: training.batchSize,
    datasetDigest: dataset.digest,
  };
}
