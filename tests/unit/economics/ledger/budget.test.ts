import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findSpentBudget, isBudgetNear, raiseSpentBudget } from '../../../../src/economics/ledger/budget.ts';
import { leastBilledUsd } from '../../../../src/economics/ledger/cost.ts';
import { hourlyPrice, logUniform } from '../../../support/realistic-numbers.ts';

const none = { usd: undefined, hours: undefined, basis: 'accrued' } as const;
const billed = { ...none, basis: 'billed' } as const;
const nothing = { usd: 0, billedUsd: 0, billedAtEndUsd: 0, seconds: 0 };

describe('a budget is used up', () => {
  test.each([
    [{ ...none, usd: 5 }, { ...nothing, usd: 4.99, billedUsd: 9, billedAtEndUsd: 9, seconds: 1e9 }, undefined],
    [{ ...none, usd: 5 }, { ...nothing, usd: 5 }, '--budget-usd 5 is reached'],
    [{ ...none, hours: 0.5 }, { ...nothing, usd: 1e9, seconds: 1799 }, undefined],
    [{ ...none, hours: 0.5 }, { ...nothing, seconds: 1800 }, '--budget-hours 0.5 is reached'],
    [{ ...none, usd: 5, hours: 1 }, { ...nothing, usd: 6, seconds: 7200 }, '--budget-usd 5 is reached'],
    [none, { ...nothing, usd: 1e9, seconds: 1e9 }, undefined],
    // A bill may be all of the budget, but not pass it.
    [{ ...billed, usd: 5 }, { ...nothing, usd: 1, billedUsd: 5, billedAtEndUsd: 5 }, undefined],
    [
      { ...billed, usd: 5 },
      { ...nothing, usd: 1, billedUsd: 4, billedAtEndUsd: 5.01 },
      '--budget-usd 5 leaves no room for the next unit of the bill',
    ],
    [
      { ...billed, usd: 5 },
      { ...nothing, usd: 1, billedUsd: 5.5, billedAtEndUsd: 5.5 },
      '--budget-usd 5 is reached by the bill',
    ],
    // What has accrued is in the bill, and it is the bill that counts.
    [
      { ...billed, usd: 5 },
      { ...nothing, usd: 6, billedUsd: 7, billedAtEndUsd: 7 },
      '--budget-usd 5 is reached by the bill',
    ],
    [{ ...billed, usd: 5, hours: 1 }, { ...nothing, seconds: 3600 }, '--budget-hours 1 is reached'],
  ])('of %j, when %j is spent: %s', (budget, spent, reason) => {
    expect(findSpentBudget(budget, spent)).toBe(reason);
  });
});

describe('a budget is raised where it is used up', () => {
  test.each([
    [{ usd: 20 }, { usd: 20.6, seconds: 9e9 }, { usd: 42 }],
    // Far overspent: twice the old budget would have been used up already.
    [{ usd: 0.0001 }, { usd: 0.0032, seconds: 9 }, { usd: 0.0064 }],
    [{ usd: 5, hours: 2 }, { usd: 5, seconds: 60 }, { usd: 10 }],
    [{ usd: 5, hours: 0.5 }, { usd: 1, seconds: 1802 }, { hours: 1.1 }],
    [
      { usd: 1234, hours: 1 },
      { usd: 1235, seconds: 3600 },
      { usd: 2500, hours: 2 },
    ],
    [{ hours: 0.5 }, { usd: 1, seconds: 1802 }, { hours: 1.1 }],
    [{}, { usd: 1, seconds: 1 }, {}],
  ])('from %j, of which %j had accrued, to %j', (budget, spent, raised) => {
    // What restarting is billed is no part of what accrues.
    const raisedTo = raiseSpentBudget({ ...none, ...budget }, { billedUsd: 1e9, ...spent }, 1e9);
    expect(raisedTo).toEqual({ usd: undefined, hours: undefined, ...raised });
  });

  test.each([
    // $0.019 of $0.02 are billed, and a restart is billed another cent at least.
    [{ usd: 0.02 }, { billedUsd: 0.019, seconds: 60 }, 0.01, { usd: 0.048 }],
    // The hours have ended the run. What is left of the bill is enough for a restart, or is not.
    [{ usd: 5, hours: 1 }, { billedUsd: 4, seconds: 3600 }, 1, { hours: 2 }],
    [{ usd: 5, hours: 1 }, { billedUsd: 4, seconds: 3600 }, 1.5, { usd: 9.5, hours: 2 }],
  ])('from %j, of which %j was billed and a restart %d, to %j', (budget, spent, restartUsd, raised) => {
    const raisedTo = raiseSpentBudget({ ...billed, ...budget }, { usd: 0, ...spent }, restartUsd);
    expect(raisedTo).toEqual({ usd: undefined, hours: undefined, ...raised });
  });

  test('so that a resumed run is billed for its start and as much again', () => {
    fc.assert(
      fc.property(hourlyPrice, logUniform(1e-4, 1e3), fc.constantFrom(1, 60, 3600), (price, billedUsd, unit) => {
        const restartUsd = leastBilledUsd(price, { granularitySeconds: unit, minimumSeconds: 60 });
        const { usd = 0 } = raiseSpentBudget(
          { ...billed, usd: billedUsd },
          { usd: 0, billedUsd, seconds: 1 },
          restartUsd,
        );
        expect(usd).toBeGreaterThanOrEqual((2 * billedUsd + restartUsd) * (1 - 1e-9));
        expect(usd).toBeLessThanOrEqual((2 * billedUsd + restartUsd) * 1.1);
      }),
    );
  });
});

describe('a budget is near', () => {
  const taken = { usd: 8.9, billedUsd: 20, billedAtEndUsd: 20, seconds: 3200 };
  const budget = { usd: 10, hours: undefined, basis: 'accrued' } as const;

  test.each([
    [budget, taken, false],
    [budget, { ...taken, usd: 9 }, true],
    [{ ...budget, usd: undefined, hours: 1 }, taken, false],
    [{ ...budget, usd: undefined, hours: 1 }, { ...taken, seconds: 3240 }, true],
    [{ ...budget, usd: undefined }, { ...taken, usd: 1e9, seconds: 1e9 }, false],
    [{ ...budget, basis: 'billed' }, { ...taken, billedAtEndUsd: 0 }, true],
    [{ ...budget, usd: undefined, basis: 'billed' }, taken, false],
  ] as const)('by nine tenths of it, and a bill always: %o, %o', (of, spent, isNear) => {
    expect(isBudgetNear(of, spent)).toBe(isNear);
  });
});
