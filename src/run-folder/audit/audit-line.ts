/**
 * A line of `samples.audit`, which says who took which samples of every committed step. Steps and epochs count from 1;
 * positions, in the epoch's sample order, from 0.
 */
import { z } from 'zod';
import { firstProblem } from '../../shared/core/first-problem.ts';
import { printable } from '../../shared/core/printable.ts';
import type { Interval } from '../../shared/core/sampling.ts';

export const auditFile = 'samples.audit';

/** The version of the format. */
const auditVersion = 1;

/** A worker's share of a step: the positions `[from, to)`. */
export interface AuditShare extends Interval {
  readonly worker: string;
}

/** Larger figures are damage; they keep what is made of a file in bounds. */
export const auditLimits = {
  /** Training samples: an audit counts each in memory. */
  samples: 2 ** 27,
  steps: 1e9,
  epochs: 1e6,
  /** Steps that one line repeats. */
  repeated: 1e6,
  /** Bytes of a line: 1,024 workers, with names of 200 letters, take less. */
  lineBytes: 2 ** 20,
} as const;

const name = z.string().min(1).overwrite(printable);
const position = z.int().nonnegative().max(auditLimits.samples);
const step = z.int().positive().max(auditLimits.steps);

const headerSchema = z.object({
  type: z.literal('audit'),
  v: z.literal(auditVersion, `expected ${auditVersion}; a newer version of pennygrad began the file`),
  run_id: name,
  /** Version of the program that began the file. */
  pennygrad: name,
  seed: z.int(),
  train: z.int().positive().max(auditLimits.samples),
  batch_size: z.int().positive(),
  /** Digest of the dataset. */
  dataset: name,
});

/** What identifies the samples: with it, a position is an image. */
export interface AuditHeader {
  readonly runId: string;
  readonly version: string;
  readonly seed: number;
  /** Training samples of the dataset. */
  readonly trainCount: number;
  /** Samples of a full global batch. */
  readonly batchSize: number;
  readonly datasetDigest: string;
}

const entrySchema = z.discriminatedUnion('type', [
  headerSchema,
  z.object({
    type: z.literal('step'),
    step,
    epoch: z.int().positive().max(auditLimits.epochs),
    /** Worker, first position, and the position after the last. */
    shares: z.array(z.tuple([name, position, position]).refine(([, from, to]) => from <= to, 'from is after to')),
    /** It was not finite, and no replica applied it. */
    skipped: z.literal(true).optional(),
  }),
  /** Training went on from this step: later steps that are above were lost. */
  z.object({ type: z.literal('resume'), step: z.int().nonnegative().max(auditLimits.steps) }),
]);

/** So many steps more with the shares of the last one that counts, each moved on by the step's length. None is skipped. */
const repeatedSchema = z.int().positive().max(auditLimits.repeated);

export type AuditLine = z.output<typeof entrySchema> | z.output<typeof repeatedSchema>;

export function parseAuditLine(text: string): { readonly line: AuditLine } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'no JSON' };
  }
  const parsed = (typeof value === 'number' ? repeatedSchema : entrySchema).safeParse(value);
  return parsed.success ? { line: parsed.data } : { problem: firstProblem(parsed.error) };
}

export function headerLine({ runId, version, seed, trainCount, batchSize, datasetDigest }: AuditHeader): AuditLine {
  return {
    type: 'audit',
    v: auditVersion,
    run_id: runId,
    pennygrad: version,
    seed,
    train: trainCount,
    batch_size: batchSize,
    dataset: datasetDigest,
  };
}

export function headerOf(line: z.output<typeof headerSchema>): AuditHeader {
  return {
    runId: line.run_id,
    version: line.pennygrad,
    seed: line.seed,
    trainCount: line.train,
    batchSize: line.batch_size,
    datasetDigest: line.dataset,
  };
}

/** The positions from the first to the last that a step's shares hold, whether or not they hold all between them. */
export function extentOf(shares: readonly Interval[]): Interval {
  const held = shares.filter(({ from, to }) => from < to);
  if (held.length === 0) return { from: 0, to: 0 };
  return {
    from: held.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY),
    to: held.reduce((most, { to }) => Math.max(most, to), 0),
  };
}

/** By how much the shares move from one step to the next while a span of steps lasts. */
export function strideOf(shares: readonly Interval[]): number {
  const { from, to } = extentOf(shares);
  return to - from;
}
