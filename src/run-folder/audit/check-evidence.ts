/** Whether the other files of a run say the same as its `samples.audit`. None of them is trusted more than another. */
import type { AuditHeader } from './audit-line.ts';
import type { AuditProblem } from './check-span.ts';

/** What other files say. Undefined where there is none, or none that can be read. */
export interface Evidence {
  /** Files that are there, or should be, and cannot be compared. */
  readonly unread: readonly AuditProblem[];
  readonly config:
    | {
        readonly runId: string;
        readonly seed: number;
        readonly batchSize: number;
        readonly datasetDigest: string;
        /** The program that last wrote it. */
        readonly version: string | undefined;
        /** Training samples. Older versions did not write it. */
        readonly trainCount: number | undefined;
      }
    | undefined;
  readonly summary:
    | {
        readonly runId: string;
        readonly seed: number;
        readonly batchSize: number;
        readonly trainCount: number;
        readonly steps: number;
        /** Samples of its workers. Former workers are not among them. */
        readonly workers: ReadonlyMap<string, number>;
        /** Whether the ledger that it adds up had no gaps. */
        readonly isComplete: boolean;
      }
    | undefined;
  /** Steps that the newest checkpoint has. */
  readonly savedStep: number | undefined;
}

/** What identifies the samples where the header is damaged. @returns undefined where the other files do not tell either */
export function headerFromEvidence({ config, summary }: Evidence): AuditHeader | undefined {
  const trainCount = config?.trainCount ?? summary?.trainCount;
  if (config === undefined || trainCount === undefined) return undefined;
  const { runId, seed, batchSize, datasetDigest, version = 'unknown' } = config;
  return { runId, version, seed, trainCount, batchSize, datasetDigest };
}

/** What `samples.audit` says. */
export interface Audited {
  readonly header: AuditHeader;
  readonly steps: number;
  /** The highest step that was ever recorded. */
  readonly highestStep: number;
  readonly workers: ReadonlyMap<string, number>;
}

export function checkEvidence(audited: Audited, { unread, config, summary }: Evidence): readonly AuditProblem[] {
  const { header, steps, highestStep, workers } = audited;
  const problems: AuditProblem[] = [...unread];
  const compare = (kind: 'config' | 'summary', what: string, theirs: string | number, ours: string | number) => {
    if (theirs === ours) return;
    problems.push({ kind, message: `${kind}.json has ${what} ${theirs}, the header of samples.audit ${ours}` });
  };
  if (config !== undefined) {
    compare('config', 'run', config.runId, header.runId);
    compare('config', 'seed', config.seed, header.seed);
    compare('config', 'batch size', config.batchSize, header.batchSize);
    compare('config', 'dataset', config.datasetDigest, header.datasetDigest);
  }
  if (summary === undefined) return problems;
  compare('summary', 'run', summary.runId, header.runId);
  compare('summary', 'seed', summary.seed, header.seed);
  compare('summary', 'batch size', summary.batchSize, header.batchSize);
  compare('summary', 'training samples', summary.trainCount, header.trainCount);
  if (summary.steps > highestStep) {
    const message = `summary.json has ${summary.steps} steps, of which samples.audit ends after ${highestStep}`;
    problems.push({ kind: 'summary', message });
  }
  // A run that was resumed and killed has the summary of its sitting before.
  if (summary.steps !== steps || !summary.isComplete) return problems;
  for (const [worker, samples] of summary.workers) {
    const ours = workers.get(worker) ?? 0;
    if (samples === ours) continue;
    const message = `summary.json has ${samples} samples of ${worker}, samples.audit ${ours}`;
    problems.push({ kind: 'summary', message });
  }
  return problems;
}
