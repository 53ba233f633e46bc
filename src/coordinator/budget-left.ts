import { findSpentBudget } from '../economics/ledger/budget.ts';
import { bookedUsd } from '../economics/ledger/ledger.ts';
import { type BudgetConfig, budgetOf } from '../settings/budget-settings.ts';
import { badInput } from '../shared/core/errors.ts';
import type { CarriedAccounts } from './record/bookkeeper.ts';

/**
 * A run whose budget is used up would end at once, so it is not resumed.
 * @throws bad-input naming the budget and what the run has taken so far
 */
export function requireBudgetLeft(budget: BudgetConfig, { entries, runSeconds }: CarriedAccounts): void {
  const usd = entries.reduce((sum, { account }) => sum + bookedUsd(account), 0);
  const reason = findSpentBudget(budgetOf(budget), { usd, seconds: runSeconds });
  if (reason === undefined) return;
  throw badInput(
    `${reason}: the run has cost $${usd.toFixed(6)} in ${(runSeconds / 3600).toFixed(4)} h so far; ` +
      'give it more with --budget-usd or --budget-hours, or none to lift a budget',
  );
}
