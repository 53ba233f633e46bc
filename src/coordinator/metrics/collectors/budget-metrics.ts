import { Gauge, type Registry } from 'prom-client';
import type { Budget } from '../../../economics/ledger/budget.ts';

const secondsPerHour = 3600;

export interface BudgetMetrics {
  /** What the run may take. */
  budget(budget: Budget): void;
}

export function createBudgetMetrics(registry: Registry): BudgetMetrics {
  const registers = [registry];
  const usd = new Gauge({
    name: 'pennygrad_budget_usd',
    help: 'Cost in USD at which the run ends; absent when no such budget is set.',
    registers,
  });
  const seconds = new Gauge({
    name: 'pennygrad_budget_seconds',
    help: 'Time after which the run ends (--budget-hours); absent when no such budget is set.',
    registers,
  });
  // A gauge without labels begins as 0, which would be a budget of nothing.
  usd.remove();
  seconds.remove();
  return {
    budget(limits) {
      if (limits.usd !== undefined) usd.set(limits.usd);
      if (limits.hours !== undefined) seconds.set(limits.hours * secondsPerHour);
    },
  };
}
