/** Counts how often an epoch drew each sample of the dataset: positions become samples by the epoch's order. */
import { epochOrder } from '../../shared/core/sampling.ts';
import type { AuditHeader } from './audit-line.ts';
import type { Span } from './audit-record.ts';

/** Samples are named by their index in the dataset's training images, from 0, in ascending order. */
export interface EpochAudit {
  /** From 1. */
  readonly epoch: number;
  readonly steps: number;
  /** Steps of it that were lost with a resume. */
  readonly lostSteps: number;
  /** Samples that should have been drawn so far: all of them, if the epoch is whole. */
  readonly expected: number;
  /** Applied exactly once. */
  readonly once: number;
  /** Drawn exactly once, in a step that was skipped as not finite, and so applied to nothing. */
  readonly skipped: number;
  readonly skippedSteps: number;
  readonly missing: number;
  readonly repeated: number;
  /** The first of them. */
  readonly missingSamples: readonly number[];
  readonly repeatedSamples: readonly number[];
  readonly whole: boolean;
}

/** Samples that are named of those that are missing or repeated in an epoch. */
const namedSamples = 100;

const mostCounted = 0xff;

/** @param expected so many positions of the epoch's order should have been drawn */
export function countEpoch(
  { seed, trainCount }: Pick<AuditHeader, 'seed' | 'trainCount'>,
  {
    epoch,
    spans,
    lostSteps,
    expected,
  }: Pick<EpochAudit, 'epoch' | 'lostSteps' | 'expected'> & { readonly spans: readonly Span[] },
): EpochAudit {
  const order = epochOrder(seed, epoch - 1, trainCount);
  const counts = new Uint8Array(trainCount);
  let [steps, skippedSteps] = [0, 0];
  for (const span of spans) {
    steps += span.steps;
    if (span.skipped) skippedSteps += span.steps;
    forEachSample(span, order, (sample) => {
      const count = counts[sample] as number;
      if (count < mostCounted) counts[sample] = count + 1;
    });
  }
  const drawnOnce = counts.reduce((sum, count) => sum + (count === 1 ? 1 : 0), 0);
  let skipped = 0;
  for (const span of spans) {
    if (!span.skipped) continue;
    forEachSample(span, order, (sample) => {
      if (counts[sample] === 1) skipped += 1;
    });
  }
  const missingSamples = order
    .subarray(0, expected)
    .filter((sample) => counts[sample] === 0)
    .sort();
  const repeatedSamples = order.filter((sample) => (counts[sample] as number) > 1).sort();
  return {
    epoch,
    steps,
    lostSteps,
    expected,
    once: drawnOnce - skipped,
    skipped,
    skippedSteps,
    missing: missingSamples.length,
    repeated: repeatedSamples.length,
    missingSamples: [...missingSamples.subarray(0, namedSamples)],
    repeatedSamples: [...repeatedSamples.subarray(0, namedSamples)],
    whole: expected === trainCount,
  };
}

function forEachSample({ shares, steps, stride }: Span, order: Uint32Array, visit: (sample: number) => void): void {
  for (let step = 0; step < steps; step++) {
    for (const { from, to } of shares) {
      const end = Math.min(to + step * stride, order.length);
      for (let position = from + step * stride; position < end; position++) visit(order[position] as number);
    }
  }
}
