/**
 * Frees the memory of received messages in time.
 *
 * Received frames live outside V8's heap. V8 reacts to that memory with full collections, which took half of the
 * coordinator's time with two gradients a step, on every core. Frames die young, and collecting the young generation
 * takes a fraction of a millisecond.
 *
 * That alone holds until V8's first full collection, some 2,000 steps into a run. Then V8 sets the size at which it
 * marks the heap again: a tenth above what is in use, where collections are cheap. The frames between two young
 * collections are more than that, so V8 marked all the time, in every process, on threads that took the other workers'
 * cores. The heap may grow to a multiple of what is in use instead, which is small here: 20 MB.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Received bytes after which the young generation is collected: a third of what triggers a full collection. */
const collectAfterBytes = 12 << 20;

/** By how many percent of what is in use after a full collection the heap may grow before the next one. */
const heapGrowingPercent = 400;

export interface MessageMemory {
  received(bytes: number): void;
}

export function createMessageMemory(): MessageMemory {
  const collectYoung = youngCollector();
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
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

/** V8's `gc`, without a flag on the command line; does nothing where the runtime hides it. */
function youngCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('typeof gc === "function" ? gc : undefined');
  return typeof gc === 'function' ? () => gc({ type: 'minor', execution: 'sync' }) : () => {};
}
