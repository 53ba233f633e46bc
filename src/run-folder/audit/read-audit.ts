/** Reads `samples.audit` of a run's folder, and what else the folder says about the same samples. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasSummary, readSummary } from '../../economics/record/summary-file.ts';
import { badInput, messageOf } from '../../shared/core/errors.ts';
import { firstProblem } from '../../shared/core/first-problem.ts';
import { printable } from '../../shared/core/printable.ts';
import { samplesPerStep } from '../../shared/core/sampling.ts';
import { bestEffort } from '../../shared/files/atomic-files.ts';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { forEachLine } from '../../shared/files/file-lines.ts';
import { listCheckpoints } from '../checkpoints.ts';
import { auditFile, auditLimits } from './audit-line.ts';
import { type AuditRecord, createAuditBuilder } from './audit-record.ts';
import type { Evidence } from './check-evidence.ts';
import type { AuditProblem } from './check-span.ts';
import { type AuditReport, verifyAudit } from './verify-audit.ts';

/** @throws bad-input when the folder has no audit, or nothing says which samples it is of */
export async function auditRun(folder: string): Promise<AuditReport> {
  // Before the file: a run that goes on meanwhile is then never behind its own checkpoint.
  const evidence = readEvidence(folder);
  const record = await readAudit(folder);
  return verifyAudit(record, evidence, join(folder, auditFile));
}

/**
 * Reads the file line by line. What follows its last newline was cut off by a kill, and is left out.
 * @throws bad-input when there is none
 */
export async function readAudit(folder: string): Promise<AuditRecord> {
  if (!existsSync(folder)) throw badInput(`${folder}: no such folder; name a run's folder, for example runs/RUN-ID`);
  const file = join(folder, auditFile);
  if (!existsSync(file)) {
    throw badInput(`${folder}: has no ${auditFile}: it holds no run, or one of an older version`);
  }
  const builder = createAuditBuilder();
  await forEachLine(file, auditLimits.lineBytes, (text, number) => void builder.add(text, number));
  const record = builder.record();
  if (record === undefined) throw badInput(`${file}: has no whole line`);
  return record;
}

const configSchema = z.object({
  run_id: z.string().overwrite(printable),
  settings: z.object({
    seed: z.int(),
    batchSize: z.int().positive(),
    /** Older versions had none. */
    localSteps: z.int().positive().default(1),
  }),
  pennygrad: z.string().overwrite(printable).optional(),
  dataset: z.object({
    digest: z.string(),
    train: z.int().positive().max(auditLimits.samples).optional(),
  }),
});

/** What can be read of the folder's other files; the file must agree with them. */
export function readEvidence(folder: string): Evidence {
  const unread: AuditProblem[] = [];
  const attempt = <Content>(kind: 'config' | 'summary', read: () => Content): Content | undefined => {
    try {
      return read();
    } catch (error) {
      unread.push({ kind, message: `${kind}.json cannot be compared: ${messageOf(error)}` });
      return undefined;
    }
  };
  const config = attempt('config', () => readConfig(join(folder, 'config.json')));
  // A run that was killed has none.
  const summary = hasSummary(folder) ? attempt('summary', () => readSummary(folder)) : undefined;
  const newest = bestEffort(() => listCheckpoints(join(folder, 'checkpoints')).at(-1));
  return {
    unread,
    config,
    summary: summary && {
      runId: summary.run_id,
      seed: summary.seed,
      batchSize: summary.global_batch_size,
      trainCount: summary.dataset.train,
      steps: summary.steps,
      workers: new Map(summary.workers.map(({ worker_id, samples }) => [worker_id, samples])),
      isComplete: summary.gaps === undefined || summary.gaps.length === 0,
    },
    savedStep: newest === undefined ? undefined : Number(newest.slice('step-'.length)),
  };
}

function readConfig(file: string): Evidence['config'] {
  const text = readBoundedText(file, fileLimits.settings);
  try {
    const { run_id, pennygrad, settings, dataset } = configSchema.parse(JSON.parse(text));
    const { seed } = settings;
    const batchSize = samplesPerStep(settings);
    const { digest: datasetDigest, train: trainCount } = dataset;
    return { runId: run_id, version: pennygrad, seed, batchSize, datasetDigest, trainCount };
  } catch (error) {
    throw badInput(`${file}: ${error instanceof z.ZodError ? firstProblem(error) : messageOf(error)}`, error);
  }
}
