/**
 * What a run has cost up to now: its last accounts plus the price of the time since. It never falls, because the next
 * accounts book at least that much. Pure: times are seconds of the run's clock, passed in.
 */
import { pricePerHour } from '../../economics/ledger/cost.ts';
import { type Account, accruedUsd, book, bookedUsd } from '../../economics/ledger/ledger.ts';
import type { RunEvent } from '../run-events.ts';

export interface CostMeter {
  /** By worker, in the order of the ledger. */
  readonly accounts: ReadonlyMap<string, Account>;
}

export interface CostReading {
  /** All workers together, including those that are gone. */
  readonly usd: number;
  /** Workers that never had a price are left out. */
  readonly usdByWorker: ReadonlyMap<string, number>;
  /** The workers that are alive now; undefined when none of them has a price. */
  readonly usdPerHour: number | undefined;
}

export const newCostMeter: CostMeter = { accounts: new Map() };

export function advanceMeter(meter: CostMeter, event: RunEvent, now: number): CostMeter {
  switch (event.type) {
    case 'ledger':
      return { accounts: new Map(event.entries.map(({ workerId, account }) => [workerId, account])) };
    case 'worker-lost':
    case 'worker-ended': {
      // The next accounts will choose the category; here only the amount matters.
      const account = meter.accounts.get(event.workerId);
      if (account === undefined) return meter;
      const ended = book(account, { type: 'ended', at: now, category: 'idle' });
      return { accounts: new Map(meter.accounts).set(event.workerId, ended) };
    }
    default:
      return meter;
  }
}

export function readMeter({ accounts }: CostMeter, now: number): CostReading {
  const costs = [...accounts].map(([workerId, account]) => ({ workerId, account, usd: accruedUsd(account, now) }));
  const alive = costs.filter(({ account }) => account.life !== undefined);
  const priced = costs.filter(({ account }) => account.priceUsdPerHour !== undefined || bookedUsd(account) > 0);
  return {
    usd: costs.reduce((sum, { usd }) => sum + usd, 0),
    usdByWorker: new Map(priced.map(({ workerId, usd }) => [workerId, usd])),
    usdPerHour: pricePerHour(alive.map(({ account }) => account.priceUsdPerHour)),
  };
}
