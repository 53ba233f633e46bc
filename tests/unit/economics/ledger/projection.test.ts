import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Budget } from '../../../../src/economics/ledger/budget.ts';
import { billedCostUsd } from '../../../../src/economics/ledger/cost.ts';
import { project, type Standing } from '../../../../src/economics/ledger/projection.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

const unlimited: Budget = { usd: undefined, hours: undefined, basis: 'accrued' };
/** After ten minutes at $3.60 an hour, a tenth of a cent a second; billed by the second. */
const standing: Standing = {
  usd: 0.6,
  usdPerHour: 3.6,
  billedUsdAfter: (seconds) => 0.6 + 0.001 * Math.ceil(seconds),
  runSeconds: 600,
  endingSeconds: 0,
  secondsLeft: 300,
};

describe('what a run will have cost in the end', () => {
  test('is what it has cost, and price × the time that is left', () => {
    expect(project(standing, unlimited)).toEqual({
      secondsLeft: 300,
      projectedUsd: expect.closeTo(0.9, 12),
      budgetUsdLeft: undefined,
      budgetSecondsLeft: undefined,
    });
  });

  test('is not known without a price, nor before it is known how long the run will take', () => {
    expect(project({ ...standing, usdPerHour: undefined }, unlimited).projectedUsd).toBeUndefined();
    expect(project({ ...standing, secondsLeft: undefined }, unlimited).projectedUsd).toBeUndefined();
  });
});

describe('a budget', () => {
  test.each([
    ['of money', { usd: 1 }, 0.4, 400],
    ['of time', { hours: 0.25 }, undefined, 300],
    ['of both, money first', { usd: 0.7, hours: 0.25 }, 0.1, 100],
    ['of both, time first', { usd: 1, hours: 0.25 }, 0.4, 300],
    ['that is used up', { usd: 0.5, hours: 0.1 }, 0, 0],
  ])('%s has so much left, and lasts so long', (_, budget, usd, seconds) => {
    const { budgetUsdLeft, budgetSecondsLeft } = project(standing, { ...unlimited, ...budget });
    expect(budgetUsdLeft).toEqual(usd === undefined ? undefined : expect.closeTo(usd, 12));
    expect(budgetSecondsLeft).toBeCloseTo(seconds, 9);
  });

  test('of money lasts for ever where nothing costs any, and a time is then what ends the run', () => {
    for (const usdPerHour of [undefined, 0]) {
      const free = { ...standing, usd: 0, usdPerHour };
      expect(project(free, { ...unlimited, usd: 1 })).toMatchObject({ budgetUsdLeft: 1, budgetSecondsLeft: undefined });
      expect(project(free, { ...unlimited, usd: 1, hours: 0.2 }).budgetSecondsLeft).toBeCloseTo(120, 9);
    }
  });

  test('of what accrues lasts as long, whatever is billed', () => {
    const { budgetUsdLeft, budgetSecondsLeft } = project(
      { ...standing, billedUsdAfter: () => 100 },
      { ...unlimited, usd: 1 },
    );
    expect(budgetUsdLeft).toBeCloseTo(0.4, 12);
    expect(budgetSecondsLeft).toBeCloseTo(400, 9);
  });

  test('may be billed to its last cent, and lasts for ever where a bill would take longer than 30,000 years', () => {
    const lastsOn = (usd: number, billedUsdAfter: (seconds: number) => number) =>
      project({ ...standing, billedUsdAfter }, { usd, hours: undefined, basis: 'billed' }).budgetSecondsLeft;
    // Six cents for each minute that has begun, half a minute ago: two of them end in a minute and a half.
    expect(lastsOn(0.12, (seconds) => 0.06 * Math.ceil((30 + seconds) / 60))).toBeCloseTo(90, 3);
    expect(lastsOn(2, (seconds) => seconds / 2 ** 38)).toBeCloseTo(2 ** 39, -6);
    expect(lastsOn(32, (seconds) => seconds / 2 ** 38)).toBeUndefined();
  });

  test('of the bill lasts until the run has to end: as long before the next unit as that takes', () => {
    const rentals = fc.array(
      fc.record({
        alive: logUniform(1, 5000),
        price: logUniform(0.1, 50),
        granularitySeconds: fc.constantFrom(1, 60, 3600),
        minimumSeconds: fc.constantFrom(0, 60),
      }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(rentals, logUniform(0.3, 30), fc.constantFrom(0, 3, 90), (all, share, endingSeconds) => {
        const billed = (seconds: number) =>
          all.reduce((sum, { alive, price, ...rule }) => sum + billedCostUsd(alive + seconds, price, rule), 0);
        const usdPerHour = all.reduce((sum, { price }) => sum + price, 0);
        const usd = share * billed(0);
        const { budgetSecondsLeft: left = Number.NaN, budgetUsdLeft } = project(
          { ...standing, usdPerHour, billedUsdAfter: billed, endingSeconds },
          { usd, hours: undefined, basis: 'billed' },
        );
        expect(budgetUsdLeft).toBeCloseTo(Math.max(0, usd - billed(0)), 9);
        if (billed(endingSeconds) > usd) expect(left).toBe(0);
        else {
          expect(billed(left + endingSeconds)).toBeLessThanOrEqual(usd);
          expect(billed(left * (1 + 1e-5) + 1e-5 + endingSeconds)).toBeGreaterThan(usd);
        }
      }),
    );
  });
});
