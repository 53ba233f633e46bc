import { Counter, Gauge } from 'prom-client';
import { accruedCostUsd, pricePerHour } from '../../../economics/ledger/cost.ts';
import { bookedUsd, ledgerCategories } from '../../../economics/ledger/ledger.ts';
import { costPerThousandUsd } from '../../../economics/models/scaling.ts';
import { addStep, beginEpoch, epochMeans } from '../../../economics/record/epoch-totals.ts';
import type { LedgerEntry } from '../../run-events.ts';
import type { Collector } from '../collector.ts';

export const createCostMetrics: Collector = (registry, { expected = [], carried = [] }) => {
  const registers = [registry];
  const price = new Gauge({
    name: 'pennygrad_worker_price_usd_per_hour',
    help: 'Price of the worker in USD per hour; absent when none was given.',
    labelNames: ['worker'],
    registers,
  });
  const cost = new Counter({
    name: 'pennygrad_cost_usd_total',
    help: `Accrued cost in USD by worker and what its time went to: ${ledgerCategories.join(', ')}.`,
    labelNames: ['worker', 'category'],
    registers,
  });
  const lastEpoch = new Gauge({
    name: 'pennygrad_last_epoch_cost_usd',
    help: 'Cost in USD of the last whole epoch, without its test pass; absent before, and where no worker has a price.',
    registers,
  });
  const perThousand = new Gauge({
    name: 'pennygrad_cost_usd_per_thousand_samples',
    help: 'Cost in USD of training on a thousand samples, at the speed of the epoch so far; absent where no worker has a price.',
    registers,
  });
  // A gauge without labels starts at 0, which would be a measured cost.
  lastEpoch.remove();
  perThousand.remove();

  const reached = new Map<string, number>();
  /** Price of all workers together; undefined when none has one. */
  let fleetPrice: number | undefined;
  let totals = beginEpoch(0);

  /** The worker has not cost anything yet, but will: its series start at 0, so that `increase()` counts from there. */
  function begin(worker: string, usdPerHour: number | undefined): void {
    if (usdPerHour === undefined) return;
    for (const category of ledgerCategories) cost.inc({ worker, category }, 0);
  }

  function book(entries: readonly LedgerEntry[]): void {
    for (const { workerId: worker, account } of entries) {
      // A worker that has no price now may have had one before the run was resumed.
      if (account.priceUsdPerHour === undefined && bookedUsd(account) === 0) continue;
      for (const category of ledgerCategories) {
        const key = JSON.stringify([worker, category]);
        const before = reached.get(key) ?? 0;
        const usd = account.usd[category];
        if (!Number.isFinite(usd) || usd <= before) continue;
        cost.inc({ worker, category }, usd - before);
        reached.set(key, usd);
      }
    }
  }

  book(carried);
  for (const { workerId, priceUsdPerHour } of expected) begin(workerId, priceUsdPerHour);

  return (event) => {
    switch (event.type) {
      case 'generation':
        fleetPrice = pricePerHour(event.members.map(({ priceUsdPerHour }) => priceUsdPerHour));
        for (const { workerId: worker, priceUsdPerHour } of event.members) {
          if (priceUsdPerHour !== undefined) price.set({ worker }, priceUsdPerHour);
        }
        break;
      case 'worker-began':
        begin(event.workerId, event.priceUsdPerHour);
        break;
      case 'epoch-begun':
        totals = beginEpoch(event.epoch);
        break;
      case 'step': {
        totals = addStep(totals, event);
        const { samplesPerSecond } = epochMeans(totals);
        if (fleetPrice === undefined || samplesPerSecond === 0) break;
        perThousand.set(costPerThousandUsd({ usdPerHour: fleetPrice, samplesPerSecond }));
        break;
      }
      case 'epoch':
        // A part of an epoch would look like a fast and cheap one.
        if (fleetPrice === undefined || event.cutShort) break;
        lastEpoch.set(event.usd ?? accruedCostUsd(fleetPrice, event.seconds));
        break;
      case 'ledger':
        book(event.entries);
        break;
    }
  };
};
