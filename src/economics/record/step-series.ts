/** The course of a run from its `metrics.jsonl`, reduced to as many points as a chart can show. */

/** Means over neighbouring steps. */
export interface StepPoint {
  /** The last of these steps, counted from 1. */
  readonly step: number;
  readonly loss: number;
  readonly samplesPerSecond: number;
}

/** Lines that are parsed, evenly spread, so that the report of a long run does not take longer. */
const mostLines = 5000;
const mostPoints = 300;

/** @param text of `metrics.jsonl`; a truncated last line is ignored */
export function readStepSeries(text: string): readonly StepPoint[] {
  const lines = text.split('\n').filter((line) => line.startsWith('{"type":"step"') && line.endsWith('}'));
  const stride = Math.ceil(lines.length / mostLines);
  const steps = lines
    .filter((_, index) => index % stride === 0)
    .map((line) => JSON.parse(line) as { step: number; loss: number | null; samples: number; seconds: number });
  const size = Math.ceil(steps.length / mostPoints);
  return Array.from({ length: Math.ceil(steps.length / size) || 0 }, (_, index) => {
    const some = steps.slice(index * size, (index + 1) * size);
    const sum = (of: (step: (typeof some)[number]) => number) => some.reduce((total, step) => total + of(step), 0);
    return {
      step: some.at(-1)?.step ?? 0,
      loss: sum(({ loss, samples }) => (loss ?? Number.NaN) * samples) / sum(({ samples }) => samples),
      samplesPerSecond: sum(({ samples }) => samples) / sum(({ seconds }) => seconds),
    };
  });
}
