import { Gauge } from 'prom-client';
import { secondsPerHour } from '../../../economics/ledger/cost.ts';
import type { Collector } from '../collector.ts';

export const createBudgetMetrics: Collector = (registry, { budget }) => {
  const registers = [registry];
  const usd = new Gauge({
    name: 'pennygrad_budget_usd',
    help: 'Cost in USD at which the run ends, accrued or billed (--budget-basis); absent when no such budget is set.',
    registers,
  });
  const seconds = new Gauge({
    name: 'pennygrad_budget_seconds',
    help: 'Time after which the run ends (--budget-hours); absent when no such budget is set.',
    registers,
  });
  // A gauge without labels starts at 0, which would be a budget of nothing.
  usd.remove();
  seconds.remove();
  if (budget.budgetUsd !== undefined) usd.set(budget.budgetUsd);
  if (budget.budgetHours !== undefined) seconds.set(budget.budgetHours * secondsPerHour);
  return () => {};
};
