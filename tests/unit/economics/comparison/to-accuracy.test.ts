import { describe, expect, test } from 'vitest';
import { compareRuns } from '../../../../src/economics/comparison/comparison.ts';
import { epochsNeeded, reachedAccuracy } from '../../../../src/economics/comparison/reached-accuracy.ts';
import { renderComparison } from '../../../../src/report/comparison/comparison-table.ts';
import { describeToAccuracy } from '../../../../src/report/comparison/comparison-text.ts';
import { comparedRun, type TestKind } from '../../../support/compared-runs.ts';
import { runRecord } from '../../../support/run-records.ts';

const wasm: TestKind = { backend: 'wasm', price: 0.36 };

interface Tested {
  readonly workers?: readonly TestKind[];
  readonly batch?: number;
  /** Of each epoch. */
  readonly seconds?: number;
  readonly folder?: string;
  /** Written down when an accuracy was reached, by epoch: seconds of the run and USD. */
  readonly milestones?: readonly (readonly [runSeconds: number, costUsd: number])[];
  readonly lastSamples?: number;
}

/** A run whose test passes, of 1 s each, had these accuracies. Its workers begin at 0.5 s and start up for 3 s. */
function tested(accuracies: readonly number[], options: Tested = {}) {
  const { workers = [wasm], batch = 60, seconds = 60, folder = 'run', milestones = [], lastSamples = 60_000 } = options;
  const [epoch] = runRecord().epochs;
  if (epoch === undefined) throw new Error('the record has no epoch');
  const last = accuracies.length - 1;
  const epochs = accuracies.map((testAccuracy, index) => ({
    ...epoch,
    epoch: index,
    testAccuracy,
    samples: index === last ? lastSamples : 60_000,
    seconds,
    evaluateSeconds: 1,
  }));
  return comparedRun({
    workers,
    batch,
    rate: 60_000 / seconds,
    folder,
    record: {
      epochs,
      milestones: milestones.map(([runSeconds, costUsd], index) => ({ epoch: index, runSeconds, costUsd })),
    },
  });
}
const startup = ({ summary }: ReturnType<typeof tested>) => summary.workers[0]?.seconds_by_category.startup ?? 0;

describe('reachedAccuracy', () => {
  test('counts from the start of the run to the end of the first test pass that reached it', () => {
    const one = tested([0.9, 0.955, 0.94, 0.97]);
    expect(startup(one)).toBeCloseTo(3, 9);
    const reached = reachedAccuracy(one.summary, 0.955);
    expect(reached).toEqual({
      epochs: 2,
      seconds: expect.closeTo(0.5 + 3 + 2 * 61, 9),
      usd: expect.closeTo((0.36 * 125) / 3600, 12),
      billedUsd: expect.closeTo((0.36 * 125) / 3600, 12),
    });
    expect(reachedAccuracy(one.summary, 0.956)?.epochs).toBe(4);
    expect(reachedAccuracy(one.summary, 0.971)).toBeUndefined();
  });

  test('takes what was written down for the common accuracies', () => {
    const milestones = [
      [70, 0.007],
      [140, 0.015],
    ] as const;
    const one = tested([0.975, 0.985], { milestones });
    expect(reachedAccuracy(one.summary, 0.98)).toMatchObject({ epochs: 2, seconds: 140, usd: 0.015 });
    expect(reachedAccuracy(one.summary, 0.97)).toMatchObject({ epochs: 1, seconds: 70, usd: 0.007 });
    expect(reachedAccuracy(one.summary, 0.96)).toMatchObject({ epochs: 1, seconds: expect.closeTo(64.5, 9) });
  });

  test('every worker is billed by its rule, as if it ended there', () => {
    const workers = [{ ...wasm, gpu: 'lambda/t4/on-demand' }, { backend: 'cpu', price: 3.6 }, { backend: 'webgpu' }];
    const reached = reachedAccuracy(tested([0.9], { workers, seconds: 60.2 }).summary, 0.9);
    // 3 + 61.2 s: two minutes at $0.36, 65 s at $3.60.
    expect(reached?.usd).toBeCloseTo((3.96 * 64.2) / 3600, 9);
    expect(reached?.billedUsd).toBeCloseTo(0.012 + 0.065, 9);
  });

  test('an epoch that was cut short counts for what was trained of it', () => {
    expect(reachedAccuracy(tested([0.9, 0.95], { lastSamples: 15_000 }).summary, 0.95)?.epochs).toBe(1.25);
  });
});

test('epochs needed are those of the runs that reached it', () => {
  expect(epochsNeeded([{ epochs: 2 }, { epochs: 5 }, { epochs: 2 }])).toEqual({ mean: 3, fewest: 2, most: 5, runs: 3 });
  expect(epochsNeeded([])).toBeUndefined();
});

describe('a comparison to an accuracy', () => {
  const runs = [
    ...[60, 61, 62].map((seconds, index) => tested([0.9, 0.955], { seconds, folder: `a${index}` })),
    ...[40, 45, 50].map((seconds, index) =>
      tested([0.9, 0.93, index === 2 ? 0.94 : 0.96], { workers: [wasm, wasm], seconds, folder: `b${index}` }),
    ),
    tested([0.9], { batch: 600, folder: 'c' }),
  ];
  const { points, toAccuracy } = compareRuns(runs, { targetAccuracy: 0.95 });

  test('is of the runs that reached it, and names the others with how far they came', () => {
    expect(toAccuracy?.points.map(({ point, epochs }) => [points[point]?.name, epochs])).toEqual([
      ['1 × wasm', { mean: 2, fewest: 2, most: 2, runs: 3 }],
      ['2 × wasm', { mean: 3, fewest: 3, most: 3, runs: 2 }],
    ]);
    expect(toAccuracy?.missed).toEqual([
      { folder: 'b2', bestAccuracy: 0.94 },
      { folder: 'c', bestAccuracy: 0.9 },
    ]);
    const untested = compareRuns([...runs, tested([], { folder: 'd' })], { targetAccuracy: 0.95 }).toAccuracy?.missed;
    expect(untested?.find(({ folder }) => folder === 'd')).toEqual({ folder: 'd', bestAccuracy: undefined });
    expect(compareRuns(runs).toAccuracy).toBeUndefined();
  });

  test('has means and intervals of time and cost', () => {
    const [alone, both] = toAccuracy?.points ?? [];
    const seconds = [60, 61, 62].map((one) => 3.5 + 2 * (one + 1));
    // 95 % points of Student's t: 4.303 for three repeats, 12.706 for two.
    expect(alone?.seconds).toEqual(estimateOf(seconds, 4.303));
    const paid = seconds.map((one) => (0.36 * (one - 0.5)) / 3600);
    expect(alone?.usd).toEqual(estimateOf(paid, 4.303));
    expect(alone?.billedUsd?.value).toBeGreaterThanOrEqual(alone?.usd?.value ?? 0);
    expect(both?.seconds.value).toBeCloseTo(geometric([40, 45].map((one) => 3.5 + 3 * (one + 1))), 9);
    const ofTwo = [40, 45].map((one) => (0.72 * (3 + 3 * (one + 1))) / 3600);
    expect(both?.usd).toEqual(estimateOf(ofTwo, 12.706));
  });
  const geometric = (values: readonly number[]) =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  /** The geometric mean, and what it reaches to by t × the standard error of the mean logarithm. */
  const estimateOf = (values: readonly number[], t: number) => {
    const mean = geometric(values);
    const squares = values.reduce((sum, value) => sum + Math.log(value / mean) ** 2, 0);
    const reach = Math.exp(t * Math.sqrt(squares / (values.length - 1) / values.length));
    return {
      value: expect.closeTo(mean, 9),
      interval: [expect.closeTo(mean / reach, 9), expect.closeTo(mean * reach, 9)],
    };
  };

  test('names the fastest and the cheapest, and what cannot be told from them', () => {
    expect(toAccuracy).toMatchObject({ fastest: 0, fastestTied: [1], cheapest: 0, cheapestTied: [] });
    const once = compareRuns(
      [runs[0], runs[3]].flatMap((run) => run ?? []),
      { targetAccuracy: 0.95 },
    ).toAccuracy;
    expect(once).toMatchObject({ fastest: 0, fastestTied: [], cheapest: 0, cheapestTied: [] });
    const none = compareRuns(runs, { targetAccuracy: 0.999 }).toAccuracy;
    expect(none).toMatchObject({
      points: [],
      fastest: undefined,
      fastestTied: [],
      cheapest: undefined,
      cheapestTied: [],
    });
  });

  test('without prices there are times alone, and free workers cost nothing', () => {
    const free = tested([0.96], { workers: [{ backend: 'wasm' }], folder: 'free' });
    const unpriced = compareRuns([free], { targetAccuracy: 0.95 }).toAccuracy;
    expect(unpriced).toMatchObject({ cheapest: undefined, points: [{ usd: undefined, billedUsd: undefined }] });
    const zero = [64, 32].map((batch) =>
      tested([0.96], { workers: [{ backend: 'wasm', price: 0 }], batch, folder: `zero${batch}` }),
    );
    const gift = compareRuns([...zero, ...runs.slice(0, 3)], { targetAccuracy: 0.95 }).toAccuracy;
    expect(gift?.points[0]?.usd).toEqual({ value: 0, interval: undefined });
    expect(gift?.cheapestTied).toHaveLength(1);
    expect(
      [gift?.cheapest, ...(gift?.cheapestTied ?? [])].map(
        (index) => index !== undefined && gift?.points.find(({ point }) => point === index)?.usd?.value,
      ),
    ).toEqual([0, 0]);
  });

  test('is cheapest by the bill, as a plan is, though another accrues less', () => {
    const byMinute: TestKind = { ...wasm, gpu: 'lambda/t4/on-demand' };
    const two = tested([0.96], { workers: [byMinute, byMinute], seconds: 62, folder: 'two' });
    const one = tested([0.96], { workers: [byMinute], seconds: 174, folder: 'one' });
    const { points: both, toAccuracy: reached } = compareRuns([two, one], { targetAccuracy: 0.95 });
    const figures = reached?.points.map(({ point, usd, billedUsd }) => [
      both[point]?.workers,
      usd?.value,
      billedUsd?.value,
    ]);
    // Alive 66 s and 178 s: $0.0132 and $0.0178, billed 2 × 120 s and 180 s.
    expect(figures).toEqual([
      [1, expect.closeTo(0.0178, 9), expect.closeTo(0.018, 9)],
      [2, expect.closeTo(0.0132, 9), expect.closeTo(0.024, 9)],
    ]);
    expect(both[reached?.cheapest ?? -1]?.workers).toBe(1);
  });

  test('free workers are cheaper than any with a price, however often they were run', () => {
    const gifts = [60, 70].map((seconds) =>
      tested([0.96], { workers: [{ backend: 'wasm', price: 0 }], batch: 32, seconds, folder: `gift${seconds}` }),
    );
    const gift = compareRuns([...gifts, ...runs.slice(0, 3)], { targetAccuracy: 0.95 }).toAccuracy;
    expect(gift).toMatchObject({ cheapest: 0, cheapestTied: [] });
    const free = { value: 0, interval: undefined };
    expect(gift?.points[0]).toMatchObject({ usd: free, billedUsd: free });
  });

  test('names what may cost as little where the repeats overlap', () => {
    const noisy = [60, 600].flatMap((batch) =>
      [50, 60, 70].map((seconds) => tested([0.96], { batch, seconds: seconds + batch / 300, folder: 'noisy' })),
    );
    expect(compareRuns(noisy, { targetAccuracy: 0.95 }).toAccuracy).toMatchObject({
      fastest: 0,
      fastestTied: [1],
      cheapest: 0,
      cheapestTied: [1],
    });
  });

  test('is a table and sentences in the terminal', () => {
    const text = renderComparison(compareRuns(runs, { targetAccuracy: 0.95 }), { columns: 140, colour: false });
    expect(text).toContain('To a test accuracy of 95 %\n');
    expect(text).toMatch(/ 1 × wasm +60 +3 of 3 +2 +127\.5 \(12\d\.\d–13\d\.\d\) +\$0\.013 \(\$0\.01\d–\$0\.013\) /);
    expect(text).toMatch(/ 2 × wasm +60 +2 of 3 +3 +133\.\d \(/);
    expect(toAccuracy && describeToAccuracy(points, toAccuracy)).toEqual([
      expect.stringMatching(
        /^fastest: 1 × wasm, batch 60, 2 min 07 s, billed \$0\.013; these repeats do not tell it from 2 × wasm, batch 60 \(2 min 1\d s, billed \$0\.02\d\)$/,
      ),
      expect.stringMatching(/^cheapest: 1 × wasm, batch 60, /),
      'not reached: b2, at most 94.00 %',
      'not reached: c, at most 90.00 %',
    ]);
    const never = compareRuns([tested([], { folder: 'd' })], { targetAccuracy: 0.975 });
    expect(renderComparison(never, { columns: 140, colour: false })).toContain(
      'To a test accuracy of 97.5 %\nnot reached: d, which had no test pass\n',
    );
  });
});
