import { describe, expect, test } from 'vitest';
import { chooseWay } from '../../../../src/economics/planning/choose-way.ts';
import { planWay, type WayBasis } from '../../../../src/economics/planning/planned-way.ts';

/** A fleet whose figures are known exactly, unless told within which factor; undefined is not at all. */
function candidate({
  workers = 1,
  seconds = 100,
  usd = 1,
  within = 1,
  offer = 'a',
  globalBatchSize = 64,
  minimumSeconds = 0,
  basis = 'measured',
}: {
  readonly workers?: number;
  readonly seconds?: number;
  /** Of all workers together. */
  readonly usd?: number;
  readonly within?: number | 'unknown';
  readonly offer?: string;
  readonly globalBatchSize?: number;
  readonly minimumSeconds?: number;
  readonly basis?: WayBasis;
}) {
  // With one degree of freedom t is 12.706.
  const deviation = within === 'unknown' ? 0 : Math.log(within) / 12.706;
  const off = { run: deviation, mean: deviation, degrees: 1 };
  return planWay(
    {
      kind: 'wasm',
      fleet: `${workers} × wasm`,
      globalBatchSize,
      leadSeconds: 0,
      paidSeconds: () => seconds,
      epochs: { mean: 1, fewest: 1, most: 1 },
      spread: within === 'unknown' ? undefined : { time: off, paid: off },
      basis,
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
    ', or do something else',
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
    expect(choose([candidate({ workers: 1, seconds: 10, usd: 1 })], {})).toBeUndefined();
  });

  const exact = [
    candidate({ workers: 1, seconds: 100, usd: 1 }),
    candidate({ workers: 2, seconds: 60, usd: 1.2 }),
    candidate({ workers: 4, seconds: 40, usd: 1.6 }),
  ];

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
    for (const [limits, given] of [
      [{ targetSeconds: 39 }, '--target-seconds'],
      [{ budgetUsd: 0.9 }, '--budget-usd'],
      [{ targetSeconds: 50, budgetUsd: 1.3 }, '--target-seconds or --budget-usd'],
    ] as const) {
      expect(() => choose(exact, limits)).toThrow(
        new RegExp(
          `^no planned fleet meets that: the fastest takes 40\\.0 s and the lowest bill is \\$1\\.00; raise ${given}, or do something else$`,
        ),
      );
    }
  });

  test('of three workers that may be no faster than two, and are billed more, it takes two, and says so', () => {
    const ways = [
      candidate({ workers: 3, seconds: 96, usd: 1.45, within: 1.3 }),
      candidate({ workers: 2, seconds: 100, usd: 1, within: 1.3 }),
      candidate({ workers: 1, seconds: 190, usd: 0.9, within: 1.3 }),
    ];
    expect(choose(ways, { budgetUsd: 2 })).toEqual({ chosen: '2 × wasm', by: 'time', sure: true, tied: ['3 × wasm'] });
    expect(choose(ways, { budgetUsd: 2 })?.tied).not.toContain('1 × wasm');
    const known = [
      candidate({ workers: 3, seconds: 96, usd: 1.45, within: 1.01 }),
      candidate({ workers: 2, seconds: 100, usd: 1, within: 1.01 }),
    ];
    expect(choose(known, { budgetUsd: 2 })).toMatchObject({ chosen: '3 × wasm', tied: [] });
  });

  test('of fleets that may be as fast it takes the lowest bill, though a smaller one may be faster', () => {
    const ways = [
      candidate({ workers: 2, seconds: 96, usd: 1.45, within: 1.3 }),
      candidate({ workers: 3, seconds: 100, usd: 1, within: 1.3 }),
    ];
    expect(choose(ways, { budgetUsd: 2 })).toEqual({ chosen: '3 × wasm', by: 'time', sure: true, tied: ['2 × wasm'] });
  });

  test('of fleets that may be as cheap it takes the smallest, and of those as small the one that is billed least', () => {
    const ways = [
      candidate({ workers: 4, seconds: 50, usd: 1, within: 1.3 }),
      candidate({ workers: 2, seconds: 90, usd: 1.1, within: 1.3 }),
      candidate({ workers: 3, seconds: 70, usd: 1.05, within: 1.3 }),
    ];
    expect(choose(ways, { targetSeconds: 200 })).toEqual({
      chosen: '2 × wasm',
      by: 'billed cost',
      sure: true,
      tied: ['4 × wasm', '3 × wasm'],
    });
  });

  test('of those that are billed the same it takes the fastest', () => {
    // All are billed 1,000 s.
    const ways = [95, 90, 99].map((seconds) =>
      candidate({
        workers: 2,
        seconds,
        usd: (seconds * 2) / 3600,
        within: 1.3,
        globalBatchSize: seconds,
        minimumSeconds: 1000,
      }),
    );
    const choice = chooseWay(ways, { targetSeconds: 200, budgetUsd: undefined }, '');
    expect([choice?.way, ...(choice?.tied ?? [])].map((way) => way?.seconds)).toEqual([90, 95, 99]);
  });

  test('says what decided among fleets that cannot be told apart', () => {
    const decidedBy = (limits: Parameters<typeof choose>[1], ...ways: Parameters<typeof candidate>[0][]) => {
      const { targetSeconds, budgetUsd } = limits;
      const candidates = ways.map((way) => candidate({ within: 1.3, ...way }));
      return chooseWay(candidates, { targetSeconds, budgetUsd }, '')?.decidedBy;
    };
    const small = { workers: 1, seconds: 99, usd: 1.1 };
    const cheap = { workers: 2, seconds: 100, usd: 1 };
    const batch = { workers: 1, seconds: 101, usd: 1.2, globalBatchSize: 256 };
    expect(decidedBy({ targetSeconds: 200 }, small, cheap)).toEqual(['fewest workers']);
    expect(decidedBy({ targetSeconds: 200 }, small, batch)).toEqual(['lowest bill']);
    expect(decidedBy({ targetSeconds: 200 }, small, cheap, batch)).toEqual(['fewest workers', 'lowest bill']);
    expect(decidedBy({ budgetUsd: 2 }, small, cheap)).toEqual(['lowest bill']);
    expect(decidedBy({ budgetUsd: 2 }, small)).toEqual([]);
    // Billed the same, 1,000 s.
    const [quick, slow] = [90, 95].map((seconds) => ({ seconds, usd: seconds / 3600, globalBatchSize: seconds }));
    const minimumSeconds = 1000;
    expect(decidedBy({ targetSeconds: 200 }, { ...slow, minimumSeconds }, { ...quick, minimumSeconds })).toEqual([
      'shortest time',
    ]);
  });

  test('of one run at several prices it names none but the lowest bill', () => {
    const ways = [
      candidate({ workers: 2, seconds: 90, usd: 1.2, within: 1.3, offer: 'dear' }),
      candidate({ workers: 2, seconds: 90, usd: 1.1, within: 1.3, offer: 'low' }),
      candidate({ workers: 4, seconds: 85, usd: 1.6, within: 1.3, offer: 'dear' }),
      candidate({ workers: 4, seconds: 85, usd: 1.5, within: 1.3, offer: 'low' }),
    ];
    const choice = chooseWay(ways, { targetSeconds: undefined, budgetUsd: 5 }, '');
    expect([choice?.way, ...(choice?.tied ?? [])].map((way) => [way?.fleet, way?.offer])).toEqual([
      ['2 × wasm', 'low'],
      ['4 × wasm', 'low'],
    ]);
  });

  test('a way whose whole range is within the limits goes before one that may be beyond them', () => {
    const ways = [
      candidate({ workers: 1, seconds: 90, usd: 1, within: 1.3 }),
      candidate({ workers: 2, seconds: 70, usd: 2, within: 1.3 }),
    ];
    expect(choose(ways, { targetSeconds: 100 })).toEqual({
      chosen: '2 × wasm',
      by: 'billed cost',
      sure: true,
      tied: [],
    });
    // 1 to 1.3 and 2 to 2.6.
    expect(choose(ways, { budgetUsd: 2.5 })).toEqual({ chosen: '1 × wasm', by: 'time', sure: true, tied: [] });
    expect(choose(ways, { budgetUsd: 2.7 })?.chosen).toBe('1 × wasm');
    const known = [
      candidate({ workers: 1, seconds: 90, usd: 1, within: 1.01 }),
      candidate({ workers: 2, seconds: 70, usd: 2, within: 1.01 }),
    ];
    expect(choose(known, { budgetUsd: 2.7 })?.chosen).toBe('2 × wasm');
  });

  test('where no way is surely within the limits, it takes one that is likely to be, and says so', () => {
    const ways = [
      candidate({ workers: 1, seconds: 90, usd: 1, within: 1.3 }),
      candidate({ workers: 2, seconds: 85, usd: 2, within: 1.3 }),
      candidate({ workers: 3, seconds: 60, usd: 3, within: 2 }),
    ];
    expect(choose(ways, { targetSeconds: 95 })).toEqual({
      chosen: '1 × wasm',
      by: 'billed cost',
      sure: false,
      tied: [],
    });
    expect(choose(ways, { budgetUsd: 1.1 })).toMatchObject({ chosen: '1 × wasm', sure: false });
  });

  test('a way without a range is sure of nothing, however good its figures', () => {
    const ways = [
      candidate({ workers: 1, seconds: 90, usd: 1, within: 'unknown' }),
      candidate({ workers: 2, seconds: 70, usd: 2, within: 1.01 }),
    ];
    expect(choose(ways, { targetSeconds: 95 })).toMatchObject({ chosen: '2 × wasm', sure: true, tied: [] });
    // Only the first is within the budget.
    expect(choose(ways, { budgetUsd: 1.5 })).toMatchObject({ chosen: '1 × wasm', sure: false, tied: [] });
  });

  test('one that may be beyond the limits goes before one of which that cannot be told', () => {
    // 49 s to 62 s.
    const measured = candidate({ workers: 2, seconds: 55, usd: 1, within: 62 / 55 });
    const unknown = candidate({ workers: 4, seconds: 58, usd: 3, within: 'unknown' });
    for (const unranged of [unknown, candidate({ workers: 4, seconds: 58, usd: 0.5, within: 'unknown' })]) {
      expect(choose([unranged, measured], { targetSeconds: 60 })).toEqual({
        chosen: '2 × wasm',
        by: 'billed cost',
        sure: false,
        tied: [],
      });
    }
  });

  test('of those without a range the measured go before those of a model', () => {
    const ways = [
      candidate({ workers: 4, seconds: 40, usd: 1, within: 'unknown', basis: 'modelled' }),
      candidate({ workers: 2, seconds: 60, usd: 2, within: 'unknown' }),
      candidate({ workers: 1, seconds: 90, usd: 1.5, within: 'unknown' }),
    ];
    expect(choose(ways, { budgetUsd: 3 })).toMatchObject({ chosen: '2 × wasm', sure: false, tied: [] });
    expect(choose(ways, { targetSeconds: 50 })).toMatchObject({ chosen: '4 × wasm', sure: false, tied: [] });
  });
});
