import { Counter, Gauge, type Registry } from 'prom-client';
import { accruedCostUsd } from '../../../economics/ledger/cost.ts';
import { type LedgerCategory, ledgerCategories } from '../../../economics/ledger/ledger.ts';

export interface CostMetrics {
  workerPrice(workerId: string, usdPerHour: number): void;
  /** The worker has not cost anything yet, but will: its series begin, so that a scrape may see where from. */
  costBegins(workerId: string): void;
  /** The worker's cost in this category since the run began, as the ledger has it. It never falls there. */
  costReached(workerId: string, category: LedgerCategory, usd: number): void;
  epochCost(usd: number): void;
  /** What samples cost at this speed and this price of all workers together. */
  costOfSamples(usdPerHour: number, samplesPerSecond: number): void;
}

export function createCostMetrics(registry: Registry): CostMetrics {
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
  // A gauge without labels begins as 0, which would be a cost that was measured.
  lastEpoch.remove();
  perThousand.remove();
  const reached = new Map<string, number>();

  return {
    workerPrice: (worker, usdPerHour) => price.set({ worker }, usdPerHour),
    costBegins(worker) {
      for (const category of ledgerCategories) cost.inc({ worker, category }, 0);
    },
    costReached(worker, category, usd) {
      const key = JSON.stringify([worker, category]);
      const before = reached.get(key) ?? 0;
      if (!Number.isFinite(usd) || usd <= before) return;
      cost.inc({ worker, category }, usd - before);
      reached.set(key, usd);
    },
    epochCost: (usd) => lastEpoch.set(usd),
    costOfSamples(usdPerHour, samplesPerSecond) {
      if (samplesPerSecond > 0) perThousand.set(accruedCostUsd(usdPerHour, 1000 / samplesPerSecond));
    },
  };
}
