import { describe, expect, test } from 'vitest';
import { chooseWay } from '../../../../src/economics/planning/choose-way.ts';
import { planWay } from '../../../../src/economics/planning/planned-way.ts';

/** A fleet of so many workers that takes so long and is billed so much, each known within a factor; 1 is exactly. */
function candidate(
  workers: number,
  seconds: number,
  usd: number,
  within = 1,
  offer = 'a',
  globalBatchSize = 64,
  minimumSeconds = 0,
) {
  const deviation = Math.log(within) / 12.706;
  const off = { run: deviation, mean: deviation, degrees: 1 };
  return planWay(
    {
      kind: 'wasm',
      fleet: `${workers} × wasm`,
      globalBatchSize,
      leadSeconds: 0,
      paidSeconds: () => seconds,
      epochs: { mean: 1, fewest: 1, most: 1 },
      spread: within === 0 ? undefined : { time: off, paid: off },
      measured: true,
      extrapolated: false,
    },
    offer,
    [
      {
        count: workers,
        usdPerHour: (usd * 3600) / seconds / workers,
        rule: { granularitySeconds: 1e-9, minimumSeconds },
      },
    ],
  );
}
const choose = (
  candidates: readonly ReturnType<typeof candidate>[],
  limits: { readonly targetSeconds?: number; readonly budgetUsd?: number },
) => {
  const choice = chooseWay(
    candidates,
    { targetSeconds: limits.targetSeconds, budgetUsd: limits.budgetUsd },
    'or do something else',
  );
  return (
    choice && {
      chosen: choice.way.fleet,
      by: choice.by,
      sure: choice.surelyWithin,
      tied: choice.tied.map(({ fleet }) => fleet),
    }
  );
};

describe('chooseWay', () => {
  test('chooses nothing unasked', () => {
    expect(choose([candidate(1, 10, 1)], {})).toBeUndefined();
  });

  const exact = [candidate(1, 100, 1), candidate(2, 60, 1.2), candidate(4, 40, 1.6)];

  test('in time the lowest bill, under a budget the fastest, and with both the lowest bill', () => {
    const none = { sure: true, tied: [] };
    expect(choose(exact, { targetSeconds: 70 })).toEqual({ chosen: '2 × wasm', by: 'billed cost', ...none });
    expect(choose(exact, { budgetUsd: 1.3 })).toEqual({ chosen: '2 × wasm', by: 'time', ...none });
    expect(choose(exact, { targetSeconds: 70, budgetUsd: 2 })).toEqual({
      chosen: '2 × wasm',
      by: 'billed cost',
      ...none,
    });
    expect(choose(exact, { targetSeconds: 60, budgetUsd: 1.2 })?.chosen).toBe('2 × wasm');
  });

  test('refuses the impossible, with what would be possible', () => {
    for (const limits of [{ targetSeconds: 39 }, { budgetUsd: 0.9 }, { targetSeconds: 50, budgetUsd: 1.3 }]) {
      expect(() => choose(exact, limits)).toThrow(
        /^no planned fleet meets that: the fastest takes 40\.0 s and the lowest bill is \$1\.00; raise --target-seconds or --budget-usd, or do something else$/,
      );
    }
  });

  test('of three workers that may be no faster than two, and are billed more, it takes two, and says so', () => {
    const ways = [candidate(3, 96, 1.45, 1.3), candidate(2, 100, 1, 1.3), candidate(1, 190, 0.9, 1.3)];
    expect(choose(ways, { budgetUsd: 2 })).toEqual({ chosen: '2 × wasm', by: 'time', sure: true, tied: ['3 × wasm'] });
    expect(choose(ways, { budgetUsd: 2 })?.tied).not.toContain('1 × wasm');
    const known = [candidate(3, 96, 1.45, 1.01), candidate(2, 100, 1, 1.01)];
    expect(choose(known, { budgetUsd: 2 })).toMatchObject({ chosen: '3 × wasm', tied: [] });
  });

  test('of fleets that may be as fast it takes the lowest bill, though a smaller one may be faster', () => {
    const ways = [candidate(2, 96, 1.45, 1.3), candidate(3, 100, 1, 1.3)];
    expect(choose(ways, { budgetUsd: 2 })).toEqual({ chosen: '3 × wasm', by: 'time', sure: true, tied: ['2 × wasm'] });
  });

  test('of fleets that may be as cheap it takes the smallest, and of those as small the one that is billed least', () => {
    const ways = [candidate(4, 50, 1, 1.3), candidate(2, 90, 1.1, 1.3), candidate(3, 70, 1.05, 1.3)];
    expect(choose(ways, { targetSeconds: 200 })).toEqual({
      chosen: '2 × wasm',
      by: 'billed cost',
      sure: true,
      tied: ['4 × wasm', '3 × wasm'],
    });
  });

  test('of those that are billed the same it takes the fastest', () => {
    // All are billed 1,000 s.
    const ways = [95, 90, 99].map((seconds) => candidate(2, seconds, (seconds * 2) / 3600, 1.3, 'a', seconds, 1000));
    const choice = chooseWay(ways, { targetSeconds: 200, budgetUsd: undefined }, '');
    expect([choice?.way, ...(choice?.tied ?? [])].map((way) => way?.seconds)).toEqual([90, 95, 99]);
  });

  test('of one run at several prices it names none but the lowest bill', () => {
    const ways = [
      candidate(2, 90, 1.2, 1.3, 'dear'),
      candidate(2, 90, 1.1, 1.3, 'low'),
      candidate(4, 85, 1.6, 1.3, 'dear'),
      candidate(4, 85, 1.5, 1.3, 'low'),
    ];
    const choice = chooseWay(ways, { targetSeconds: undefined, budgetUsd: 5 }, '');
    expect([choice?.way, ...(choice?.tied ?? [])].map((way) => [way?.fleet, way?.offer])).toEqual([
      ['2 × wasm', 'low'],
      ['4 × wasm', 'low'],
    ]);
  });

  test('a way whose whole range is within the limits goes before one that may be beyond them', () => {
    const ways = [candidate(1, 90, 1, 1.3), candidate(2, 70, 2, 1.3)];
    expect(choose(ways, { targetSeconds: 100 })).toEqual({
      chosen: '2 × wasm',
      by: 'billed cost',
      sure: true,
      tied: [],
    });
    // 1 to 1.3 and 2 to 2.6.
    expect(choose(ways, { budgetUsd: 2.5 })).toEqual({ chosen: '1 × wasm', by: 'time', sure: true, tied: [] });
    expect(choose(ways, { budgetUsd: 2.7 })?.chosen).toBe('1 × wasm');
    const known = [candidate(1, 90, 1, 1.01), candidate(2, 70, 2, 1.01)];
    expect(choose(known, { budgetUsd: 2.7 })?.chosen).toBe('2 × wasm');
  });

  test('where no way is surely within the limits, it takes one that is likely to be, and says so', () => {
    const ways = [candidate(1, 90, 1, 1.3), candidate(2, 85, 2, 1.3), candidate(3, 60, 3, 2)];
    expect(choose(ways, { targetSeconds: 95 })).toEqual({
      chosen: '1 × wasm',
      by: 'billed cost',
      sure: false,
      tied: [],
    });
    expect(choose(ways, { budgetUsd: 1.1 })).toMatchObject({ chosen: '1 × wasm', sure: false });
  });

  test('a way without a range is taken as it is, and is sure of nothing', () => {
    const ways = [candidate(1, 90, 1, 0), candidate(2, 70, 2, 1.01)];
    expect(choose(ways, { targetSeconds: 95 })).toEqual({
      chosen: '1 × wasm',
      by: 'billed cost',
      sure: false,
      tied: [],
    });
    expect(choose(ways, { targetSeconds: 75 })).toMatchObject({ chosen: '2 × wasm', sure: true });
  });
});
