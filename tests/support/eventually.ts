import { setTimeout as sleep } from 'node:timers/promises';

/** How often to look. */
const everyMs = 20;

/**
 * Looks again and again until a condition holds, for what nobody tells: the processes of others, what a program has
 * found out that can only be asked.
 *
 * @throws naming what was waited for, when it does not hold in time
 */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(everyMs);
  }
}
