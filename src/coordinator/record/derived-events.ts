/** What follows from a run's events: the accounts of the ledger, and interruptions that are over. */
import type { Clock } from '../../shared/core/clock.ts';
import type { RunEvent } from '../run-events.ts';
import type { Bookkeeper } from './bookkeeper.ts';
import { advanceInterruptions, noInterruptions } from './interruptions.ts';

/** @returns takes in an event; returns what follows from it */
export function deriveEvents(
  bookkeeper: Pick<Bookkeeper, 'observe' | 'waste'>,
  clock: Pick<Clock, 'now'>,
): (event: RunEvent) => readonly RunEvent[] {
  let interruptions = noInterruptions;
  return (event) => {
    const before = bookkeeper.waste();
    const accounts = bookkeeper.observe(event);
    const { state, over } = advanceInterruptions(
      interruptions,
      event,
      { before, after: bookkeeper.waste() },
      clock.now(),
    );
    interruptions = state;
    return [
      ...(accounts === undefined ? [] : [accounts]),
      ...over.map((interruption) => ({ type: 'interruption', interruption }) as const),
    ];
  };
}
