import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  breakEvenPrice,
  cheapest,
  costPerThousandUsd,
  judgeWorker,
  paretoFront,
  rateWithout,
  replacementPrice,
  strongEfficiency,
  weakEfficiency,
} from '../../../../src/economics/models/scaling.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

const rate = logUniform(1, 1e6);
const price = logUniform(0.005, 100);
const seconds = logUniform(1e-4, 1e5);
const workers = fc.integer({ min: 1, max: 1000 });
const fleet = fc.record({ usdPerHour: price, samplesPerSecond: rate });

describe('efficiency', () => {
  test('is 1 when N workers take an N-th of the time, or do N times the work in the same', () => {
    fc.assert(
      fc.property(rate, workers, (value, n) => {
        expect(strongEfficiency(value, value / n, n)).toBeCloseTo(1, 9);
        expect(weakEfficiency(value, value * n, n)).toBeCloseTo(1, 9);
      }),
    );
  });

  test('of four workers that halve the time is a half', () => {
    expect(strongEfficiency(10, 5, 4)).toBe(0.5);
    expect(weakEfficiency(100, 300, 4)).toBe(0.75);
  });
});

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
  test('a worker that adds 11 % speed for 20 % of the bill pays below 11 % of what the others cost', () => {
    const judged = judgeWorker(0.4, { usdPerHour: 1.6, samplesPerSecond: 1000 }, 1110);
    expect(judged.verdict).toBe('costs more than it brings');
    expect(judged.speedGain).toBeCloseTo(0.11, 12);
    expect(judged.billShare).toBeCloseTo(0.2, 12);
    expect(judged.breakEvenUsdPerHour).toBeCloseTo(0.176, 12);
  });

  test.each([
    { what: 'exactly at the break-even price it pays', price: 0.5, rate: 1500, verdict: 'pays' },
    { what: 'a trifle above it does not', price: 0.501, rate: 1500, verdict: 'costs more than it brings' },
    { what: 'without any gain it only slows the others down', price: 0, rate: 1000, verdict: 'slows the others down' },
  ])('$what', ({ price: usdPerHour, rate: rateWith, verdict }) => {
    expect(judgeWorker(usdPerHour, { usdPerHour: 1, samplesPerSecond: 1000 }, rateWith).verdict).toBe(verdict);
  });

  test('a free worker among free ones has no part of the bill', () => {
    expect(judgeWorker(0, { usdPerHour: 0, samplesPerSecond: 1000 }, 1500)).toMatchObject({
      verdict: 'pays',
      billShare: 0,
    });
  });

  test('says `pays` exactly when a sample gets no dearer, and notices who slows the others down', () => {
    fc.assert(
      fc.property(price, fleet, rate, (usdPerHour, without, rateWith) => {
        const { verdict, breakEvenUsdPerHour } = judgeWorker(usdPerHour, without, rateWith);
        expect(verdict === 'slows the others down').toBe(rateWith <= without.samplesPerSecond);
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

describe('rateWithout', () => {
  test('of two equal workers with nothing but computing, one brings half', () => {
    const step = { samples: 32, computeSeconds: 0.1 };
    expect(rateWithout([step, step], 0, 0.1)).toBeCloseTo(320, 9);
  });

  test('time that is not computing stays: dropping a worker costs less than its share', () => {
    const step = { samples: 32, computeSeconds: 0.1 };
    // 64 samples in 0.2 s of computing and 0.1 s of the rest.
    expect(rateWithout([step, step], 1, 0.2)).toBeCloseTo(64 / 0.3, 9);
  });

  test('the only worker brings everything, and no worker more than the fleet has', () => {
    expect(rateWithout([{ samples: 64, computeSeconds: 0.1 }], 0, 0.2)).toBe(0);
    const step = fc.record({ samples: fc.integer({ min: 1, max: 512 }), computeSeconds: seconds });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), seconds, (steps, rest) => {
        const batch = steps.reduce((sum, { samples }) => sum + samples, 0);
        const stepSeconds = Math.max(...steps.map(({ computeSeconds }) => computeSeconds)) + rest;
        expect(rateWithout(steps, 0, stepSeconds)).toBeLessThanOrEqual((batch / stepSeconds) * (1 + 1e-9));
      }),
    );
  });
});

describe('paretoFront', () => {
  const way = fc.record({ seconds: fc.integer({ min: 1, max: 20 }), usd: fc.integer({ min: 1, max: 20 }) });
  type Way = { readonly seconds: number; readonly usd: number };
  const beats = (a: Way, b: Way) =>
    a.seconds <= b.seconds && a.usd <= b.usd && (a.seconds < b.seconds || a.usd < b.usd);

  test('keeps what nothing beats, drops what something does, and is ordered', () => {
    fc.assert(
      fc.property(fc.array(way, { maxLength: 30 }), (ways) => {
        const front = paretoFront(ways);
        for (const kept of front) expect(ways.some((other) => beats(other, kept))).toBe(false);
        for (const one of ways) {
          expect(front.some((kept) => beats(kept, one) || (kept.seconds === one.seconds && kept.usd === one.usd))).toBe(
            true,
          );
        }
        for (const [index, kept] of front.entries()) {
          const next = front[index + 1];
          if (next !== undefined) expect(next.seconds > kept.seconds && next.usd < kept.usd).toBe(true);
        }
      }),
    );
  });

  test('its last is the cheapest', () => {
    fc.assert(
      fc.property(fc.array(way, { minLength: 1, maxLength: 30 }), (ways) => {
        expect(cheapest(ways)?.usd).toBe(Math.min(...ways.map(({ usd }) => usd)));
      }),
    );
    expect(cheapest([])).toBeUndefined();
  });
});
