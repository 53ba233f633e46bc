import { secondsPerHour } from '../../../economics/ledger/cost.ts';
import type { Collector } from '../collector.ts';
import { createUnsetGauge } from '../unset-gauge.ts';

export const createBudgetMetrics: Collector = (registry, { budget }) => {
  const registers = [registry];
  const usd = createUnsetGauge({
    name: 'pennygrad_budget_usd',
    help: 'Cost in USD at which the run ends, accrued or billed (--budget-basis); absent when no such budget is set.',
    registers,
  });
  const seconds = createUnsetGauge({
    name: 'pennygrad_budget_seconds',
    help: 'Time after which the run ends (--budget-hours); absent when no such budget is set.',
    registers,
  });
  if (budget.budgetUsd !== undefined) usd.set(budget.budgetUsd);
  if (budget.budgetHours !== undefined) seconds.set(budget.budgetHours * secondsPerHour);
  return () => {};
};
