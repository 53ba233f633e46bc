import { describe, expect, test } from 'vitest';
import type { ComparedRun } from '../../../../src/economics/comparison/compared-fleets.ts';
import { compareRuns } from '../../../../src/economics/comparison/comparison.ts';
import { sumSpending } from '../../../../src/economics/comparison/spending.ts';
import { removalError } from '../../../../src/economics/models/worker-removal.ts';
import type { RunRecord } from '../../../../src/economics/record/run-record.ts';
import { renderComparison } from '../../../../src/report/comparison/comparison-table.ts';
import {
  describeBest,
  describeBreakEven,
  describeMarginal,
} from '../../../../src/report/comparison/comparison-text.ts';
import { comparisonCharts } from '../../../../src/report/html/comparison-charts.ts';
import { snakeCased } from '../../../../src/report/snake-case.ts';
import { comparedRun, kindOfWorker, type TestKind } from '../../../support/compared-runs.ts';
import { fleetMember, runRecord } from '../../../support/run-records.ts';

const dear = kindOfWorker({ backend: 'wasm', price: 0.4 });
const cheap = kindOfWorker({ backend: 'cpu', price: 0.05 });

/** One, two and four equal workers at batch 64 and the first at 32; three repeats, one per cent apart. */
const scaling: readonly ComparedRun[] = [
  ...[990, 1000, 1010].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 })),
  ...[1485, 1500, 1515].map((rate) => comparedRun({ workers: [dear, dear], rate, batch: 64 })),
  ...[792, 800, 808].map((rate) => comparedRun({ workers: [dear], rate, batch: 32 })),
];
const point = (runs: readonly ComparedRun[], workers: number, batch = 64) => {
  const found = compareRuns(runs).points.find((p) => p.workers === workers && p.globalBatchSize === batch);
  if (found === undefined) throw new Error('no such point');
  return found;
};

describe('compareRuns', () => {
  test('takes runs with the same workers and batch for repeats of a point', () => {
    const { points } = compareRuns(scaling);
    expect(points.map(({ name, globalBatchSize, runs }) => [name, globalBatchSize, runs.length])).toEqual([
      ['1 × wasm', 32, 3],
      ['1 × wasm', 64, 3],
      ['2 × wasm', 64, 3],
    ]);
  });

  test('a point has the means of its repeats, and the comparison what all of them trained', () => {
    const [epoch] = runRecord().epochs;
    if (epoch === undefined) throw new Error('the record has epochs');
    const tested = [0.96, 0.98].map((testAccuracy) =>
      comparedRun({ workers: [dear], rate: 1000, batch: 64, record: { epochs: [{ ...epoch, testAccuracy }] } }),
    );
    const untested = comparedRun({ workers: [dear], rate: 500, batch: 64, folder: 'slow', record: { epochs: [] } });
    const comparison = compareRuns([...tested, untested]);
    expect(comparison).toMatchObject({
      dataset: { name: 'mnist', train: 60_000 },
      model: { name: 'cnn', parameters: 93_322 },
    });
    const [one] = comparison.points;
    expect(one).toMatchObject({ workers: 1, runs: ['runs/wasm-b64-1000', 'runs/wasm-b64-1000', 'slow'] });
    expect(one?.testAccuracy).toBeCloseTo(0.97, 12);
    // Alive for 65, 65 and 125 s at $0.40 an hour.
    expect(one?.costOfRunUsd).toBeCloseTo((0.4 * 85) / 3600, 12);
    expect(compareRuns([untested]).points[0]?.testAccuracy).toBeUndefined();
  });

  test('calls what an epoch takes extrapolated, and says why, where a run trained a part of one', () => {
    const [epoch] = runRecord().epochs;
    if (epoch === undefined) throw new Error('the record has epochs');
    const cut = {
      epochs: [{ ...epoch, samples: 6000, seconds: 6, cutShort: true as const }],
      samples: 6000,
      trainSeconds: 6,
    };
    const short = comparedRun({ workers: [dear, dear], rate: 1000, batch: 64, record: cut });
    const comparison = compareRuns([...scaling, short]);
    const marked = comparison.points.map(({ workers, epochExtrapolated }) => [workers, epochExtrapolated]);
    expect(marked).toEqual([
      [1, undefined],
      [1, undefined],
      [2, true],
    ]);
    const text = renderComparison(comparison, { columns: 160, colour: false });
    expect(text).toMatch(/2 × wasm .* \d+\.\d extrapolated /);
    expect(text).toMatch(/fastest: 2 × wasm, batch 64, [\d.]+ s an epoch for \$[\d.]+, extrapolated/);
    expect(text).toContain('extrapolated: no whole epoch was trained in some run');
    expect(JSON.stringify(snakeCased(comparison))).toContain('"epoch_extrapolated":true');
    expect(renderComparison(compareRuns(scaling), { columns: 160, colour: false })).not.toContain('extrapolated');
  });

  test('strong efficiency is against the same batch, weak against the same batch a worker', () => {
    const { strong, weak } = point(scaling, 2);
    expect(strong?.value).toBeCloseTo(0.75, 6);
    expect(strong?.baselineBatch).toBe(64);
    expect(weak?.value).toBeCloseTo(1500 / (2 * 800), 6);
    expect(weak?.baselineBatch).toBe(32);
    expect(point(scaling, 1)).toMatchObject({ strong: undefined, marginals: [] });
    // Nothing to measure it against.
    expect(point(scaling.slice(3, 6), 2).strong).toBeUndefined();
    const [low, high] = strong?.interval ?? [0, 0];
    // Spreads of 1 % on both sides: √(2/3) % standard error, t(4) = 2.776.
    expect(Math.log(high / low) / 2).toBeCloseTo(2.776 * Math.sqrt(2 / 3) * 0.01, 4);
  });

  test('an epoch costs the price of the fleet for the time that its samples take', () => {
    const two = point(scaling, 2);
    expect(two.usdPerHour).toBeCloseTo(0.8, 12);
    expect(two.secondsPerEpoch).toBeCloseTo(40, 2);
    expect(two.costPerEpochUsd).toBeCloseTo((0.8 * 40) / 3600, 5);
    expect(two.costPerThousandUsd).toBeCloseTo((0.8 * 40) / 3600 / 60, 7);
  });

  test('the second worker adds half the speed for half of the bill, and pays below half the price', () => {
    const [marginal] = point(scaling, 2).marginals;
    if (marginal === undefined) throw new Error('no verdict');
    expect(marginal).toMatchObject({
      basis: 'measured',
      verdict: 'costs more than it brings',
      billShare: 0.5,
      costIncrease: 1,
    });
    expect(marginal.breakEvenUsdPerHour).toBeCloseTo(0.2, 6);
    expect(describeMarginal(marginal)).toBe(
      'one of 2 × wasm: +50 % (47 to 53) speed for +100 % cost: drop it unless speed is worth more to you; it pays below $0.20/h ($0.19/h to $0.21/h) (measured)',
    );
  });

  test('does not judge what the spread of the repeats leaves open', () => {
    const noisy = [
      ...[900, 1000, 1100].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 })),
      ...[1800, 1990, 2200].map((rate) => comparedRun({ workers: [dear, dear], rate, batch: 64 })),
    ];
    const [marginal] = point(noisy, 2).marginals;
    expect(marginal?.uncertain).toBe(true);
    expect(marginal && describeMarginal(marginal)).toMatch(
      /^one of 2 × wasm: \+100 % \(\d+ to \d+\) speed for \+100 % cost: these repeats do not show whether it pays at \$0\.40\/h; it breaks even at \$0\.40\/h \(\$0\.\d\d\/h to \$0\.\d\d\/h\) \(measured\)$/,
    );
    expect(point(scaling, 2).marginals[0]?.uncertain).toBe(false);
  });

  test('a worker that may speed up or slow down costs more than it brings where its price is above all of the interval', () => {
    const ofTwo = (rates: readonly number[]) => {
      const alone = [900, 1000, 1100].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 }));
      const both = rates.map((rate) => comparedRun({ workers: [dear, dear], rate, batch: 64 }));
      const [marginal] = point([...alone, ...both], 2).marginals;
      if (marginal === undefined) throw new Error('no verdict');
      return marginal;
    };
    const open = ofTwo([800, 950, 1050]);
    expect(open).toMatchObject({ verdict: 'costs more than it brings', uncertain: false });
    expect(describeMarginal(open)).toMatch(
      /: -7 % \(-\d+ to \d+\) speed for \+100 % cost: drop it: these repeats do not show that it brings any speed, and it pays at no price: its break-even price is -\$0\.02\d\/h \(-\$0\.\d+\/h to \$0\.\d+\/h\) \(measured\)$/,
    );
    const unclear = ofTwo([400, 900, 1900]);
    expect(unclear).toMatchObject({ uncertain: true });
    expect(describeMarginal(unclear)).toMatch(
      /these repeats do not show whether it pays at \$0\.40\/h; on average it pays at no price: its break-even price is -\$0\.0\d+\/h \(/,
    );
    const sure = ofTwo([495, 500, 505]);
    expect(sure).toMatchObject({ verdict: 'slows the others down', uncertain: false });
    expect(describeMarginal(sure)).toMatch(
      /: -50 % \(-\d+ to -\d+\) speed for \+100 % cost: drop it at any price \(measured\)$/,
    );
    // Two repeats that differ: from nothing to a thousandfold.
    expect(describeMarginal(ofTwo([300, 3000]))).toContain('% (wide: too few repeats)');
  });

  test('says for how much more cost a worker brings its speed, whoever is free', () => {
    const pair = (price: number, other: number) => {
      const [a, b] = [kindOfWorker({ backend: 'wasm', price }), kindOfWorker({ backend: 'cpu', price: other })];
      const runs = [
        comparedRun({ workers: [a, b], rate: 1500, batch: 64 }),
        comparedRun({ workers: [a], rate: 1000, batch: 64 }),
        comparedRun({ workers: [b], rate: 1000, batch: 64 }),
      ];
      return point(runs, 2).marginals.map((one) => [one.costIncrease, one.billShare, describeMarginal(one)] as const);
    };
    const [[increase, share, text] = [], [half, third] = []] = pair(0.2, 0.1);
    expect([increase, share, half, third]).toEqual([2, 2 / 3, 0.5, 1 / 3].map((part) => expect.closeTo(part, 9)));
    expect(text).toBe(
      'w0: +50 % speed for +200 % cost: drop it unless speed is worth more to you; it pays below $0.050/h (measured, without repeats)',
    );
    const [[none, whole, all] = [], [nothing, , free] = []] = pair(0.2, 0);
    expect([none, whole, nothing]).toEqual([undefined, 1, 0]);
    expect(all).toContain('w0: +50 % speed for all of the cost: drop it unless');
    expect(free).toContain('w1: +50 % speed for +0 % cost: keep it: it is free (measured, without repeats)');
    const [[, noShare, both] = []] = pair(0, 0);
    expect(noShare).toBe(0);
    expect(both).toContain('w0: +50 % speed for no cost: keep it: it is free');
  });

  test('does not say that a kind is cheaper or dearer where its break-even price is not known well enough', () => {
    const breakEven = (rates: readonly number[]) => {
      const [one] = compareRuns([
        ...[900, 1000, 1100].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 })),
        ...rates.map((rate) => comparedRun({ workers: [cheap], rate, batch: 64 })),
      ]).breakEvens;
      return one === undefined ? '' : describeBreakEven(one);
    };
    expect(breakEven([115, 125, 140])).toMatch(
      /^cpu alone breaks even with wasm \(\$0\.40\/h\) at \$0\.05\d\/h \(\$0\.0\d+\/h–\$0\.0\d+\/h\), batch 64; these repeats do not show whether it does the same for less at \$0\.050\/h$/,
    );
    expect(breakEven([50, 500])).toMatch(
      /at \$0\.06\d\/h \(wide: too few repeats\), batch 64; these repeats do not show whether/,
    );
    expect(breakEven([240, 250, 260])).toMatch(/; at \$0\.050\/h it does the same for less$/);
  });

  test('says that it models where no run without the worker is at hand, within the error that the model has', () => {
    const [marginal] = point([comparedRun({ workers: [dear, dear], rate: 1000, batch: 64 })], 2).marginals;
    // 80 % of the step computes, so one worker alone would take 1.6 of its time: it neither communicates nor waits. The
    // model's mean error is taken off.
    expect(marginal).toMatchObject({ basis: 'modelled', uncertain: false });
    expect(1 + (marginal?.speedGain ?? 0)).toBeCloseTo(1.6 * Math.exp(-removalError.mean), 6);
    const [low, high] = marginal?.speedGainInterval ?? [0, 0];
    expect((1 + low) * (1 + high)).toBeCloseTo((1.6 * Math.exp(-removalError.mean)) ** 2, 6);
    expect(marginal?.breakEvenIntervalUsdPerHour).toEqual([
      expect.closeTo(0.4 * low, 9),
      expect.closeTo(0.4 * high, 9),
    ]);
    expect(marginal && describeMarginal(marginal)).toMatch(
      /^one of 2 × wasm: \+49 % \(\d+ to \d+\) speed for \+100 % cost: drop it unless .* \(modelled: how workers share the cores of a host is not known\)$/,
    );
  });

  test('nothing is said of a worker without a run where the error of the model is not known', () => {
    const elsewhere = [
      { ...dear, host: 'alpha' },
      { ...dear, host: 'beta' },
    ];
    const [marginal] = point([comparedRun({ workers: elsewhere, rate: 1000, batch: 64 })], 2).marginals;
    expect(marginal).toEqual({
      worker: 'one of 2 × wasm',
      kind: 'wasm',
      usdPerHour: 0.4,
      billShare: 0.5,
      costIncrease: 1,
      basis: 'unknown',
      verdict: 'unknown',
      uncertain: true,
      speedGain: undefined,
      speedGainInterval: undefined,
      breakEvenUsdPerHour: undefined,
      breakEvenIntervalUsdPerHour: undefined,
    });
    expect(marginal && describeMarginal(marginal)).toBe(
      'one of 2 × wasm: what it brings for +100 % cost is unknown: measure the fleet without it',
    );
    const basisOf = (kind: TestKind, rates = [1000]) =>
      point(
        rates.map((rate) => comparedRun({ workers: [kind, kind], rate, batch: 64 })),
        2,
      ).marginals.map(({ basis }) => basis);
    expect(basisOf({ backend: 'tensorflow', price: 1 })).toEqual(['modelled']);
    expect(basisOf({ backend: 'cpu', price: 1 })).toEqual(['unknown']);
    expect(basisOf({ backend: 'webgpu', price: 1 })).toEqual(['unknown']);
    // Nobody knows how much the speed of a run changed, or of one of its repeats.
    const recorded = comparedRun({ workers: [dear, dear], rate: 1000, batch: 64 });
    const { folder, summary } = comparedRun({ workers: [dear, dear], rate: 1010, batch: 64 });
    expect(point([{ folder, summary }], 2).marginals[0]?.basis).toBe('unknown');
    expect(point([recorded, { folder, summary }], 2).marginals[0]?.basis).toBe('unknown');
    expect(point([recorded, { folder, summary, stepRates: () => [] }], 2).marginals[0]?.basis).toBe('unknown');
    // One of the repeats was spread over two hosts.
    const mixed = [
      comparedRun({ workers: [dear, dear], rate: 1000, batch: 64 }),
      comparedRun({ workers: elsewhere, rate: 1000, batch: 64 }),
    ];
    expect(point(mixed, 2).marginals[0]?.basis).toBe('unknown');
  });

  test('a run whose speed changed while it trained says less of the one without a worker', () => {
    const stepRates = [500, 2000, 500, 2000, 500, 2000, 500, 2000, 500, 2000];
    const [marginal] = point([comparedRun({ workers: [dear, dear], rate: 1000, batch: 64, stepRates })], 2).marginals;
    expect(marginal).toMatchObject({ basis: 'modelled', uncertain: true });
    expect(marginal?.speedGainInterval?.[0]).toBeLessThan(-0.5);
    expect(marginal && describeMarginal(marginal)).toContain(
      '(wide: too few repeats) speed for +100 % cost: the model does',
    );
  });

  test('models the rate without a worker from what that worker did, the mean over the repeats', () => {
    const tensorflow = kindOfWorker({ backend: 'tensorflow', price: 0.05 });
    /** Of 60 s, w0 computes so many and w1 half of that; w0 loads for 2 s. */
    const run = (seconds: number): ComparedRun => {
      const { folder, summary, ...rest } = comparedRun({ workers: [dear, tensorflow], rate: 1000, batch: 64 });
      const workers = summary.workers.map((worker, rank) => ({
        ...worker,
        compute_seconds: seconds / (rank + 1),
        communicate_seconds: 1 + rank,
        wait_seconds: 60 - seconds / (rank + 1) - 4 - rank,
        load_seconds: rank === 0 ? 2 : 0,
      }));
      return { ...rest, folder: `${folder}-${seconds}`, summary: { ...summary, workers } };
    };
    /** The other computes all, and loads for the mean second; 2 s of the 60 are not explained by the mean worker. */
    const gainOf = (others: number) => (2 * others + 1 + 2) / 60 / Math.exp(removalError.mean) - 1;
    const ofOne = point([run(30)], 2).marginals.map(({ speedGain }) => speedGain);
    expect(ofOne).toEqual([expect.closeTo(gainOf(15), 6), expect.closeTo(gainOf(30), 6)]);
    const [first] = point([run(30), run(48)], 2).marginals;
    expect(first?.speedGain).toBeCloseTo(Math.sqrt((1 + gainOf(15)) * (1 + gainOf(24))) - 1, 6);
  });

  test('measures a worker by the fleet without it, in whatever order its workers are', () => {
    const runs = [
      comparedRun({ workers: [dear, cheap, dear], rate: 1500, batch: 64 }),
      comparedRun({ workers: [cheap, dear], rate: 1200, batch: 64 }),
    ];
    const [ofDear, ofCheap] = point(runs, 3).marginals;
    expect(ofDear).toMatchObject({ worker: 'one of 2 × wasm', kind: 'wasm', basis: 'measured', usdPerHour: 0.4 });
    expect(ofDear?.speedGain).toBeCloseTo(0.25, 9);
    expect(ofCheap).toMatchObject({ worker: 'w1', kind: 'cpu', basis: 'unknown', usdPerHour: 0.05 });
  });

  test('mixed fleets are measured against what their workers do alone, and each kind is judged', () => {
    const mixed = [
      comparedRun({ workers: [dear], rate: 1000, batch: 64 }),
      comparedRun({ workers: [cheap], rate: 250, batch: 64 }),
      comparedRun({ workers: [dear, cheap], rate: 1100, batch: 64 }),
    ];
    const comparison = compareRuns(mixed);
    const two = comparison.points.at(-1);
    expect(two?.name).toBe('1 × wasm + 1 × cpu');
    expect(two?.strong?.value).toBeCloseTo(1100 / 1250, 9);
    // Half of the batch on each would be weak scaling of equals alone.
    const halves = [dear, cheap].map((kind) => comparedRun({ workers: [kind], rate: 500, batch: 32 }));
    expect(point([...mixed, ...halves], 2).weak).toBeUndefined();
    // Three repeats of one and one of the other make one sum.
    const repeated = [990, 1010].map((rate) => comparedRun({ workers: [dear], rate, batch: 64 }));
    const { strong } = point([...mixed, ...repeated], 2);
    expect(strong?.value).toBeCloseTo(1100 / 1250, 9);
    expect(strong?.interval).toBeUndefined();
    expect(two?.marginals.map(({ worker, basis, verdict }) => [worker, basis, verdict])).toEqual([
      // A sample of the dear one costs twice as much as one of the cheap one.
      ['w0', 'measured', 'costs more than it brings'],
      ['w1', 'measured', 'costs more than it brings'],
    ]);
    expect(two?.marginals[1]?.breakEvenUsdPerHour).toBeCloseTo(0.04, 9);
    expect(comparison.breakEvens).toHaveLength(1);
    const [breakEven] = comparison.breakEvens;
    expect(breakEven && describeBreakEven(breakEven)).toBe(
      'cpu alone breaks even with wasm ($0.40/h) at $0.10/h, batch 64; at $0.050/h it does the same for less',
    );
  });

  test('marks what nothing else beats in both time and cost', () => {
    const { points, cheapest, fastest, cheapestTied, fastestTied } = compareRuns(scaling);
    expect(points.map(({ onFront }) => onFront)).toEqual([false, true, true]);
    expect([cheapest, fastest]).toEqual([1, 2]);
    expect([cheapestTied, fastestTied]).toEqual([[], []]);
  });

  test('a point is off the front only where another is faster and cheaper beyond the intervals', () => {
    const alone = (rates: readonly number[]) => rates.map((rate) => comparedRun({ workers: [dear], rate, batch: 64 }));
    const other = (rates: readonly number[]) => rates.map((rate) => comparedRun({ workers: [dear], rate, batch: 32 }));
    const frontOf = (runs: readonly ComparedRun[]) => compareRuns(runs).points.map(({ onFront }) => onFront);
    // Means 5 % apart, with t(4) = 2.776 and standard errors of √(2/3) %, 8.2 % and, once, none.
    expect(frontOf([...alone([990, 1000, 1010]), ...other([940, 950, 960])])).toEqual([false, true]);
    const noisy = compareRuns([...alone([900, 1000, 1100]), ...other([855, 950, 1045])]);
    expect(noisy.points.map(({ onFront }) => onFront)).toEqual([true, true]);
    expect([noisy.fastest, noisy.fastestTied, noisy.cheapest, noisy.cheapestTied]).toEqual([1, [0], 1, [0]]);
    expect(frontOf([...alone([1000]), ...other([950])])).toEqual([false, true]);
    expect(describeBest(noisy)).toEqual([
      expect.stringMatching(
        /^fastest: 1 × wasm, batch 64, 60\.\d s an epoch for \$0\.0067; these repeats do not tell it from 1 × wasm, batch 32 \(63\.\d s for \$0\.0070\)$/,
      ),
      expect.stringMatching(
        /^cheapest: 1 × wasm, batch 64, .*; these repeats do not tell it from 1 × wasm, batch 32 \(/,
      ),
    ]);
  });

  test('as many workers at the same speed and half of the price are off the front, free ones are not', () => {
    const at = (price: number, batch: number) => comparedRun({ workers: [{ ...dear, price }], rate: 1000, batch });
    expect(compareRuns([at(0.4, 64), at(0.2, 32)]).points.map(({ onFront }) => onFront)).toEqual([true, false]);
    expect(compareRuns([at(0, 64), at(0, 32), at(0.1, 16)]).points.map(({ onFront }) => onFront)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('an epoch has the interval of its rate, upside down, in seconds and at the price of the fleet', () => {
    const [, one] = compareRuns(scaling).points;
    const [low, high] = one?.samplesPerSecond.interval ?? [0, 0];
    expect(one?.secondsPerEpochInterval).toEqual([expect.closeTo(60_000 / high, 9), expect.closeTo(60_000 / low, 9)]);
    expect(one?.costPerEpochIntervalUsd).toEqual([
      expect.closeTo((0.4 * 60_000) / high / 3600, 12),
      expect.closeTo((0.4 * 60_000) / low / 3600, 12),
    ]);
    const [once] = compareRuns([comparedRun({ workers: [dear], rate: 1000, batch: 64 })]).points;
    expect(once).toMatchObject({ secondsPerEpochInterval: undefined, costPerEpochIntervalUsd: undefined });
  });

  test('the fastest is the first of those that take an epoch the least time', () => {
    const fastestOf = (...rates: readonly number[]) =>
      compareRuns(rates.map((rate, index) => comparedRun({ workers: [dear], rate, batch: 32 * (index + 1) }))).fastest;
    expect(fastestOf(3000, 1000, 2000)).toBe(0);
    expect(fastestOf(1000, 3000, 2000)).toBe(1);
    expect(fastestOf(1000, 3000, 3000)).toBe(1);
  });

  describe('break-even prices', () => {
    const breakEvensOf = (...runs: readonly (readonly [kind: TestKind, rate: number, batch: number])[]) =>
      compareRuns(runs.map(([kind, rate, batch]) => comparedRun({ workers: [kind], rate, batch }))).breakEvens.map(
        ({ kind, reference, globalBatchSize, breakEvenUsdPerHour, usdPerHour }) => ({
          pair: `${kind} for ${reference} at ${globalBatchSize}`,
          usd: Number(breakEvenUsdPerHour.value.toFixed(9)),
          usdPerHour,
        }),
      );

    test('are against the dearest kind, whichever was run first', () => {
      const [middle, free] = [{ backend: 'webgpu', price: 0.2 }, { backend: 'tensorflow' }];
      const runs = [
        [cheap, 250, 64],
        [dear, 1000, 64],
        [free, 50, 64],
        [middle, 500, 64],
      ] as const;
      const found = [
        { pair: 'cpu for wasm at 64', usd: 0.1, usdPerHour: 0.05 },
        { pair: 'tensorflow for wasm at 64', usd: 0.02, usdPerHour: undefined },
        { pair: 'webgpu for wasm at 64', usd: 0.2, usdPerHour: 0.2 },
      ];
      expect(breakEvensOf(...runs)).toEqual(found);
      expect(breakEvensOf(...runs.toReversed())).toEqual(found.toReversed());
    });

    test('are of each batch by itself', () => {
      expect(breakEvensOf([dear, 1000, 64], [cheap, 250, 64], [dear, 1000, 32], [cheap, 500, 32])).toEqual([
        { pair: 'cpu for wasm at 32', usd: 0.2, usdPerHour: 0.05 },
        { pair: 'cpu for wasm at 64', usd: 0.1, usdPerHour: 0.05 },
      ]);
    });

    test('need a price, and two kinds', () => {
      expect(breakEvensOf([{ backend: 'wasm' }, 1000, 64], [{ backend: 'cpu' }, 250, 64])).toEqual([]);
      expect(breakEvensOf([dear, 1000, 64], [{ ...dear, price: 0.8 }, 1000, 64])).toEqual([]);
    });
  });

  test('tells prices apart in names, and pools their speed', () => {
    const dearer = kindOfWorker({ backend: 'wasm', price: 0.8 });
    const { points } = compareRuns([
      comparedRun({ workers: [dear], rate: 1000, batch: 64 }),
      comparedRun({ workers: [dearer, dearer], rate: 1600, batch: 64 }),
    ]);
    expect(points.map(({ name }) => name)).toEqual(['1 × wasm at $0.40/h', '2 × wasm at $0.80/h']);
    expect(points[1]?.strong?.value).toBeCloseTo(0.8, 9);
  });

  test('two kinds never have one name, and every point is in the charts', () => {
    const threads = kindOfWorker({ ...dear, device: 'wasm, 2 threads' });
    const labelled = kindOfWorker({ ...dear, gpu: 'gcp/T4/spot' });
    const fleets = [[dear], [threads], [labelled], [dear, threads], [dear, dear], [threads, threads], [labelled, dear]];
    const more = [
      [dear, threads, threads, threads],
      [dear, dear, dear, threads],
    ];
    const runs = [...fleets, ...more].map((workers, index) => comparedRun({ workers, rate: 1000 + index, batch: 64 }));
    const comparison = compareRuns(runs);
    const names = comparison.points.map(({ name }) => name);
    expect(new Set(names).size).toBe(runs.length);
    expect(names).toEqual(expect.arrayContaining(['1 × wasm', '1 × wasm (2 threads)', '1 × t4 wasm']));
    expect(comparison.breakEvens.map(({ kind }) => kind)).toEqual(['wasm (2 threads)', 't4 wasm']);
    for (const { id, series } of comparisonCharts(comparison)) {
      expect(new Set(series.map(({ label }) => label)).size, id).toBe(series.length);
      if (id !== 'throughput') continue;
      const drawn = series.filter(({ style }) => style === 'line').flatMap(({ values }) => values);
      for (const { samplesPerSecond } of comparison.points) expect(drawn).toContain(samplesPerSecond.value);
    }
  });

  test('leaves out, and says so, what did not complete; refuses what does not compare', () => {
    const failed = comparedRun({ workers: [dear], rate: 500, batch: 64, status: 'failed' });
    expect(compareRuns([...scaling, failed]).notes).toContain(`left out: ${failed.folder}, which failed`);
    expect(() => compareRuns([failed])).toThrow(`none of the runs can be compared: ${failed.folder}, which failed`);
    const other = comparedRun({ workers: [dear], rate: 500, batch: 64, dataset: 'digits' });
    expect(() => compareRuns([...scaling, other])).toThrow('the runs differ in dataset: mnist, digits');
  });

  test('takes runs on the same data, whatever its path was', () => {
    const elsewhere = comparedRun({ workers: [dear], rate: 990, batch: 64, dataset: '/mnt/data' });
    expect(point([...scaling, elsewhere], 1).runs).toHaveLength(4);
  });

  test('a run that went on with another fleet or price is left out, and why is said', () => {
    const fleets = [
      { step: 0, members: [0, 1].map((rank) => fleetMember({ workerId: `w${rank}`, priceUsdPerHour: 0.4 })) },
      { step: 40, members: [fleetMember({ priceUsdPerHour: 0.2 })] },
    ];
    const resumed = comparedRun({ workers: [dear], rate: 1200, batch: 64, folder: 'runs/resumed', record: { fleets } });
    const { points, notes } = compareRuns([...scaling, resumed]);
    expect(points.flatMap(({ runs }) => runs)).not.toContain('runs/resumed');
    expect(notes).toContain(
      'left out: runs/resumed, whose workers or prices changed: after step 40 w1 left, w0 is $0.20 an hour instead of $0.40 an hour',
    );
    // Before changes were written down, a price that changed shows in what was paid.
    const old = comparedRun({ workers: [dear], rate: 1200, batch: 64 });
    const [worker] = old.summary.workers;
    if (worker === undefined) throw new Error('no worker');
    const paid = { ...old.summary, workers: [{ ...worker, cost_usd: 1.1 * worker.cost_usd }] };
    expect(() => compareRuns([{ folder: 'old', summary: paid }])).toThrow('the price of w0 changed during the run');
  });

  test('where the money went sums to the cost of the run, workers that left before training included', () => {
    const formerWorkers = { costUsd: 0.002, billedUsd: 0.002, rentals: 1 };
    const run = comparedRun({ workers: [dear], rate: 1000, batch: 64, record: { formerWorkers } });
    const comparison = compareRuns([run]);
    const [one] = comparison.points;
    expect(one?.costUsd && sumSpending(one.costUsd) + (one.formerCostUsd ?? 0)).toBeCloseTo(
      run.summary.cost_usd_total,
      12,
    );
    const text = renderComparison(comparison, { columns: 200, colour: false });
    const share = (100 * 0.002) / run.summary.cost_usd_total;
    expect(text).toMatch(new RegExp(`former workers\n[^\n]+\n.* ${share.toFixed(1)} %\n`));
    expect(renderComparison(compareRuns(scaling), { columns: 200, colour: false })).not.toContain('former');
  });

  test('runs of other images under the same name are refused, those of other seeds are repeats', () => {
    const { dataset } = runRecord();
    const withRecord = (record: Partial<RunRecord>) => comparedRun({ workers: [dear], rate: 990, batch: 64, record });
    const fewer = withRecord({ dataset: { ...dataset, trainCount: 6000 } });
    expect(() => compareRuns([...scaling, fewer])).toThrow(
      'the runs differ in number of images: 60000 + 10000, 6000 + 10000; their costs cannot be compared',
    );
    const other = withRecord({ dataset: { ...dataset, sha256: { 'train-images-idx3-ubyte': 'c0ffee' } } });
    expect(() => compareRuns([...scaling, other])).toThrow('mnist with SHA-256 ba89…, mnist with SHA-256 c0ffee…');
    expect(point([...scaling, withRecord({ seed: 2 })], 1).runs).toHaveLength(4);
  });

  test('says that runs are of different machines, unless those are the same as far as they go', () => {
    const at = (hosts: readonly string[]) =>
      comparedRun({ workers: hosts.map((host) => ({ ...dear, host })), rate: 1000, batch: 64 });
    const notes = (...all: readonly (readonly string[])[]) => compareRuns(all.map(at)).notes.join('\n');
    expect(notes(['alpha'], ['beta'])).toContain('the runs used different machines (alpha; beta)');
    expect(notes(['alpha', 'beta'], ['alpha', 'gamma'])).toContain('different machines');
    expect(notes(['alpha'], ['alpha', 'beta'], ['alpha', 'alpha'])).not.toContain('different machines');
  });

  test('shows what was billed beside what accrued, and by which rules', () => {
    // A run of 66 s at $0.40 and $0.05 an hour.
    const summary = comparedRun({ workers: [dear, cheap], rate: 60_000 / 60.5, batch: 64 });
    const comparison = compareRuns([summary]);
    expect(comparison.points[0]?.costOfRunUsd).toBeCloseTo((0.45 * 65.5) / 3600, 12);
    expect(comparison.points[0]?.billedOfRunUsd).toBeCloseTo((0.45 * 66) / 3600, 12);
    expect(comparison.notes).toContain('billed: by the second where the provider has no known rule');
    expect(renderComparison(comparison, { columns: 200, colour: false })).toMatch(/run +billed +compute/);

    const rented = kindOfWorker({ ...dear, gpu: 'lambda/t4/on-demand' });
    const minutes = compareRuns([comparedRun({ workers: [rented], rate: 60_000 / 60, batch: 64 })]);
    expect(minutes.points[0]?.billedOfRunUsd).toBeCloseTo((0.4 * 120) / 3600, 12);
    expect(minutes.notes).toContain('billed: Lambda by the minute');
  });

  test('the cost of 1,000 samples has two digits however little it is', () => {
    const [one, two] = [
      { ...dear, price: 0.001 },
      { ...dear, price: 0.002 },
    ].map((kind) => kindOfWorker(kind));
    if (one === undefined || two === undefined) throw new Error('no kinds');
    const runs = [one, two].map((kind) => comparedRun({ workers: [kind], rate: 1000, batch: 64 }));
    const text = renderComparison(compareRuns(runs), { columns: 120, colour: false });
    expect(text).toMatch(/1 × wasm at \$0\.0010\/h .* \$0\.00000028\b/);
    expect(text).toMatch(/1 × wasm at \$0\.0020\/h .* \$0\.00000056\b/);
  });

  test('without prices there are speeds and no costs', () => {
    const free = kindOfWorker({ backend: 'wasm' });
    const comparison = compareRuns([
      comparedRun({ workers: [free], rate: 1000, batch: 64 }),
      comparedRun({ workers: [free, free], rate: 1500, batch: 64 }),
    ]);
    expect(comparison.points[1]).toMatchObject({ costPerEpochUsd: undefined, marginals: [], onFront: false });
    expect([comparison.cheapest, comparison.cheapestTied]).toEqual([undefined, []]);
    expect(renderComparison(comparison, { columns: 100, colour: false })).not.toContain('$');
  });
});

test('the terminal has every point in each table, within its width', () => {
  const text = renderComparison(compareRuns(scaling), { columns: 100, colour: false });
  expect(text.match(/^ 2 × wasm/gm)).toHaveLength(3);
  expect(text).toContain('75 % (73–77)');
  expect(text).toContain('cheapest: 1 × wasm, batch 64, 60.0 s an epoch for $0.0067');
  expect(text).toContain("Welch's t-interval");
  for (const line of text.split('\n').filter((candidate) => candidate.startsWith(' '))) {
    expect(line.length).toBeLessThanOrEqual(100);
  }
});

test('snakeCased names as the other files do, and keeps nothing undefined', () => {
  expect(snakeCased({ onFront: true, costUsd: { aB: [{ cD: undefined }] } })).toEqual({
    on_front: true,
    cost_usd: { a_b: [{ c_d: null }] },
  });
});

describe('a price that nobody gave', () => {
  const given = { backend: 'wasm', price: 0.36 };
  const assumed = { ...given, priceAssumed: '7 vCPUs at a/b/c' };
  const rendered = (...kinds: readonly TestKind[]) => {
    const comparison = compareRuns(
      kinds.map((kind, index) => comparedRun({ workers: [kind], rate: 1000 + index, batch: 64 })),
    );
    return { comparison, text: renderComparison(comparison, { columns: 120, colour: false }) };
  };

  test('is never mixed with a given one, not even of the same amount', () => {
    const { comparison, text } = rendered(given, assumed);
    expect(comparison.points.map(({ name, priceAssumed }) => [name, priceAssumed])).toEqual([
      ['1 × wasm at $0.36/h', undefined],
      ['1 × wasm at an assumed $0.36/h', true],
    ]);
    expect(text.match(/\$[\d.]+ assumed/g)).toHaveLength(1);
  });

  test('makes the costs of a whole fleet an assumption', () => {
    const [point] = compareRuns([comparedRun({ workers: [given, assumed], rate: 1000, batch: 64 })]).points;
    expect(point?.priceAssumed).toBe(true);
  });

  test('is noted with what it is assumed from', () => {
    const note =
      'prices that nobody gave are assumed (7 vCPUs at a/b/c): pass --price to train for your own, or use reprice';
    expect(rendered(assumed).comparison.notes).toContain(note);
    expect(rendered(given).text).not.toContain('assumed');
  });
});
