import type { Gauge } from 'prom-client';
import { advanceOutlook, beginOutlook, readOutlook } from '../../record/outlook.ts';
import type { Collector } from '../collector.ts';
import { createUnsetGauge } from '../unset-gauge.ts';

export const createProjectionMetrics: Collector = (registry, run) => {
  const gauge = (name: string, help: string) =>
    createUnsetGauge({ name: `pennygrad_${name}`, help, registers: [registry] });
  const cost = gauge(
    'projected_cost_usd',
    'Accrued cost in USD of the whole run if it goes on at its present pace, test passes included; absent before the first step, and when no worker has a price.',
  );
  const secondsLeft = gauge(
    'projected_remaining_seconds',
    'Time to the end of training at the present pace, test passes included; absent before the first step, and once a run has ended early.',
  );
  const budgetUsdLeft = gauge(
    'budget_remaining_usd',
    'What is left of --budget-usd, accrued or billed (--budget-basis); absent when no such budget is set.',
  );
  const budgetSecondsLeft = gauge(
    'budget_remaining_seconds',
    'Time until the first budget (--budget-usd, --budget-hours) is used up at the present pace; absent when none is set or ever will be, and once the run has ended.',
  );
  let outlook = beginOutlook(run);
  let status: string | undefined;

  const show = (metric: Gauge, value: number | undefined) => {
    if (value === undefined) metric.remove();
    else metric.set(value);
  };

  return (event) => {
    if (event.type === 'ended') status = event.status;
    const now = run.clock.now();
    outlook = advanceOutlook(outlook, event, now);
    // The accounts are drawn up every second, also when nothing else happens.
    if (event.type !== 'ledger' && event.type !== 'ended') return;
    const { usd, usdByWorker, projection } = readOutlook(outlook, now);
    show(budgetUsdLeft, projection.budgetUsdLeft);
    show(budgetSecondsLeft, status === undefined ? projection.budgetSecondsLeft : undefined);
    const finalUsd = usdByWorker.size > 0 && status === 'completed' ? usd : undefined;
    show(cost, status === undefined ? projection.projectedUsd : finalUsd);
    show(secondsLeft, status === undefined ? projection.secondsLeft : status === 'completed' ? 0 : undefined);
  };
};
