/** A sleep with sub-millisecond precision. Node's timers count in milliseconds, a tenth of a training step. */
import { setTimeout as sleepRoughly } from 'node:timers/promises';

/** How late a timer may fire on a machine that is not overloaded. */
const timerToleranceMs = 2;

const nobodyWakesThis = new Int32Array(new SharedArrayBuffer(4));

/**
 * Sleeps by a timer for most of the time and blocks the thread for the rest, as computing would. It takes no processor
 * time and never ends early.
 */
export async function sleepPrecisely(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  if (milliseconds > timerToleranceMs) await sleepRoughly(Math.floor(milliseconds - timerToleranceMs));
  for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
    Atomics.wait(nobodyWakesThis, 0, 0, left);
  }
}
