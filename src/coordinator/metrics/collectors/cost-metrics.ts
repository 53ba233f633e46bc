import { Counter, Gauge } from 'prom-client';
import { billedUsd, bookedUsd, ledgerCategories } from '../../../economics/ledger/ledger.ts';
import type { LedgerEntry } from '../../run-events.ts';
import type { Collector } from '../collector.ts';
import { cumulative } from '../cumulative.ts';

export const createCostMetrics: Collector = (registry, { expected = [], carried = [] }) => {
  const registers = [registry];
  const price = new Gauge({
    name: 'pennygrad_worker_price_usd_per_hour',
    help: 'Price in USD per hour of a worker that costs money now; absent when it has none, is lost, or the run has ended.',
    labelNames: ['worker'],
    registers,
  });
  const assumed = new Gauge({
    name: 'pennygrad_worker_price_assumed',
    help: '1 if the price of the worker is assumed, 0 if it was given; absent when it has none.',
    labelNames: ['worker'],
    registers,
  });
  const cost = new Counter({
    name: 'pennygrad_cost_usd_total',
    help: `Accrued cost in USD by worker and what its time was spent on: ${ledgerCategories.join(', ')}.`,
    labelNames: ['worker', 'category'] as const,
    registers,
  });
  const billed = new Counter({
    name: 'pennygrad_billed_usd_total',
    help: "What providers bill for the worker's rentals so far, in USD: every life of its process by its provider's unit and minimum.",
    labelNames: ['worker'] as const,
    registers,
  });
  const raiseCost = cumulative(cost);
  const raiseBill = cumulative(billed);

  /** Starts the series of a worker that will cost something at 0, so that `increase()` counts from there. */
  function begin(worker: string, hasPrice: boolean): void {
    if (!hasPrice) return;
    for (const category of ledgerCategories) raiseCost({ worker, category }, 0);
    raiseBill({ worker }, 0);
  }

  function charge(worker: string, priceUsdPerHour: number | undefined, priceAssumed: string | undefined): void {
    if (priceUsdPerHour === undefined) {
      price.remove({ worker });
      assumed.remove({ worker });
    } else {
      price.set({ worker }, priceUsdPerHour);
      assumed.set({ worker }, priceAssumed === undefined ? 0 : 1);
    }
  }

  function book(entries: readonly LedgerEntry[]): void {
    for (const { workerId: worker, account } of entries) {
      // A worker that has no price now may have had one before the run was resumed.
      if (account.priceUsdPerHour === undefined && bookedUsd(account) === 0) continue;
      for (const category of ledgerCategories) raiseCost({ worker, category }, account.usd[category]);
      raiseBill({ worker }, billedUsd(account));
    }
  }

  book(carried);
  for (const { workerId, hasPrice } of expected) begin(workerId, hasPrice);

  return (event) => {
    switch (event.type) {
      case 'generation':
        for (const { workerId, priceUsdPerHour, priceAssumed } of event.members) {
          charge(workerId, priceUsdPerHour, priceAssumed);
        }
        break;
      case 'worker-began':
        begin(event.workerId, event.priceUsdPerHour !== undefined);
        charge(event.workerId, event.priceUsdPerHour, event.priceAssumed);
        break;
      case 'worker-lost':
      case 'worker-drained':
      case 'worker-ended':
        price.remove({ worker: event.workerId });
        break;
      case 'ended':
        price.reset();
        break;
      case 'ledger':
        book(event.entries);
        break;
    }
  };
};
