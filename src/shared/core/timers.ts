/** Timers, passed in beside the clock, so that protocol logic can be tested in virtual time. */
export interface Timers {
  /** Calls `task` once, `delayMs` from now. @returns cancels it; may be called twice */
  after(delayMs: number, task: () => void): () => void;
  /** Calls `task` every `periodMs`, the first time one period from now. @returns ends it; may be called twice */
  every(periodMs: number, task: () => void): () => void;
}

export const systemTimers: Timers = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  every(periodMs, task) {
    const timer = setInterval(task, periodMs);
    return () => clearInterval(timer);
  },
};
