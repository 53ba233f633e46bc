/** How long a worker waited for others in a step. */
export interface WorkerWait {
  readonly workerId: string;
  readonly waitSeconds: number;
}

/**
 * The straggler of a step is the worker that waited least. `seconds` sums how much longer each of the others waited, so a
 * step in which all wait equally long, for the network, blames nobody.
 *
 * @returns undefined for fewer than two workers
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
