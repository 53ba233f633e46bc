/** A budget in USD limits one of these: price × time alive, or what providers bill for that time. */
export const budgetBases = ['accrued', 'billed'] as const;
export type BudgetBasis = (typeof budgetBases)[number];
