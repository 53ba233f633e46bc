/**
 * Time and cost to a fixed test accuracy, as in DAWNBench (Coleman et al., 2017): training that is faster but learns less
 * does not improve this figure.
 */
import type { EpochRecord, Milestone } from './run-record.ts';

export const accuracyTargets = [0.97, 0.98, 0.99] as const;

export interface TimeToAccuracy {
  readonly accuracy: number;
  /** From the start of the run to the end of the first test pass that reached the accuracy; null if none did. */
  readonly seconds: number | null;
  /** Cost of all workers up to then; null if the accuracy was not reached. */
  readonly cost_usd: number | null;
}

export function timeToAccuracy(
  epochs: readonly EpochRecord[],
  milestones: readonly Milestone[],
): readonly TimeToAccuracy[] {
  return accuracyTargets.map((accuracy) => {
    const first = epochs.find(({ testAccuracy }) => testAccuracy >= accuracy);
    const milestone = milestones.find(({ epoch }) => epoch === first?.epoch);
    return { accuracy, seconds: milestone?.runSeconds ?? null, cost_usd: milestone?.costUsd ?? null };
  });
}
