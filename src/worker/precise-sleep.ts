/** A sleep that ends when it should: Node's timers count in milliseconds, which is a tenth of a training step. */
import { setTimeout as sleepRoughly } from 'node:timers/promises';

/** How much later than asked a timer may fire on a machine that is not overloaded. */
const timerToleranceMs = 2;

const nobodyWakesThis = new Int32Array(new SharedArrayBuffer(4));

/**
 * Sleeps, by a timer as far as a timer can be trusted, and for what is left by blocking the thread, as computing would.
 * It takes no processor time and never ends early.
 */
export async function sleepPrecisely(milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  if (milliseconds > timerToleranceMs) await sleepRoughly(Math.floor(milliseconds - timerToleranceMs));
  for (let left = end - performance.now(); left > 0; left = end - performance.now()) {
    Atomics.wait(nobodyWakesThis, 0, 0, left);
  }
}
