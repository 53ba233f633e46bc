import type { Clock } from '../shared/core/clock.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import { orAborted } from '../shared/core/or-aborted.ts';
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
  const { connect, timeoutSeconds, signal, clock, timers, log } = options;
  const deadline = clock.now() + timeoutSeconds;
  const leftMs = () => Math.max(0, (deadline - clock.now()) * 1000);
  let answer: unknown;
  for (let told = false; ; told = true) {
    try {
      return await orAborted(within(leftMs(), timers, options.ipFamilyOf(connect)), signal, interrupted);
    } catch (error) {
      if (signal.aborted) throw error;
      // The last search may have no time left for an answer; the one before says more than that.
      if (error !== noAnswer) answer = error;
      const problem = `--connect ${connect}: ${messageOf(answer ?? error)}`;
      if (leftMs() === 0) throw badInput(problem, error);
      if (!told) log(`${problem}; looking for it again for ${timeoutSeconds} s`);
    }
    await orAborted(new Promise<void>((resolve) => timers.after(retryMs, resolve)), signal, interrupted);
  }
}

function interrupted(): PennygradError {
  return new PennygradError('interrupted', 'interrupted before the coordinator was found');
}

const noAnswer = new Error('the name service does not answer');

/** Rejects when the work takes longer: a name service may never answer. */
function within<Value>(limitMs: number, timers: FindOptions['timers'], work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const endLimit = timers.after(limitMs, () => reject(noAnswer));
    work.then(resolve, reject).finally(endLimit);
  });
}
