/** When a checkpoint is due within an epoch: `--checkpoint-every`. */
import type { CheckpointEvery } from '../../settings/training-settings.ts';
import type { Clock } from '../../shared/core/clock.ts';

export interface SaveSchedule {
  /** The next step, after so many, at which a checkpoint is due; infinite where steps do not decide. */
  nextStep(step: number): number;
  /** Whether so much time has passed that one is due. */
  isDue(): boolean;
  /** A checkpoint was saved. */
  saved(): void;
}

/** @param every undefined: at the end of each epoch only */
export function createSaveSchedule(every: CheckpointEvery | undefined, clock: Pick<Clock, 'now'>): SaveSchedule {
  let savedAt = clock.now();
  return {
    nextStep: (step) => (typeof every === 'number' ? (Math.floor(step / every) + 1) * every : Number.POSITIVE_INFINITY),
    isDue: () => typeof every === 'string' && clock.now() - savedAt >= Number.parseFloat(every),
    saved() {
      savedAt = clock.now();
    },
  };
}
