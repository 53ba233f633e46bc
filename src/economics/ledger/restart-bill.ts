/** What resuming a run is billed at least: its workers are rented anew, each with its provider's minimum. Pure. */
import { formatUsdToDigits } from '../../shared/core/number-format.ts';
import { sumOf } from '../../shared/core/sums.ts';
import { type BillingRule, leastBilledSeconds, leastBilledUsd } from './cost.ts';
import type { Account } from './ledger.ts';

/** A worker's account at the end of the run. */
export interface EndedRental {
  readonly account: Pick<Account, 'priceUsdPerHour'>;
  /** Undefined if its rental ended before the run was resumed. */
  readonly billing?: BillingRule | undefined;
  /** Undefined for a worker that never trained. */
  readonly rank: number | undefined;
}

export interface RestartBill {
  readonly usd: number;
  readonly rentals: number;
  /** Some provider bills more than a started second. */
  readonly hasMinimum: boolean;
}

/** @param entries the last accounts of the run; workers of earlier sittings, and those that never trained, do not come back */
export function restartBill(entries: readonly EndedRental[]): RestartBill {
  const rented = entries.flatMap(({ account, billing, rank }) =>
    billing === undefined ? [] : [{ billing, usdPerHour: account.priceUsdPerHour ?? 0, trained: rank !== undefined }],
  );
  const trained = rented.filter((rental) => rental.trained);
  // A run that ended before training began has no members yet.
  const fleet = trained.length > 0 ? trained : rented;
  return {
    usd: sumOf(fleet.map(({ usdPerHour, billing }) => leastBilledUsd(usdPerHour, billing))),
    rentals: fleet.length,
    hasMinimum: fleet.some(({ usdPerHour, billing }) => usdPerHour > 0 && leastBilledSeconds(billing) > 1),
  };
}

/** @returns undefined where resuming costs no more than the time that it takes */
export function describeRestart({ usd, rentals, hasMinimum }: RestartBill): string | undefined {
  if (!hasMinimum) return undefined;
  const workers = rentals === 1 ? 'its worker' : `its ${rentals} workers`;
  return `resuming rents ${workers} anew, which is billed ${formatUsdToDigits(usd)} at least`;
}
