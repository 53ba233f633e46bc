import { addPhases, noPhaseSeconds, type PhaseSeconds } from '../../../shared/core/phases.ts';

/** Sums over committed steps with the same number of workers. */
export interface StepsTaken {
  readonly steps: number;
  /** From commit to commit. */
  readonly seconds: number;
  /** Workers in each step. */
  readonly workers: number;
  /** Summed over steps and workers. */
  readonly phases: PhaseSeconds;
}

export const noSteps: StepsTaken = { steps: 0, seconds: 0, workers: 0, phases: noPhaseSeconds };

/** Adds a step. The sums start over when the number of workers changes, since a mean over both would describe neither. */
export function addStep(taken: StepsTaken, seconds: number, members: readonly PhaseSeconds[]): StepsTaken {
  const before = taken.workers === members.length ? taken : noSteps;
  return {
    steps: before.steps + 1,
    seconds: before.seconds + seconds,
    workers: members.length,
    phases: members.reduce((sum, phases) => addPhases(sum, phases), before.phases),
  };
}

/**
 * Estimates scaling efficiency within a run, without a run on one worker to compare with: strong T1 / (N·TN), weak
 * R_N / (N·R_1). The time of one worker is estimated from the time that these workers spent on samples and updates: for
 * strong scaling it does all samples of a step and one update, for weak scaling one worker's share. The estimate ignores
 * that a larger share may compute faster per sample, and that workers on one host slow each other down.
 *
 * @returns undefined before the first step
 */
export function estimateEfficiency({
  seconds,
  workers,
  phases,
}: StepsTaken): { readonly strong: number; readonly weak: number } | undefined {
  if (!(seconds > 0)) return undefined;
  const onSamples = phases.load + phases.compute;
  return {
    strong: (onSamples + phases.apply / workers) / (workers * seconds),
    weak: (onSamples + phases.apply) / (workers * seconds),
  };
}

/**
 * Bus bandwidth of the all-reduce as defined by nccl-tests: bytes / time × 2(N − 1)/N. A perfect all-reduce keeps it at the
 * speed of the links for any number of workers. The time is the mean that the workers spent communicating, without waiting
 * for one another.
 *
 * @param bytes size of one worker's gradients
 * @returns bytes per second; undefined when nothing was communicated
 */
export function busBandwidth({ steps, workers, phases }: StepsTaken, bytes: number): number | undefined {
  if (workers < 2 || !(phases.communicate > 0)) return undefined;
  const secondsPerStep = phases.communicate / (workers * steps);
  return ((bytes / secondsPerStep) * 2 * (workers - 1)) / workers;
}
