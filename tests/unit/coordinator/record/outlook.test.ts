import { expect, test } from 'vitest';
import { createBookkeeper } from '../../../../src/coordinator/record/bookkeeper.ts';
import { advanceOutlook, beginOutlook, readOutlook } from '../../../../src/coordinator/record/outlook.ts';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { findSpentBudget } from '../../../../src/economics/ledger/budget.ts';
import { budgetOf } from '../../../../src/settings/budget-settings.ts';
import { member, observedRun, stepEvent } from '../../../support/observed-run.ts';
import { budgetConfig } from '../../../support/settings.ts';

test('a budget of the bill lasts until the moment at which the run is told to end for it', () => {
  let now = 0;
  const books = createBookkeeper({
    clock: { now: () => now, unixMs: () => now * 1000 },
    startedAt: 0,
    carried: undefined,
  });
  const budget = budgetConfig({ budgetUsd: 5, budgetBasis: 'billed' });
  let outlook = beginOutlook({ ...observedRun, budget });
  const tell = (event: RunEvent) => {
    const accounts = books.observe(event);
    for (const told of accounts === undefined ? [event] : [event, accounts])
      outlook = advanceOutlook(outlook, told, now);
  };
  // Two dollars for each hour that has begun: there is room for two hours.
  tell({ type: 'worker-began', workerId: 'w0', at: 0, priceUsdPerHour: 2, gpu: 'hetzner/cx/on-demand' });
  tell({ type: 'generation', number: 1, parameterCount: 1, reason: '', members: [member(0, 2)] });
  now = 600;
  tell(stepEvent(0, { seconds: 40 }));
  tell({ type: 'checkpoint-saved', step: 1, seconds: 20, unixMs: 0 });
  const { budgetSecondsLeft = Number.NaN } = readOutlook(outlook, now).projection;
  const told = now + budgetSecondsLeft;
  // Two slow steps and a checkpoint before the third hour, and the processes have to end as well.
  expect(told).toBeLessThan(7200 - 40 - 40 - 20);
  expect(told).toBeGreaterThan(7200 - 120);
  now = told - 0.1;
  expect(findSpentBudget(budgetOf(budget), books.spent())).toBeUndefined();
  now = told + 0.1;
  expect(findSpentBudget(budgetOf(budget), books.spent())).toBe(
    '--budget-usd 5 leaves no room for the next unit of the bill',
  );
});
