import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRuns } from '../../../../src/economics/comparison/comparison.ts';
import { findGrowingFleets } from '../../../../src/economics/comparison/growth.ts';
import { countKinds } from '../../../../src/economics/comparison/worker-kind.ts';
import { renderComparison } from '../../../../src/report/comparison/comparison-table.ts';
import { describeGrowth, ordinal } from '../../../../src/report/comparison/comparison-text.ts';
import { comparedRun, kindOfWorker, type TestKind } from '../../../support/compared-runs.ts';
import { rounds } from '../../../support/thoroughness.ts';

const fast = kindOfWorker({ backend: 'wasm', price: 1 });
const slow = kindOfWorker({ backend: 'cpu', price: 0.2 });
const fleet = (count: number, kind: TestKind = slow) => [fast, ...Array<TestKind>(count).fill(kind)];
/** Three repeats, one per cent apart. */
const repeats = (workers: readonly TestKind[], rate: number) =>
  [0.99, 1, 1.01].map((factor) => comparedRun({ workers, rate: rate * factor, batch: 64 }));
const mixed = [
  ...repeats([fast], 1000),
  ...repeats([slow], 250),
  ...repeats(fleet(1), 1300),
  ...repeats(fleet(2), 1400),
  ...repeats(fleet(3), 1350),
];
const growthsOf = (runs = mixed) => compareRuns(runs).growths;

describe('growths of a comparison', () => {
  test('each further slow worker is measured against the fleet with one fewer', () => {
    const [growth, ...others] = growthsOf();
    expect(others).toEqual([]);
    expect(growth).toMatchObject({ kind: 'cpu', beside: '1 × wasm', usdPerHour: 0.2, globalBatchSize: 64 });
    expect(growth?.additions.map(({ count, basis, verdict }) => [count, basis, verdict])).toEqual([
      [1, 'measured', 'pays'],
      [2, 'measured', 'costs more than it brings'],
      [3, 'measured', 'slows the others down'],
    ]);
    const [first, second, third] = growth?.additions ?? [];
    // P · (R' / R − 1) of the fleet with one fewer, at what that costs.
    expect(first?.breakEvenUsdPerHour).toBeCloseTo(1 * 0.3, 9);
    expect(second?.breakEvenUsdPerHour).toBeCloseTo(1.2 * (1400 / 1300 - 1), 9);
    expect(third?.breakEvenUsdPerHour).toBeLessThan(0);
    // All k of them, against the fast one alone.
    expect(first?.breakEvenOfAllUsdPerHour?.value).toBeCloseTo(0.3, 9);
    expect(second?.breakEvenOfAllUsdPerHour?.value).toBeCloseTo(0.4 / 2, 9);
    const [low, high] = second?.breakEvenIntervalUsdPerHour ?? [0, 0];
    expect(low).toBeLessThan(second?.breakEvenUsdPerHour ?? 0);
    expect(high).toBeGreaterThan(second?.breakEvenUsdPerHour ?? 0);
    // The interval of the ratio of rates, 1 + 2p where two of them break even at p, is symmetrical in its logarithm.
    const all = second?.breakEvenOfAllUsdPerHour;
    const [lowAll, highAll] = all?.interval ?? [0, 0];
    expect(lowAll).toBeLessThan(0.2);
    expect(highAll).toBeGreaterThan(0.2);
    expect((1 + 2 * lowAll) * (1 + 2 * highAll)).toBeCloseTo(1.4 ** 2, 9);
    expect(growth?.cheapestCount).toBe(1);
  });

  test('without repeats there are no intervals, without prices no additions', () => {
    const once = [0, 1, 2].map((count) => comparedRun({ workers: fleet(count), rate: 1000 + 100 * count, batch: 64 }));
    const [growth] = growthsOf(once);
    expect(growth?.additions[1]?.breakEvenOfAllUsdPerHour).toEqual({
      value: expect.closeTo(0.1, 9),
      interval: undefined,
    });
    const free = [1, 2].map((count) =>
      comparedRun({ workers: Array<TestKind>(count).fill({ backend: 'wasm' }), rate: 1000 * count, batch: 64 }),
    );
    expect(growthsOf(free)).toEqual([
      {
        kind: 'wasm',
        usdPerHour: undefined,
        beside: undefined,
        globalBatchSize: 64,
        points: [0, 1],
        additions: [],
        cheapestCount: undefined,
        cheapestTied: [],
      },
    ]);
  });

  describe('that fleets could show in several ways', () => {
    /** Which kind grows beside what, at which batch, over how many of it. */
    const waysOf = (...fleets: readonly (readonly [workers: readonly TestKind[], batch?: number])[]) =>
      growthsOf(fleets.map(([workers, batch = 64], index) => comparedRun({ workers, rate: 1000 + index, batch }))).map(
        ({ kind, beside, globalBatchSize, points }) => [kind, beside, globalBatchSize, points.length],
      );

    test('add the cheaper kind, whichever is named first', () => {
      expect(waysOf([[fast]], [[slow]], [[fast, slow]])).toEqual([['cpu', '1 × wasm', 64, 2]]);
      expect(waysOf([[slow]], [[fast]], [[slow, fast]])).toEqual([['cpu', '1 × wasm', 64, 2]]);
    });

    test('are shown once: a lone worker that only the shorter way has does not bring it back', () => {
      expect(waysOf([[slow]], [fleet(1)], [fleet(2)], [fleet(3)])).toEqual([['cpu', '1 × wasm', 64, 3]]);
    });

    test('are shown twice where the shorter way has a fleet of its own', () => {
      expect(waysOf([fleet(1)], [fleet(2)], [fleet(3)], [[fast, fast, slow]])).toEqual([
        ['cpu', '1 × wasm', 64, 3],
        ['wasm', '1 × cpu', 64, 2],
      ]);
    });

    test('come in the order of the points, those of equals first', () => {
      expect(waysOf([[fast]], [[fast, fast]], [fleet(1)], [fleet(2)])).toEqual([
        ['wasm', undefined, 64, 2],
        ['cpu', '1 × wasm', 64, 3],
      ]);
    });

    test('are of one batch each', () => {
      const equals = (count: number) => Array<TestKind>(count).fill(fast);
      expect(waysOf([equals(1)], [equals(2)], [equals(3)], [equals(1), 32], [equals(2), 32])).toEqual([
        ['wasm', undefined, 32, 2],
        ['wasm', undefined, 64, 3],
      ]);
    });
  });

  test('one sentence says when they pay, and how many make samples cheapest', () => {
    const [growth] = growthsOf();
    expect(growth && describeGrowth(growth)).toBe(
      'at $0.20/h the 1st pays, the 2nd costs more than it brings, the 3rd slows the others down: waiting and ' +
        'communication take more time than it saves; a sample costs least with 1 of them',
    );
    const [never] = growthsOf([...repeats([fast], 1000), ...repeats(fleet(1), 900), ...repeats(fleet(2), 800)]);
    expect(never && describeGrowth(never)).toBe(
      'at $0.20/h the 1st and 2nd slow the others down: waiting and communication take more time than they save; a ' +
        'sample costs least without any of them',
    );
  });

  test('nothing is said of a worker that the spread of the repeats leaves open', () => {
    const noisy = [
      ...[900, 1000, 1100].map((rate) => comparedRun({ workers: [fast], rate, batch: 64 })),
      ...[1080, 1200, 1320].map((rate) => comparedRun({ workers: fleet(1), rate, batch: 64 })),
      ...repeats(fleet(2), 1800),
    ];
    const [growth] = growthsOf(noisy);
    expect(growth && describeGrowth(growth)).toBe(
      'at $0.20/h whether the 1st pays is uncertain, the 2nd pays; a sample costs least with 2 of them',
    );
    const text = renderComparison(compareRuns(noisy), { columns: 120, colour: false });
    expect(text).toMatch(/ 1st .* uncertain\n 2nd .* pays\n/);
  });

  test('numbers of them that cost as little, as far as the repeats tell, are all named', () => {
    const noisy = (workers: readonly TestKind[], rate: number) =>
      [0.9, 1, 1.1].map((factor) => comparedRun({ workers, rate: rate * factor, batch: 64 }));
    const [growth] = growthsOf([...noisy([fast], 1000), ...noisy(fleet(1), 1210), ...noisy(fleet(2), 1380)]);
    expect([growth?.cheapestCount, growth?.cheapestTied]).toEqual([1, [0, 2]]);
    expect(growth && describeGrowth(growth)).toBe(
      'at $0.20/h whether the 1st and 2nd pay is uncertain; these repeats do not show whether a sample costs least with none, 1 or 2 of them',
    );
  });

  test('of a worker without a run beside it on other hosts nothing is known, and that is said', () => {
    const spread = [1, 3].flatMap((count) =>
      repeats(
        Array.from({ length: count }, (_, at) => ({ ...fast, host: `host${at}` })),
        1000 * count,
      ),
    );
    const grown = [...spread, ...repeats([fast, fast], 1900)];
    const missing = grown.filter(({ summary }) => summary.world_size !== 1);
    const [growth] = growthsOf(missing.slice(0, 3).concat(repeats(fleet(0).concat(fast, fast, fast, fast), 4000)));
    expect(growth?.additions.map(({ count, basis }) => [count, basis])).toEqual([
      [3, 'unknown'],
      [5, 'modelled'],
    ]);
    expect(growth && describeGrowth(growth)).toMatch(/^at \$1\.00\/h whether the 3rd pays is unknown, /);
    const text = renderComparison(
      compareRuns(missing.slice(0, 3).concat(repeats(Array<TestKind>(5).fill(fast), 4000))),
      {
        columns: 120,
        colour: false,
      },
    );
    expect(text).toMatch(/ 3rd, unknown +50 % +5\.0 % +unknown\n/);
  });

  test('the terminal has a table of them, each line at most 100 characters, and says none twice', () => {
    const text = renderComparison(compareRuns(mixed), { columns: 100, colour: false });
    expect(text).toContain('Adding workers: cpu ($0.20/h) beside 1 × wasm, batch 64');
    expect(text).toMatch(/ 2nd +8 % \(\d to \d+\) +17 % +\$0\.092 \(0\.0\d+ to 0\.1\d\) +costs more/);
    expect(renderComparison(compareRuns(mixed), { columns: 120, colour: false })).toMatch(
      / 2nd +8 % .* \$0\.092 \(0\.0\d+ to 0\.1\d\) +\$0\.20 \(0\.1\d to 0\.2\d\) +costs more/,
    );
    expect(text).not.toContain('one of 2 × cpu');
    expect(text).toContain('1 × wasm + 1 × cpu, batch 64: w0: +420 % (');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test('equal workers grow too, and a size that is missing is modelled', () => {
    const equal = [1, 2, 4].flatMap((count) => repeats(Array<TestKind>(count).fill(fast), 1000 * count ** 0.8));
    const [growth, ...others] = growthsOf(equal);
    expect(others).toEqual([]);
    expect(growth).toMatchObject({ kind: 'wasm', beside: undefined, points: [0, 1, 2] });
    expect(
      growth?.additions.map(({ count, basis, breakEvenOfAllUsdPerHour }) => [count, basis, breakEvenOfAllUsdPerHour]),
    ).toEqual([
      [2, 'measured', undefined],
      [4, 'modelled', undefined],
    ]);
  });

  test('no fleet of several workers is left out, and none is in two growths of which one has all of the other', () => {
    const kinds = [fast, slow, kindOfWorker({ backend: 'webgpu', price: 0.5 })];
    const fleets = fc.uniqueArray(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)), {
      minLength: 1,
      maxLength: 8,
      selector: (counts) => counts.join(),
    });
    fc.assert(
      fc.property(fleets, (all) => {
        const runs = all
          .filter((counts) => counts.some((count) => count > 0))
          .map((counts) => {
            const workers = counts.flatMap((count, at) => Array<TestKind>(count).fill(kinds[at] ?? fast));
            return comparedRun({ workers, rate: 1000 * workers.length, batch: 64 });
          });
        if (runs.length === 0) return;
        const { points, growths } = compareRuns(runs);
        const shown = growths.map((growth) => new Set(growth.points));
        // A neighbour with one kind in another number makes a growth.
        const counts = points.map(({ name }) => name);
        expect(new Set(counts).size).toBe(counts.length);
        for (const [at, one] of shown.entries()) {
          expect(one.size).toBeGreaterThan(1);
          const sizes = [...one].map((index) => points[index]?.workers ?? 0);
          expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
          expect(new Set(sizes).size).toBe(sizes.length);
          expect(shown.some((other, index) => index !== at && [...one].every((point) => other.has(point)))).toBe(false);
        }
      }),
      { numRuns: rounds(20, 100) },
    );
  });
});

test('ordinals', () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal)).toEqual([
    '1st',
    '2nd',
    '3rd',
    '4th',
    '11th',
    '12th',
    '13th',
    '21st',
    '112th',
  ]);
});

test('fleets grow in the order of their workers, whatever the order of the list', () => {
  const groups = [3, 1, 2].map((count) => ({
    fleet: countKinds(comparedRun({ workers: fleet(count), rate: 1000, batch: 64 }).summary.workers),
    batch: 64,
  }));
  const [growth, ...others] = findGrowingFleets(groups);
  expect(others).toEqual([]);
  expect(growth?.members).toEqual([
    { count: 1, index: 1 },
    { count: 2, index: 2 },
    { count: 3, index: 0 },
  ]);
});

test('one fleet alone is no growth, however many workers it has', () => {
  expect(compareRuns(repeats(fleet(2), 1000)).growths).toEqual([]);
});
