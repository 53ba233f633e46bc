import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accruedCostUsd,
  aliveSeconds,
  billedCostUsd,
  billedSeconds,
  leastBilledUsd,
  pricePerHour,
} from '../../../../src/economics/ledger/cost.ts';
import { hourlyPrice, logUniform, orZero } from '../../../support/realistic-numbers.ts';

const rule = fc.record({
  granularitySeconds: fc.constantFrom(1, 60, 300, 3600),
  minimumSeconds: fc.constantFrom(0, 60, 300, 3600),
});
const alive = orZero(logUniform(0.01, 1e7));
const price = hourlyPrice;

describe('aliveSeconds', () => {
  it.each([
    [1_750_000_000_000, 1_750_000_090_500, 90.5],
    [1_750_000_000_000, 1_750_000_000_000, 0],
    [1_750_000_000_000, 1_749_999_999_000, 0],
  ])('from %d to %d ms of the wall clock is %d s', (since, now, seconds) => {
    expect(aliveSeconds(since, now)).toBe(seconds);
  });
});

describe('pricePerHour', () => {
  it.each([
    [[0.25, 0.5], 0.75],
    [[0.25, undefined], 0.25],
    [[0], 0],
    [[undefined, undefined], undefined],
    [[], undefined],
  ])('of workers at %j is %s', (prices, usd) => {
    expect(pricePerHour(prices)).toBe(usd);
  });
});

describe('billedCostUsd', () => {
  it.each([
    // At $3.60 an hour a second is a tenth of a cent.
    [0, 1, 60, 0],
    [0.4, 1, 60, 0.06],
    [60.2, 1, 60, 0.061],
    [61, 60, 0, 0.12],
    [3601, 3600, 3600, 7.2],
    [10, 60, 90, 0.12],
  ])('%d s by units of %d s and a minimum of %d s cost $%d', (seconds, granularitySeconds, minimumSeconds, usd) => {
    expect(billedCostUsd(seconds, 3.6, { granularitySeconds, minimumSeconds })).toBeCloseTo(usd, 12);
  });

  it('is never less than what accrued', () => {
    fc.assert(
      fc.property(alive, price, rule, (seconds, usd, billing) => {
        expect(billedCostUsd(seconds, usd, billing)).toBeGreaterThanOrEqual(accruedCostUsd(usd, seconds));
      }),
    );
  });

  it('never falls as time goes on', () => {
    fc.assert(
      fc.property(alive, alive, price, rule, (a, b, usd, billing) => {
        const [sooner, later] = [Math.min(a, b), Math.max(a, b)];
        expect(billedCostUsd(later, usd, billing)).toBeGreaterThanOrEqual(billedCostUsd(sooner, usd, billing));
      }),
    );
  });

  it.each([
    // At $3.60 an hour a second is a tenth of a cent.
    [1, 60, 0.06],
    [1, 0, 0.001],
    [60, 0, 0.06],
    [60, 90, 0.12],
    [3600, 3600, 3.6],
  ])('by units of %d s and a minimum of %d s is $%d at least', (granularitySeconds, minimumSeconds, usd) => {
    expect(leastBilledUsd(3.6, { granularitySeconds, minimumSeconds })).toBeCloseTo(usd, 12);
  });

  it('is never less than the least, once there is any', () => {
    fc.assert(
      fc.property(logUniform(0.001, 1e7), price, rule, (seconds, usd, billing) => {
        expect(billedCostUsd(seconds, usd, billing)).toBeGreaterThanOrEqual(leastBilledUsd(usd, billing) * (1 - 1e-12));
      }),
    );
  });

  it('is what accrued where the time is whole units, from the minimum up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), price, rule, (units, usd, billing) => {
        const seconds = units * billing.granularitySeconds;
        fc.pre(seconds >= billing.minimumSeconds);
        expect(billedCostUsd(seconds, usd, billing)).toBe(accruedCostUsd(usd, seconds));
      }),
    );
  });

  it('exceeds what was used by less than a unit, beyond the minimum, or by rounding to one', () => {
    fc.assert(
      fc.property(alive, rule, (seconds, billing) => {
        fc.pre(seconds >= billing.minimumSeconds);
        expect(billedSeconds(seconds, billing) - seconds).toBeLessThanOrEqual(billing.granularitySeconds);
      }),
    );
  });
});
