/** The course of a run from its `metrics.jsonl`, reduced to as many points as a chart can show. */

import { sumOf } from '../../shared/core/sums.ts';

/** Means over neighbouring steps. */
export interface StepPoint {
  /** The last of these steps, counted from 1. */
  readonly step: number;
  /** Over the steps that were applied; NaN where none was. */
  readonly loss: number;
  readonly samplesPerSecond: number;
}

interface StepLine {
  readonly step: number;
  /** JSON has no NaN, so a diverged loss is null; a skipped step has none. */
  readonly loss: number | null;
  readonly samples: number;
  readonly seconds: number;
  readonly skipped?: true;
}

/** Lines that are parsed, evenly spread, so that the report of a long run does not take longer. */
const mostLines = 5000;
const mostPoints = 300;

/** @param text of `metrics.jsonl`; a truncated last line is ignored */
export function readStepSeries(text: string): readonly StepPoint[] {
  const lines = text.split('\n').filter((line) => line.startsWith('{"type":"step"') && line.endsWith('}'));
  const stride = Math.ceil(lines.length / mostLines);
  const steps = lines.filter((_, index) => index % stride === 0).map((line) => JSON.parse(line) as StepLine);
  const size = Math.ceil(steps.length / mostPoints);
  return Array.from({ length: Math.ceil(steps.length / size) || 0 }, (_, index) => {
    const some = steps.slice(index * size, (index + 1) * size);
    const applied = some.filter(({ skipped }) => skipped !== true);
    const samples = (of: readonly StepLine[]) => sumOf(of.map((step) => step.samples));
    return {
      step: some.at(-1)?.step ?? 0,
      loss: sumOf(applied.map((step) => (step.loss ?? Number.NaN) * step.samples)) / samples(applied),
      samplesPerSecond: samples(some) / sumOf(some.map(({ seconds }) => seconds)),
    };
  });
}
