/**
 * What a run has cost up to now: its last accounts plus the price of the time since. It never falls, because the next
 * accounts book at least that much. Pure: times are seconds of the run's clock, passed in.
 */
import { pricePerHour } from '../../economics/ledger/cost.ts';
import { type Account, accruedUsd, billedUsdAt, book, bookedUsd } from '../../economics/ledger/ledger.ts';
import { sumOf } from '../../shared/core/sums.ts';
import type { RunEvent } from '../run-events.ts';

export interface CostMeter {
  /** By worker, in the order of the ledger. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** The age of the run at a moment of its clock. */
  readonly age: { readonly runSeconds: number; readonly at: number } | undefined;
}

export interface CostReading {
  /** All workers together, including those that are gone. */
  readonly usd: number;
  /** Workers that never had a price are left out. */
  readonly usdByWorker: ReadonlyMap<string, number>;
  /** The workers that are alive now; undefined when none of them has a price. */
  readonly usdPerHour: number | undefined;
  /** What will be billed, in USD, if all workers' rentals end in so many seconds. */
  readonly billedUsdAfter: (seconds: number) => number;
  /** The run's age; 0 before the first accounts. */
  readonly runSeconds: number;
}

export const newCostMeter: CostMeter = { accounts: new Map(), age: undefined };

export function advanceMeter(meter: CostMeter, event: RunEvent, now: number): CostMeter {
  switch (event.type) {
    case 'ledger':
      return {
        accounts: new Map(event.entries.map(({ workerId, account }) => [workerId, account])),
        age: { runSeconds: event.runSeconds, at: event.at },
      };
    case 'worker-lost':
    case 'worker-drained':
    case 'worker-ended': {
      // The next accounts will choose the category; here only the amount matters.
      const account = meter.accounts.get(event.workerId);
      if (account === undefined) return meter;
      const ended = book(account, { type: 'ended', at: now, category: 'idle' });
      return { ...meter, accounts: new Map(meter.accounts).set(event.workerId, ended) };
    }
    default:
      return meter;
  }
}

export function readMeter({ accounts, age }: CostMeter, now: number): CostReading {
  const costs = [...accounts].map(([workerId, account]) => ({ workerId, account, usd: accruedUsd(account, now) }));
  const alive = costs.filter(({ account }) => account.life !== undefined);
  const priced = costs.filter(({ account }) => account.priceUsdPerHour !== undefined || bookedUsd(account) > 0);
  return {
    usd: sumOf(costs.map(({ usd }) => usd)),
    usdByWorker: new Map(priced.map(({ workerId, usd }) => [workerId, usd])),
    usdPerHour: pricePerHour(alive.map(({ account }) => account.priceUsdPerHour)),
    billedUsdAfter: (seconds) => sumOf(costs.map(({ account }) => billedUsdAt(account, now + seconds))),
    runSeconds: age === undefined ? 0 : age.runSeconds + Math.max(0, now - age.at),
  };
}
