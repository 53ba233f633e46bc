import type { Clock } from '../shared/core/clock.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { IpFamily } from '../shared/transport/ip-family.ts';

/** How often a host without an address is looked for again. */
const retryMs = 1000;

export interface FindOptions {
  readonly connect: string;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  readonly clock: Pick<Clock, 'now'>;
  readonly timers: Pick<Timers, 'after'>;
  readonly ipFamilyOf: (endpoint: string) => Promise<IpFamily>;
  readonly log: (line: string) => void;
}

/**
 * Finds the address of the coordinator's host. A host that has none yet is looked for again until the timeout, because
 * containers get their names as they start, but the user is told at once.
 * @throws PennygradError `bad-input` that names the host, or `interrupted`
 */
export async function findCoordinator(options: FindOptions): Promise<IpFamily> {
  const { connect, timeoutSeconds, signal, clock, log } = options;
  const deadline = clock.now() + timeoutSeconds;
  for (let told = false; ; told = true) {
    try {
      return await orInterrupted(options.ipFamilyOf(connect), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = `--connect ${connect}: ${messageOf(error)}`;
      if (clock.now() >= deadline) throw badInput(problem, error);
      if (!told) log(`${problem}; looking for it again for ${timeoutSeconds} s`);
    }
    await orInterrupted(new Promise<void>((resolve) => options.timers.after(retryMs, resolve)), signal);
  }
}

function orInterrupted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const interrupt = () => reject(new PennygradError('interrupted', 'interrupted before the coordinator was found'));
    if (signal.aborted) interrupt();
    signal.addEventListener('abort', interrupt);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', interrupt));
  });
}
