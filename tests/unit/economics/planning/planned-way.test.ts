import { describe, expect, test } from 'vitest';
import {
  type Deviations,
  modelDeviations,
  type PlannedRun,
  planWay,
  ratioOfWays,
  repeatedDeviations,
} from '../../../../src/economics/planning/planned-way.ts';

const bySecond = { granularitySeconds: 1, minimumSeconds: 0 };
const byMinute = { granularitySeconds: 60, minimumSeconds: 60 };
const off = (run: number, mean: number, degrees = 4): Deviations => ({ run, mean, degrees });
const run = (overrides: Partial<PlannedRun> = {}): PlannedRun => ({
  kind: 'wasm',
  fleet: '2 × wasm',
  globalBatchSize: 64,
  leadSeconds: 2,
  paidSeconds: (epochs) => 10 + 100 * epochs,
  epochs: { mean: 2, fewest: 2, most: 2 },
  spread: { time: off(0.1, 0.05), paid: off(0.2, 0.1) },
  basis: 'measured',
  ...overrides,
});
const rentals = [{ count: 2, usdPerHour: 0.36, rule: bySecond }];
/** t with four degrees of freedom. */
const t = 2.776;

describe('deviations', () => {
  test('of one run around the mean of its repeats, and of that mean', () => {
    expect(repeatedDeviations({ deviation: 0.1, degrees: 7 }, 4)).toEqual({
      run: expect.closeTo(0.1 * Math.sqrt(1.25), 12),
      mean: 0.05,
      degrees: 7,
    });
    expect(modelDeviations({ deviation: 0.1, degrees: 7 })).toEqual({ run: 0.1, mean: 0.1, degrees: 7 });
  });
});

describe('planWay', () => {
  test('adds up time, accrued and billed cost, and says what it is of', () => {
    const { way } = planWay(run(), 'a/b/c', rentals);
    expect(way).toMatchObject({
      kind: 'wasm',
      fleet: '2 × wasm',
      offer: 'a/b/c',
      workers: 2,
      globalBatchSize: 64,
      usdPerHour: 0.72,
      seconds: 212,
      usd: expect.closeTo((0.72 * 210) / 3600, 12),
      billedUsd: expect.closeTo((0.72 * 210) / 3600, 12),
      basis: 'measured',
    });
    expect(way).not.toHaveProperty('leadSeconds');
  });

  test('every worker is a rental by its own rule', () => {
    const mixed = [
      { count: 1, usdPerHour: 1, rule: byMinute },
      { count: 3, usdPerHour: 0.1, rule: bySecond },
    ];
    const { way } = planWay(run(), 'x', mixed);
    expect(way.workers).toBe(4);
    expect(way.usd).toBeCloseTo((1.3 * 210) / 3600, 12);
    expect(way.billedUsd).toBeCloseTo((240 + 0.3 * 210) / 3600, 12);
  });

  test('the range is that of one run: t times its deviation, in time around all of it, in the bill around what is paid', () => {
    const { way, fixed } = planWay(run(), 'x', [{ count: 1, usdPerHour: 36, rule: byMinute }]);
    expect(way.secondsInterval).toEqual([
      expect.closeTo(212 / Math.exp(t * 0.1), 9),
      expect.closeTo(212 * Math.exp(t * 0.1), 9),
    ]);
    // 210 s, from 121 to 366, in minutes of $0.60.
    expect(way.billedUsd).toBeCloseTo(2.4, 9);
    expect(way.billedIntervalUsd).toEqual([expect.closeTo(3 * 0.6, 9), expect.closeTo(7 * 0.6, 9)]);
    expect(fixed.seconds.interval?.[1]).toBeCloseTo(212 * Math.exp(t * 0.05), 9);
    // 159 to 277.
    expect(fixed.usd.interval).toEqual([expect.closeTo(3 * 0.6, 9), expect.closeTo(5 * 0.6, 9)]);
  });

  test('numbers of epochs widen the range to both sides, and the comparison with other batch sizes', () => {
    const { way, fixed, open } = planWay(run({ epochs: { mean: 2, fewest: 1, most: 4 } }), 'x', rentals);
    expect(way.seconds).toBe(212);
    expect(way.secondsInterval).toEqual([
      expect.closeTo(112 / Math.exp(t * 0.1), 9),
      expect.closeTo(412 * Math.exp(t * 0.1), 9),
    ]);
    expect(fixed.seconds.interval).toEqual([
      expect.closeTo(212 / Math.exp(t * 0.05), 9),
      expect.closeTo(212 * Math.exp(t * 0.05), 9),
    ]);
    expect(open.seconds.interval).toEqual([
      expect.closeTo(112 / Math.exp(t * 0.05), 9),
      expect.closeTo(412 * Math.exp(t * 0.05), 9),
    ]);
    expect(open.usd.interval?.[0]).toBeCloseTo((0.72 * Math.ceil(110 / Math.exp(t * 0.1))) / 3600, 9);
    expect(open.usd.interval?.[1]).toBeCloseTo((0.72 * Math.ceil(410 * Math.exp(t * 0.1))) / 3600, 9);
  });

  test('without a spread, and beyond what was measured, there is no range', () => {
    const unknown = planWay(run({ spread: undefined }), 'x', rentals);
    expect(unknown.way).toMatchObject({ seconds: 212, secondsInterval: undefined, billedIntervalUsd: undefined });
    expect(unknown.fixed.seconds).toEqual({ value: 212, interval: undefined });
    expect(unknown.fixed.usd).toEqual({ value: expect.closeTo((0.72 * 210) / 3600, 12), interval: undefined });
    const larger = planWay(run({ basis: 'beyond measured' }), 'x', rentals);
    expect(larger).toEqual({
      ...unknown,
      way: { ...unknown.way, basis: 'beyond measured' },
    });
  });
});

describe('ratioOfWays', () => {
  const other = { fleet: '1 × wasm', paidSeconds: (epochs: number) => 50 + 120 * epochs };

  test('of the same run at two prices is exactly that of the prices', () => {
    const dear = planWay(run(), 'x', [{ count: 2, usdPerHour: 0.72, rule: bySecond }]);
    const { seconds, usd } = ratioOfWays(dear, planWay(run(), 'y', rentals));
    expect(seconds).toEqual({ value: 1, interval: undefined });
    expect(usd).toEqual({ value: expect.closeTo(2, 12), interval: undefined });
  });

  test('of two fleets adds their intervals in quadrature', () => {
    const { seconds } = ratioOfWays(planWay(run(), 'x', rentals), planWay(run(other), 'x', rentals));
    expect(seconds.value).toBeCloseTo(212 / 292, 12);
    expect(Math.log((seconds.interval?.[1] ?? 0) / seconds.value)).toBeCloseTo(t * 0.05 * Math.SQRT2, 9);
  });

  test('of the same fleet at other batches, and of other fleets at the same, is not exact', () => {
    const here = planWay(run(), 'x', rentals);
    const batch = ratioOfWays(here, planWay(run({ globalBatchSize: 32 }), 'x', rentals)).seconds;
    const reach = Math.exp(t * 0.05 * Math.SQRT2);
    expect(batch).toEqual({ value: 1, interval: [expect.closeTo(1 / reach, 9), expect.closeTo(reach, 9)] });
    // Paid 210 s (159 to 277, rounded up to 278) and 290 s (219.7 to 382.8).
    const { usd } = ratioOfWays(here, planWay(run(other), 'x', rentals));
    const down = Math.hypot(Math.log(210 / 160), Math.log(383 / 290));
    const up = Math.hypot(Math.log(278 / 210), Math.log(290 / 220));
    expect(usd.interval).toEqual([
      expect.closeTo((210 / 290) * Math.exp(-down), 6),
      expect.closeTo((210 / 290) * Math.exp(up), 6),
    ]);
  });

  test('a way of which less is known may be off by any factor; the other is compared as it is', () => {
    const ranged = planWay(run(other), 'x', rentals);
    const spread = undefined;
    const measured = planWay(run({ spread }), 'x', rentals);
    const modelled = planWay(run({ spread, fleet: '3 × wasm', basis: 'modelled' }), 'x', rentals);
    const larger = planWay(run({ fleet: '8 × wasm', basis: 'beyond measured' }), 'x', rentals);
    const anything = [0, Number.POSITIVE_INFINITY];
    for (const [less, more] of [
      [measured, ranged],
      [modelled, ranged],
      [larger, ranged],
      [modelled, measured],
      [larger, measured],
    ] as const) {
      const value = less.way.seconds / more.way.seconds;
      expect(ratioOfWays(less, more)).toMatchObject({
        seconds: { value: expect.closeTo(value, 12), interval: anything },
        usd: { interval: anything },
      });
      expect(ratioOfWays(more, less).seconds).toEqual({ value: expect.closeTo(1 / value, 12), interval: undefined });
    }
    expect(ratioOfWays(larger, modelled).seconds).toEqual({ value: 1, interval: undefined });
    const cheaper = planWay(run({ spread }), 'y', [{ count: 2, usdPerHour: 0.18, rule: bySecond }]);
    expect(ratioOfWays(cheaper, measured).usd).toEqual({ value: expect.closeTo(0.5, 12), interval: undefined });
  });

  test('counts the numbers of epochs only between batch sizes', () => {
    const epochs = { mean: 2, fewest: 1, most: 4 };
    const here = planWay(run({ epochs }), 'x', rentals);
    const same = ratioOfWays(here, planWay(run({ ...other, epochs }), 'x', rentals)).seconds.interval ?? [0, 0];
    const across = ratioOfWays(here, planWay(run({ ...other, epochs, globalBatchSize: 32 }), 'x', rentals)).seconds;
    expect(Math.log(same[1] / same[0])).toBeCloseTo(2 * t * 0.05 * Math.SQRT2, 9);
    expect(across.interval?.[0]).toBeLessThan(same[0] * 0.8);
    expect(across.interval?.[1]).toBeGreaterThan(same[1] * 1.2);
  });

  test('free ways cost the same, and infinitely less than any other', () => {
    const free = planWay(run(), 'x', [{ count: 2, usdPerHour: 0, rule: bySecond }]);
    const alone = planWay(run(other), 'x', [{ count: 1, usdPerHour: 0, rule: bySecond }]);
    expect(ratioOfWays(free, alone).usd).toEqual({ value: 1, interval: undefined });
    const paid = planWay(run(other), 'x', rentals);
    expect(ratioOfWays(free, paid).usd).toEqual({ value: 0, interval: undefined });
    expect(ratioOfWays(paid, free).usd).toEqual({ value: Number.POSITIVE_INFINITY, interval: undefined });
  });
});
