/** Takes a local worker's machine away, as far as its process can tell: a notice, and its end some time later. */
import type { ChildProcess } from 'node:child_process';
import type { Timers } from '../shared/core/timers.ts';

/** Timers cannot wait longer, in milliseconds: about 25 days. */
const longestWaitMs = 2 ** 31 - 1;

export interface ComingPreemption {
  /** From now on. */
  readonly afterSeconds: number;
  readonly noticeSeconds: number;
  readonly onNotice: () => void;
}

/**
 * @param isRunning whether the process is still there
 * @returns cancels what is still to come; may be called twice
 */
export function preemptWorker(
  child: ChildProcess,
  { afterSeconds, noticeSeconds, onNotice }: ComingPreemption,
  timers: Timers,
  isRunning: (child: ChildProcess) => boolean,
): () => void {
  if (afterSeconds * 1000 > longestWaitMs) return () => {};
  let cancelEnd = () => {};
  const cancelNotice = timers.after(afterSeconds * 1000, () => {
    if (!isRunning(child)) return;
    onNotice();
    child.kill('SIGUSR1');
    cancelEnd = timers.after(noticeSeconds * 1000, () => {
      if (isRunning(child)) child.kill('SIGKILL');
    });
  });
  return () => {
    cancelNotice();
    cancelEnd();
  };
}
