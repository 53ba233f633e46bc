/** What a worker uses: where each moment of its time goes, none to two activities, and the bytes it exchanges. */
import type { Clock } from '../shared/core/clock.ts';
import { nothingSpent, type SpentSeconds } from '../shared/core/phases.ts';
import type { Usage } from '../shared/protocol/messages.ts';

export interface UsageMeter {
  /**
   * The time since the last lap went to this.
   * @param waitSeconds how much of it was spent waiting for slower ranks
   */
  lap(activity: keyof SpentSeconds, waitSeconds?: number): void;
  /** The time since the last lap went to something that has no name. */
  skip(): void;
  /** Bytes of gradients were exchanged. */
  exchanged(bytes: Usage['bytes']): void;
  /** Since the meter was started. */
  totals(): Usage;
}

export function startUsageMeter(clock: Pick<Clock, 'now'>): UsageMeter {
  // Added to in place: there are five laps in a step, and few who ask.
  const seconds: { -readonly [Activity in keyof SpentSeconds]: number } = { ...nothingSpent };
  const bytes = { sent: 0, received: 0 };
  let lapped = clock.now();
  const elapsed = () => {
    const before = lapped;
    lapped = clock.now();
    return lapped - before;
  };
  return {
    lap(activity, waitSeconds = 0) {
      const lap = elapsed();
      const waited = Math.min(lap, waitSeconds);
      seconds.wait += waited;
      // Rounded apart, so that no total falls by its last bit: a counter that falls counts as one that began again.
      seconds[activity] += lap - waited;
    },
    skip() {
      elapsed();
    },
    exchanged({ sent, received }) {
      bytes.sent += sent;
      bytes.received += received;
    },
    totals() {
      const { load, compute, communicate, wait, apply, evaluate, idle } = seconds;
      return {
        seconds: { load, compute, communicate, wait, apply, evaluate, idle },
        bytes: { sent: bytes.sent, received: bytes.received },
      };
    },
  };
}
