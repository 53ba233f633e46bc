import { expect, test } from 'vitest';
import { findSpentBudget, raiseSpentBudget } from '../../../../src/economics/ledger/budget.ts';

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

test.each([
  [
    { usd: 20, hours: undefined },
    { usd: 20.6, seconds: 9e9 },
    { usd: 42, hours: undefined },
  ],
  // Far overspent: twice the old budget would have been used up already.
  [
    { usd: 0.0001, hours: undefined },
    { usd: 0.0032, seconds: 9 },
    { usd: 0.0064, hours: undefined },
  ],
  [
    { usd: 5, hours: 2 },
    { usd: 5, seconds: 60 },
    { usd: 10, hours: undefined },
  ],
  [
    { usd: 5, hours: 0.5 },
    { usd: 1, seconds: 1802 },
    { usd: undefined, hours: 1.1 },
  ],
  [
    { usd: 1234, hours: 1 },
    { usd: 1235, seconds: 3600 },
    { usd: 2500, hours: 2 },
  ],
  [
    { usd: undefined, hours: undefined },
    { usd: 1, seconds: 1 },
    { usd: undefined, hours: undefined },
  ],
])('a budget of %j, of which %j is spent, is raised where it is used up', (budget, spent, raised) => {
  expect(raiseSpentBudget(budget, spent)).toEqual(raised);
});
