/** One clock for everything a worker does: each moment since it was started goes to one activity, and none to two. */
import type { Clock } from '../shared/core/clock.ts';
import { nothingSpent, type SpentSeconds } from '../shared/core/phases.ts';

export interface Stopwatch {
  /**
   * The time since the last lap went to this.
   * @param waitSeconds of it that were spent waiting for slower ranks
   */
  lap(activity: keyof SpentSeconds, waitSeconds?: number): void;
  /** The time since the last lap went to something that has no name. */
  skip(): void;
  /** Since the stopwatch was started. */
  totals(): SpentSeconds;
}

export function startStopwatch(clock: Clock): Stopwatch {
  let totals = nothingSpent;
  let lapped = clock.now();
  const elapsed = () => {
    const before = lapped;
    lapped = clock.now();
    return lapped - before;
  };
  return {
    lap(activity, waitSeconds = 0) {
      const seconds = elapsed();
      const waited = Math.min(seconds, waitSeconds);
      const withWait = { ...totals, wait: totals.wait + waited };
      totals = { ...withWait, [activity]: withWait[activity] + seconds - waited };
    },
    skip() {
      elapsed();
    },
    totals: () => totals,
  };
}
