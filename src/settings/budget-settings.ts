/** How much money and time a run may take. */
import { positive } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

export const budgetSettings = {
  budgetUsd: {
    type: 'string',
    describe: 'Stop, resumably, when the workers together have cost this many USD',
    schema: positive.optional(),
  },
  budgetHours: {
    type: 'string',
    describe: 'Stop, resumably, when the run has taken this many hours',
    schema: positive.optional(),
  },
} as const satisfies SettingsTable;

export type BudgetConfig = Parsed<typeof budgetSettings>;

export function budgetOf({ budgetUsd, budgetHours }: BudgetConfig) {
  return { usd: budgetUsd, hours: budgetHours };
}
