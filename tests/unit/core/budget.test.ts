import { expect, test } from 'vitest';
import { findSpentBudget } from '../../../src/shared/core/budget.ts';

test.each([
  [{ usd: 5, hours: undefined }, { usd: 4.99, seconds: 1e9 }, undefined],
  [{ usd: 5, hours: undefined }, { usd: 5, seconds: 0 }, '--budget-usd 5 is reached'],
  [{ usd: undefined, hours: 0.5 }, { usd: 1e9, seconds: 1799 }, undefined],
  [{ usd: undefined, hours: 0.5 }, { usd: 0, seconds: 1800 }, '--budget-hours 0.5 is reached'],
  [{ usd: 5, hours: 1 }, { usd: 6, seconds: 7200 }, '--budget-usd 5 is reached'],
  [{ usd: undefined, hours: undefined }, { usd: 1e9, seconds: 1e9 }, undefined],
])('a budget of %j, of which %j is spent', (budget, spent, reason) => {
  expect(findSpentBudget(budget, spent)).toBe(reason);
});
