/**
 * The highest price of a worker, in USD per hour. It is a hundred times the dearest machine of the shipped price table. A
 * higher one is a mistake, or a stranger who wants to use up the budget.
 */
export const maxPriceUsdPerHour = 10_000;
