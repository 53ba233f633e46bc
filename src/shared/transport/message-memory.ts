/**
 * Gives the memory of received messages back in time.
 *
 * A received frame lives outside V8's heap, and V8 answers the pressure of such memory with full collections of a heap
 * that is not the problem: with two gradients a step they took half of the coordinator's time, on every core at once. A
 * collection of the young generation, where frames die, takes a fraction of a millisecond.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Received bytes after which the young generation is collected: a third of what makes V8 collect everything. */
const collectAfterBytes = 12 << 20;

export interface MessageMemory {
  received(bytes: number): void;
}

export function createMessageMemory(): MessageMemory {
  const collectYoung = youngCollector();
  let bytesSince = 0;
  return {
    received(bytes) {
      bytesSince += bytes;
      if (bytesSince < collectAfterBytes) return;
      bytesSince = 0;
      collectYoung();
    },
  };
}

/** V8's `gc`, which a program can have without the flag on its command line; nothing where a runtime hides it. */
function youngCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof gc === 'function' ? () => gc({ type: 'minor', execution: 'sync' }) : () => {};
}
