/** What `samples.audit` lacks of a run that is to go on: `pennygrad audit` cannot prove those steps any more. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../shared/files/bounded-file.ts';
import { fileLimits } from '../../shared/files/file-limits.ts';
import { describeRanges, missingUpTo } from '../json-lines.ts';
import { auditFile } from './audit-line.ts';
import { createAuditBuilder, type Span } from './audit-record.ts';

/**
 * @param step committed steps that the file should have
 * @returns in words; undefined where the file has them all
 */
export function findAuditGap(folder: string, step: number): string | undefined {
  const file = join(folder, auditFile);
  const builder = createAuditBuilder();
  const lines = step > 0 && existsSync(file) ? readBoundedText(file, fileLimits.log).split('\n').slice(0, -1) : [];
  for (const [index, line] of lines.entries()) {
    const added = builder.add(line, index + 1);
    if (added !== undefined) return `${auditFile} is damaged in line ${index + 1} (${added.problem}); ${consequence}`;
  }
  const missing = missingUpTo(step, stepsOf(builder.record()?.spans ?? []));
  return missing.length === 0 ? undefined : `${auditFile} lacks steps ${describeRanges(missing)}; ${consequence}`;
}

const consequence = "pennygrad audit can't prove that each sample was trained once";

function* stepsOf(spans: readonly Span[]): Iterable<number> {
  for (const { step, steps } of spans) for (let index = 0; index < steps; index++) yield step + index;
}
