import { addPhases, noPhaseSeconds, type PhaseSeconds } from '../../../shared/core/phases.ts';

/** What some committed steps took. */
export interface StepsTaken {
  readonly steps: number;
  /** From commit to commit, summed. */
  readonly seconds: number;
  /** Workers in each of them. */
  readonly workers: number;
  /** Where the time of all workers went, summed over steps and workers. */
  readonly phases: PhaseSeconds;
}

export const noSteps: StepsTaken = { steps: 0, seconds: 0, workers: 0, phases: noPhaseSeconds };

/** One more step. A change of the number of workers starts over: averages over both would be of neither. */
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
 * Scaling efficiency as a run can tell of itself, without a run on one worker to compare with: strong T1 / (N·TN), weak
 * R_N / (N·R_1). The one worker is estimated from the time that these workers spent on samples and on updates: for strong
 * scaling it does all of a step's samples and one update, for weak scaling one worker's share. What the estimate cannot
 * see is that a larger share may compute faster per sample, and that workers on one host slow each other down.
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
 * Bus bandwidth of the all-reduce as nccl-tests define it: bytes / time × 2(N − 1)/N, which a perfect all-reduce keeps
 * at the speed of the links, however many the workers. The time is the mean of what the workers spent communicating,
 * without their waits for one another.
 *
 * @param bytes of one worker's gradients
 * @returns bytes per second; undefined when nothing was communicated
 */
export function busBandwidth({ steps, workers, phases }: StepsTaken, bytes: number): number | undefined {
  if (workers < 2 || !(phases.communicate > 0)) return undefined;
  const secondsPerStep = phases.communicate / (workers * steps);
  return ((bytes / secondsPerStep) * 2 * (workers - 1)) / workers;
}
