/**
 * What it took to be so accurate, as DAWNBench asks (Coleman et al., 2017): time and money to a fixed test accuracy,
 * which a faster but worse training cannot shorten.
 */
import type { EpochRecord, Milestone } from './run-record.ts';

/** Test accuracies that are asked for. */
export const accuracyTargets = [0.97, 0.98, 0.99] as const;

export interface TimeToAccuracy {
  readonly accuracy: number;
  /** Of the run, start-up and test passes included, to the end of the test pass that first had it; null: never. */
  readonly seconds: number | null;
  /** Of all workers; null where it was never reached. */
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
