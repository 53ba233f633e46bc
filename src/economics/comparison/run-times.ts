/** Parts of the time that a run took, from its summary. Pure. */
import { meanOf, sumOf } from '../../shared/core/sums.ts';
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
  const evaluated = sumOf(epochs.map(({ evaluate_seconds }) => evaluate_seconds));
  return Math.max(0, aliveSecondsOf(summary) - startupSecondsOf(summary) - train_seconds - evaluated);
}
