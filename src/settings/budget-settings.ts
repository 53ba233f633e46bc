/** How much money and time a run may take. */
import { z } from 'zod';
import { budgetBases } from '../shared/core/budget-basis.ts';
import { choice, number } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

const wanted = 'a number greater than 0, or none';

/** `none` takes the budget from a resumed run that had one. */
const budget = z
  .union([z.literal('none').transform(() => undefined), number.pipe(z.number().positive(wanted))], wanted)
  .optional();

export const budgetSettings = {
  budgetUsd: {
    type: 'string',
    describe: 'Stop, resumably, when the workers together have cost this many USD; none: no such budget',
    schema: budget,
  },
  budgetBasis: {
    type: 'string',
    describe: `What --budget-usd limits: accrued (price × time) or billed (by each provider's unit and minimum)`,
    defaultText: 'accrued',
    schema: choice(budgetBases).default('accrued'),
  },
  budgetHours: {
    type: 'string',
    describe: 'Stop, resumably, when the run has taken this many hours; none: no such budget',
    schema: budget,
  },
} as const satisfies SettingsTable;

export type BudgetConfig = Parsed<typeof budgetSettings>;

export function budgetOf({ budgetUsd, budgetHours, budgetBasis }: BudgetConfig) {
  return { usd: budgetUsd, hours: budgetHours, basis: budgetBasis };
}
