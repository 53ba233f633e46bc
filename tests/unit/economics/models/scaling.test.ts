import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Estimate } from '../../../../src/economics/models/confidence.ts';
import {
  breakEvenPrice,
  costPerThousandUsd,
  judgeWorker,
  replacementPrice,
} from '../../../../src/economics/models/scaling.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

const rate = logUniform(1, 1e6);
const price = logUniform(0.005, 100);
const fleet = fc.record({ usdPerHour: price, samplesPerSecond: rate });

describe('break-even prices', () => {
  test('an hour of 3,600,000 samples at $0.50 costs $0.0005 a thousand', () => {
    expect(costPerThousandUsd({ usdPerHour: 0.5, samplesPerSecond: 1000 })).toBeCloseTo(0.5 / 3600, 12);
  });

  test('at the break-even price a sample costs the same with the worker as without it', () => {
    fc.assert(
      fc.property(fleet, rate, (without, gained) => {
        const samplesPerSecond = without.samplesPerSecond + gained;
        const breakEven = breakEvenPrice(without, samplesPerSecond);
        const after = costPerThousandUsd({ usdPerHour: without.usdPerHour + breakEven, samplesPerSecond });
        expect(after / costPerThousandUsd(without)).toBeCloseTo(1, 6);
      }),
    );
  });

  test('at the replacement price a sample costs the same on either', () => {
    fc.assert(
      fc.property(fleet, rate, (reference, samplesPerSecond) => {
        const usdPerHour = replacementPrice(reference, samplesPerSecond);
        expect(costPerThousandUsd({ usdPerHour, samplesPerSecond }) / costPerThousandUsd(reference)).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('judgeWorker', () => {
  const sure = (value: number): Estimate => ({ value, interval: undefined });
  const within = (low: number, value: number, high: number): Estimate => ({ value, interval: [low, high] });

  test('a worker that adds 11 % speed pays below 11 % of what the others cost', () => {
    const judged = judgeWorker(0.4, 1.6, sure(1.11));
    expect(judged).toMatchObject({ verdict: 'costs more than it brings', uncertain: false });
    expect(judged.speedGain).toBeCloseTo(0.11, 12);
    expect(judged.breakEvenUsdPerHour).toBeCloseTo(0.176, 12);
    expect(judged.speedGainInterval).toBeUndefined();
    expect(judged.breakEvenIntervalUsdPerHour).toBeUndefined();
  });

  test.each([
    { what: 'exactly at the break-even price it pays', price: 0.5, ratio: 1.5, verdict: 'pays' },
    { what: 'a trifle above it does not', price: 0.501, ratio: 1.5, verdict: 'costs more than it brings' },
    { what: 'without any gain it only slows the others down', price: 0, ratio: 1, verdict: 'slows the others down' },
  ])('$what', ({ price: usdPerHour, ratio, verdict }) => {
    expect(judgeWorker(usdPerHour, 1, sure(ratio))).toMatchObject({ verdict, uncertain: false });
  });

  test.each([
    { what: 'a price above all of the interval', price: 0.7, ratio: within(0.51, 1, 1.63), sure: true },
    { what: 'a price within it', price: 0.2, ratio: within(0.51, 1.1, 1.63), sure: false },
    { what: 'a price at its upper end', price: 0.5, ratio: within(1.1, 1.3, 1.5), sure: true },
    { what: 'a price at its lower end', price: 0.5, ratio: within(1.5, 1.6, 1.7), sure: true },
    { what: 'a price below all of it', price: 0.4, ratio: within(1.5, 1.6, 1.7), sure: true },
  ])('$what is certain: $sure', ({ price: usdPerHour, ratio, sure: certain }) => {
    expect(judgeWorker(usdPerHour, 1, ratio).uncertain).toBe(!certain);
  });

  test('a price of $0.35 above a break-even price of -$0.17 to $0.22 is too much, whatever the gain is', () => {
    // Others at $0.35: the rate with the worker is 0.51 to 1.63 times that without it.
    for (const value of [0.9, 1.1]) {
      const judged = judgeWorker(0.35, 0.35, within(0.51, value, 1.63));
      expect(judged).toMatchObject({ verdict: 'costs more than it brings', uncertain: false });
      expect(judged.breakEvenIntervalUsdPerHour?.map((end) => end.toFixed(2))).toEqual(['-0.17', '0.22']);
      expect(judged.speedGainInterval?.map((end) => end.toFixed(2))).toEqual(['-0.49', '0.63']);
    }
  });

  test('surely slower is slower, and where that is open the verdict goes by the likeliest figure', () => {
    expect(judgeWorker(0.2, 1, within(0.7, 0.8, 0.9))).toMatchObject({
      verdict: 'slows the others down',
      uncertain: false,
    });
    expect(judgeWorker(0.2, 1, within(0.7, 0.8, 1))).toMatchObject({
      verdict: 'slows the others down',
      uncertain: false,
    });
    expect(judgeWorker(0.2, 1, within(0.7, 0.9, 1.3))).toMatchObject({
      verdict: 'slows the others down',
      uncertain: true,
    });
    expect(judgeWorker(0.2, 1, within(0.7, 1.25, 1.3))).toMatchObject({ verdict: 'pays', uncertain: true });
    expect(judgeWorker(0.2, 1, within(0.7, 1.1, 1.3))).toMatchObject({
      verdict: 'costs more than it brings',
      uncertain: true,
    });
  });

  test('a free worker among free ones pays if it brings speed', () => {
    expect(judgeWorker(0, 0, sure(1.5))).toMatchObject({ verdict: 'pays', uncertain: false });
    expect(judgeWorker(0, 0, within(1.1, 1.5, 2))).toMatchObject({ verdict: 'pays', uncertain: false });
    expect(judgeWorker(0, 0, within(0.9, 1.5, 2))).toMatchObject({ verdict: 'pays', uncertain: true });
    expect(judgeWorker(0, 0, within(0.5, 0.7, 0.9))).toMatchObject({
      verdict: 'slows the others down',
      uncertain: false,
    });
    expect(judgeWorker(0, 0, within(1, 1.5, 2))).toMatchObject({ uncertain: false });
    expect(judgeWorker(0, 0, within(0.5, 0.7, 1))).toMatchObject({ uncertain: false });
    // A free one beside others that are not, and one with a price beside free ones.
    expect(judgeWorker(0, 1, within(0.9, 1.5, 2))).toMatchObject({ verdict: 'pays', uncertain: true });
    expect(judgeWorker(0.1, 0, within(0.9, 1.5, 2))).toMatchObject({
      verdict: 'costs more than it brings',
      uncertain: false,
    });
  });

  test('says `pays` exactly when a sample gets no dearer, and notices who slows the others down', () => {
    fc.assert(
      fc.property(price, fleet, rate, (usdPerHour, without, rateWith) => {
        const ratio = sure(rateWith / without.samplesPerSecond);
        const { verdict, breakEvenUsdPerHour } = judgeWorker(usdPerHour, without.usdPerHour, ratio);
        expect(verdict === 'slows the others down').toBe(ratio.value <= 1);
        // Right at the edge rounding decides.
        fc.pre(Math.abs(usdPerHour / breakEvenUsdPerHour - 1) > 1e-9);
        const dearer =
          costPerThousandUsd({ usdPerHour: without.usdPerHour + usdPerHour, samplesPerSecond: rateWith }) >
          costPerThousandUsd(without);
        expect(verdict === 'pays').toBe(!dearer);
      }),
    );
  });
});
