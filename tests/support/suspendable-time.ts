/** Virtual time of a process that can be suspended: its clocks go on, and its timers do not. */
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';

export interface SuspendableTime extends VirtualTime {
  suspend(seconds: number): void;
}

export function createSuspendableTime(): SuspendableTime {
  const time = createVirtualTime();
  let slept = 0;
  return {
    ...time,
    clock: { now: () => time.clock.now() + slept, unixMs: () => time.clock.unixMs() + slept * 1000 },
    suspend(seconds) {
      slept += seconds;
    },
  };
}
