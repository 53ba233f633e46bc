/** How long each rental of a run's workers lasted, from its ledger. Pure. */
import type { AccountLine } from './spent.ts';

export type RentalLine = Pick<AccountLine, 'worker' | 'alive_seconds'> & { readonly rentals?: number | undefined };

export interface RentalTimes {
  /** Takes the lines of a ledger, in their order. */
  add(line: RentalLine): void;
  /** Seconds of each rental of a worker; undefined if the ledger does not tell. */
  of(worker: string): readonly number[] | undefined;
}

/**
 * Every life of a worker's process is a rental, and the first line of a life counts one more. What was lost of the last
 * line before it, a second at most, counts for neither.
 */
export function createRentalTimes(): RentalTimes {
  /** The time alive at the end of each rental, by worker. */
  const ends = new Map<string, number[]>();
  const untold = new Set<string>();
  return {
    add({ worker, rentals, alive_seconds }) {
      if (rentals === undefined || rentals === 0) {
        if (alive_seconds > 0) untold.add(worker);
        return;
      }
      const own = ends.get(worker) ?? [];
      ends.set(worker, own);
      // A rental of which no line was written had no second booked.
      while (own.length < rentals) own.push(own.at(-1) ?? 0);
      own[rentals - 1] = alive_seconds;
    },
    of(worker) {
      const own = ends.get(worker);
      if (own === undefined || untold.has(worker)) return undefined;
      return own.map((end, index) => end - (own[index - 1] ?? 0));
    },
  };
}
