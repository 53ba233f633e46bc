/** How a run went, step by step, from its `metrics.jsonl`: few enough points to be drawn. */

/** Means over neighbouring steps. */
export interface StepPoint {
  /** The last of them, counted from 1. */
  readonly step: number;
  readonly loss: number;
  readonly samplesPerSecond: number;
}

/** So many lines are looked at, evenly spread: a report must not take longer for a longer run. */
const mostLines = 5000;
const mostPoints = 300;

/** @param text of `metrics.jsonl`; a last line that was cut short is passed over */
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
