import { findSpentBudget } from '../economics/ledger/budget.ts';
import { secondsPerHour } from '../economics/ledger/cost.ts';
import { billedUsd, bookedUsd } from '../economics/ledger/ledger.ts';
import { type BudgetConfig, budgetOf } from '../settings/budget-settings.ts';
import { badInput } from '../shared/core/errors.ts';
import { formatUsdToDigits } from '../shared/core/number-format.ts';
import { sumOf } from '../shared/core/sums.ts';
import type { CarriedAccounts } from './record/bookkeeper.ts';
import type { ExpectedWorker } from './run-options.ts';

/**
 * A run whose budget is used up would end at once, so it is not resumed; nor is a run begun whose workers would be billed
 * more than its budget however soon it ended.
 * @param carried what the run had taken before; undefined for a new one
 * @param expected the workers that will be rented, where they are known
 * @throws bad-input naming the budget and what the run has taken so far, or will be billed
 */
export function requireBudgetLeft(
  budget: BudgetConfig,
  carried: CarriedAccounts | undefined,
  expected: readonly ExpectedWorker[] = [],
): void {
  const { entries = [], runSeconds = 0 } = carried ?? {};
  const usd = sumOf(entries.map(({ account }) => bookedUsd(account)));
  const billed = sumOf(entries.map(({ account }) => billedUsd(account)));
  const spent = { usd, billedUsd: billed, billedAtEndUsd: billed, seconds: runSeconds };
  const reason = findSpentBudget(budgetOf(budget), spent);
  const more = 'give it more with --budget-usd or --budget-hours, or none to lift a budget';
  if (reason !== undefined) {
    const bill = budget.budgetBasis === 'billed' ? ` and is billed ${formatUsdToDigits(billed)}` : '';
    throw badInput(
      `${reason}: the run has cost ${formatUsdToDigits(usd)}${bill} in ${(runSeconds / secondsPerHour).toFixed(4)} h so far; ${more}`,
    );
  }
  const leastUsd = sumOf(expected.map(({ leastBilledUsd = 0 }) => leastBilledUsd));
  const { budgetUsd = Number.POSITIVE_INFINITY, budgetBasis } = budget;
  if (budgetBasis === 'accrued' || billed + leastUsd <= budgetUsd) return;
  const rentals = expected.length === 1 ? 'the rental of a worker' : `the rentals of ${expected.length} workers`;
  const before = billed > 0 ? `, and ${formatUsdToDigits(billed)} is billed already` : '';
  throw badInput(
    `--budget-usd ${budgetUsd}: ${rentals} will be billed ${formatUsdToDigits(leastUsd)} at least, by the providers' ` +
      `minimum${before}; ${billed > 0 ? more : 'give it more'}, or limit what accrues with --budget-basis accrued`,
  );
}
