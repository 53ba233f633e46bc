/** Parts of the time that a run took, from its summary. Pure. */
import type { Summary } from '../record/summary.ts';

/** Duration of a whole run: from the start of the coordinator to the end of its last worker. */
export function runSeconds(summary: Summary): number {
  return leadSecondsOf(summary) + Math.max(...summary.workers.map(({ alive_seconds }) => alive_seconds));
}

/** From the start of the coordinator to the start of its workers, which cost nothing before. */
export function leadSecondsOf(summary: Summary): number {
  return Math.max(0, (summary.seconds_to_first_step ?? 0) - startupSecondsOf(summary));
}

/** From the start of the workers to the first step, mean over the workers. */
export function startupSecondsOf({ workers }: Summary): number {
  return meanOf(workers.map(({ seconds_by_category }) => seconds_by_category.startup));
}

/** Time that each worker is alive, mean over the workers. */
export function aliveSecondsOf({ workers }: Summary): number {
  return meanOf(workers.map(({ alive_seconds }) => alive_seconds));
}

/** After steps and test passes: saving checkpoints, leaving. */
export function endSecondsOf(summary: Summary): number {
  const { train_seconds, epochs } = summary;
  const evaluated = epochs.reduce((sum, { evaluate_seconds }) => sum + evaluate_seconds, 0);
  return Math.max(0, aliveSecondsOf(summary) - startupSecondsOf(summary) - train_seconds - evaluated);
}

/** 0 for no values. */
export function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
