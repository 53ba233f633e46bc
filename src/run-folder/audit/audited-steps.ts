/** What `samples.audit` knows of a run that is to go on, and what it lacks: `pennygrad audit` cannot prove that any more. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { describeRanges, missingUpTo } from '../json-lines.ts';
import { auditFile } from './audit-line.ts';
import { type AuditRecord, createAuditBuilder, type Span } from './audit-record.ts';

export interface AuditedSteps {
  /** What the file lacks, in words; undefined where it has all steps that it should have. */
  readonly gap: string | undefined;
  /** The highest step that was ever committed, lost or not; 0 where the file does not tell. */
  readonly highestStep: number;
  /** The last step that counts. */
  readonly lastStep: number;
}

/** @param step committed steps that the file should have */
export function readAuditedSteps(folder: string, step: number): AuditedSteps {
  const file = join(folder, auditFile);
  const builder = createAuditBuilder();
  const lines = existsSync(file) ? readBoundedText(file, fileLimits.log).split('\n').slice(0, -1) : [];
  for (const [index, line] of lines.entries()) builder.add(line, index + 1);
  const record = builder.record();
  const gap = step === 0 ? undefined : describeGap(record, step);
  const last = record?.spans.at(-1);
  return {
    gap:
      gap === undefined
        ? undefined
        : `${auditFile} ${gap}; pennygrad audit can't prove that each sample was trained once`,
    highestStep: record?.highestStep ?? 0,
    lastStep: last === undefined ? 0 : last.step + last.steps - 1,
  };
}

function describeGap(record: AuditRecord | undefined, step: number): string | undefined {
  const damage = record?.damage.named[0];
  if (damage !== undefined) return `is damaged in line ${damage.line} (${damage.problem})`;
  const missing = missingUpTo(step, stepsOf(record?.spans ?? []));
  return missing.length === 0 ? undefined : `lacks steps ${describeRanges(missing)}`;
}

function* stepsOf(spans: readonly Span[]): Iterable<number> {
  for (const { step, steps } of spans) for (let index = 0; index < steps; index++) yield step + index;
}
