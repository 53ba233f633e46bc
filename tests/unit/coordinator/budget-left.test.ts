import { expect, test } from 'vitest';
import { requireBudgetLeft } from '../../../src/coordinator/budget-left.ts';
import type { LedgerEntry } from '../../../src/coordinator/run-events.ts';
import { newAccount } from '../../../src/economics/ledger/ledger.ts';
import { budgetConfig } from '../../support/settings.ts';

/** Two workers that cost $2 and $1 in an hour, and were billed twice that. */
const entry = (workerId: string, compute: number): LedgerEntry => ({
  workerId,
  rank: 0,
  samples: 0,
  account: { ...newAccount, usd: { ...newAccount.usd, compute }, endedBilledUsd: 2 * compute },
  priceSinceUnixMs: 0,
});
const carried = { entries: [entry('w0', 2), entry('w1', 1)], runSeconds: 3600, step: 9 };

test('a run whose budget lasts may be resumed', () => {
  expect(() => requireBudgetLeft(budgetConfig(), carried)).not.toThrow();
  expect(() => requireBudgetLeft(budgetConfig({ budgetUsd: 3.01, budgetHours: 1.01 }), carried)).not.toThrow();
});

test.each([
  [{ budgetUsd: 3 }, /^--budget-usd 3 is reached: the run has cost \$3\.00 in 1\.0000 h so far; give it more/],
  [{ budgetHours: 1 }, /^--budget-hours 1 is reached: the run has cost \$3\.00 in 1\.0000 h so far; give it more/],
])('a run that has used up its budget is refused with what it took: %o', (budget, message) => {
  expect(() => requireBudgetLeft(budgetConfig(budget), carried)).toThrow(message);
});

/** Two workers that a provider bills half a dollar each at least. */
const expected = ['w0', 'w1'].map((workerId) => ({ workerId, hasPrice: true, leastBilledUsd: 0.5 }));
const billed = (budgetUsd: number) => budgetConfig({ budgetUsd, budgetBasis: 'billed' });

test('a run is not begun whose workers will be billed more than it may cost', () => {
  expect(() => requireBudgetLeft(billed(0.99), undefined, expected)).toThrow(
    "--budget-usd 0.99: the rentals of 2 workers will be billed $1.00 at least, by the providers' minimum; give it more, or limit what accrues with --budget-basis accrued",
  );
  expect(() => requireBudgetLeft(billed(1), undefined, expected)).not.toThrow();
  expect(() => requireBudgetLeft(budgetConfig({ budgetUsd: 0.01 }), undefined, expected)).not.toThrow();
  expect(() => requireBudgetLeft(billed(0.01), undefined, [{ workerId: 'w0', hasPrice: true }])).not.toThrow();
});

test('a run is resumed if its budget has room for what was billed and what its workers will be at least', () => {
  expect(() => requireBudgetLeft(billed(7), carried, expected)).not.toThrow();
  expect(() => requireBudgetLeft(billed(6.99), carried, expected)).toThrow(
    /^--budget-usd 6\.99: the rentals of 2 workers will be billed \$1\.00 at least, .*, and \$6\.00 is billed already; give it more/,
  );
  expect(() => requireBudgetLeft(billed(5.99), carried, [])).toThrow(
    /^--budget-usd 5\.99 is reached by the bill: the run has cost \$3\.00 and is billed \$6\.00 in 1\.0000 h so far/,
  );
});
