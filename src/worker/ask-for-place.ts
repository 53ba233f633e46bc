/** A worker's first word to the coordinator, which it says again while the run has no place for it. */
import type { Clock } from '../shared/core/clock.ts';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { badInput, PennygradError } from '../shared/core/errors.ts';
import type { Timers } from '../shared/core/timers.ts';
import { describeRefusal } from '../shared/protocol/describe-refusal.ts';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../shared/protocol/messages.ts';
import type { CoordinatorLink, Order } from './coordinator-link.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;
type Hello = Body<MessageOf<WorkerMessage, 'hello'>>;

/** What becomes of a worker that was refused. */
export type RefusalDecision =
  /** It asks again, so many milliseconds later. */
  | { readonly kind: 'ask-again'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly error: PennygradError };

/** Each wait is twice the one before it, from an eighth of the longest. A place is soon taken by somebody else. */
const longestWaitMs = 1000;

/**
 * @param asked how often it has asked, this time included
 * @param waitedMs since it asked first
 * @param timeoutSeconds its own `--timeout`
 */
export function decideAfterRefusal(
  refusal: Pick<From<'refuse'>, 'field' | 'expected' | 'actual' | 'passing'>,
  asked: number,
  waitedMs: number,
  timeoutSeconds: number,
): RefusalDecision {
  const why = describeRefusal(refusal, 'this worker');
  if (refusal.passing !== true) {
    return { kind: 'give-up', error: badInput(`the coordinator refused this worker: ${why}`) };
  }
  const { heartbeatMs, rendezvousMs } = deadlinesFrom(timeoutSeconds);
  if (waitedMs >= rendezvousMs) {
    const limit = `${rendezvousMs / 1000} s (--timeout ${timeoutSeconds})`;
    return { kind: 'give-up', error: new PennygradError('quorum-lost', `no place in the run after ${limit}: ${why}`) };
  }
  const longestMs = Math.min(heartbeatMs, longestWaitMs);
  const delayMs = Math.min(longestMs, (longestMs / 8) * 2 ** (asked - 1));
  return { kind: 'ask-again', delayMs: Math.min(delayMs, rendezvousMs - waitedMs) };
}

export interface PlaceOptions {
  readonly link: Pick<CoordinatorLink, 'send' | 'nextOrder' | 'signal'>;
  readonly hello: () => Hello;
  readonly timeoutSeconds: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly timers: Timers;
  readonly log: (line: string) => void;
}

/**
 * @returns the first order that is no passing refusal
 * @throws bad-input when the coordinator refuses this worker for good, quorum-lost when no place became free in time
 */
export async function askForPlace({ link, hello, timeoutSeconds, clock, timers, log }: PlaceOptions): Promise<Order> {
  const began = clock.now();
  link.send(hello());
  for (let asked = 1; ; asked++) {
    const order = await link.nextOrder();
    if (order.type !== 'refuse') return order;
    const decision = decideAfterRefusal(order, asked, (clock.now() - began) * 1000, timeoutSeconds);
    if (decision.kind === 'give-up') throw decision.error;
    if (asked === 1) {
      const seconds = deadlinesFrom(timeoutSeconds).rendezvousMs / 1000;
      log(
        `no place in the run yet: ${describeRefusal(order, 'this worker')}; asking again for ${seconds} s (--timeout)`,
      );
    }
    await pause(decision.delayMs, timers, link.signal);
    link.send({ ...hello(), asked });
  }
}

/** Rejects when the link fails. */
export function pause(delayMs: number, timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = timers.after(delayMs, () => {
      signal.removeEventListener('abort', fail);
      resolve();
    });
    signal.addEventListener('abort', fail);
    if (signal.aborted) fail();
  });
}
