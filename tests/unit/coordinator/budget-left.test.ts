import { expect, test } from 'vitest';
import { requireBudgetLeft } from '../../../src/coordinator/budget-left.ts';
import type { LedgerEntry } from '../../../src/coordinator/run-events.ts';
import { newAccount } from '../../../src/economics/ledger/ledger.ts';
import { budgetConfig } from '../../support/settings.ts';

/** Two workers that cost $2 and $1 in an hour. */
const entry = (workerId: string, compute: number): LedgerEntry => ({
  workerId,
  rank: 0,
  samples: 0,
  account: { ...newAccount, usd: { ...newAccount.usd, compute } },
  priceSinceUnixMs: 0,
});
const carried = { entries: [entry('w0', 2), entry('w1', 1)], runSeconds: 3600, step: 9 };

test('a run whose budget lasts may be resumed', () => {
  expect(() => requireBudgetLeft(budgetConfig(), carried)).not.toThrow();
  expect(() => requireBudgetLeft(budgetConfig({ budgetUsd: 3.01, budgetHours: 1.01 }), carried)).not.toThrow();
});

test.each([
  [{ budgetUsd: 3 }, /^--budget-usd 3 is reached: the run has cost \$3\.000000 in 1\.0000 h so far; give it more/],
  [{ budgetHours: 1 }, /^--budget-hours 1 is reached: the run has cost \$3\.000000 in 1\.0000 h so far; give it more/],
])('a run that has used up its budget is refused with what it took: %o', (budget, message) => {
  expect(() => requireBudgetLeft(budgetConfig(budget), carried)).toThrow(message);
});
