/** How much a run may take. */
import { positive } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

export const budgetSettings = {
  budgetUsd: {
    type: 'string',
    describe: 'End resumably once all workers together have cost so many USD',
    schema: positive.optional(),
  },
  budgetHours: {
    type: 'string',
    describe: 'End resumably once the run has taken so many hours',
    schema: positive.optional(),
  },
} as const satisfies SettingsTable;

export type BudgetConfig = Parsed<typeof budgetSettings>;

export function budgetOf({ budgetUsd, budgetHours }: BudgetConfig) {
  return { usd: budgetUsd, hours: budgetHours };
}
