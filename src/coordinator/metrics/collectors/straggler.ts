/** A worker's wait in a step, in seconds. */
export interface WorkerWait {
  readonly workerId: string;
  readonly waitSeconds: number;
}

/**
 * Whom the others waited for in a step: the worker that waited least. Its `seconds` are what each of the others waited
 * longer than it did, summed, so a step in which all wait alike, on the network, blames none.
 *
 * @returns undefined when there is nobody to wait for
 */
export function findStraggler(
  waits: readonly WorkerWait[],
): { readonly workerId: string; readonly seconds: number } | undefined {
  const [first, ...others] = waits;
  if (first === undefined || others.length === 0) return undefined;
  const straggler = others.reduce((least, wait) => (wait.waitSeconds < least.waitSeconds ? wait : least), first);
  const seconds = waits.reduce((sum, { waitSeconds }) => sum + waitSeconds - straggler.waitSeconds, 0);
  return { workerId: straggler.workerId, seconds };
}
