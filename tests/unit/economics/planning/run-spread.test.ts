import { describe, expect, test } from 'vitest';
import { kindsOf, modelKind } from '../../../../src/economics/planning/fleet-models.ts';
import { planRuns } from '../../../../src/economics/planning/planning.ts';
import { foretoldSpread, repeatSpread } from '../../../../src/economics/planning/run-spread.ts';
import { createRandom } from '../../../../src/shared/core/random.ts';
import { comparedRun } from '../../../support/compared-runs.ts';
import { rounds } from '../../../support/thoroughness.ts';

const run = (time: number, paid = 1) => ({ time: Math.exp(time), paid: Math.exp(paid) });

describe('repeatSpread', () => {
  test('adds the squares of all runs over the repeats beyond the first of each point', () => {
    const spread = repeatSpread([
      [run(0.3, 0), run(-0.1, 0.2)],
      [run(0.2, 0.1)],
      [run(0, 0), run(0.1, 0), run(0, 0.4)],
    ]);
    // 0.09 + 0.01 + 0.04 + 0.01 in time and 0.04 + 0.01 + 0.16 in what is paid, over 1 + 0 + 2.
    expect(spread?.time).toEqual({ deviation: expect.closeTo(Math.sqrt(0.15 / 3), 12), degrees: 3 });
    expect(spread?.paid).toEqual({ deviation: expect.closeTo(Math.sqrt(0.21 / 3), 12), degrees: 3 });
  });

  test('needs a repeat', () => {
    expect(repeatSpread([[run(0.3)], [run(0.1)]])).toBeUndefined();
    expect(repeatSpread([[run(0.3)], [run(0.1), run(0.1)]])?.time.degrees).toBe(1);
  });
});

describe('foretoldSpread', () => {
  test('takes all points alike, however often they were repeated, and a degree for each term', () => {
    const points = [[run(0.3, 0), run(0.1, 0.2)], [run(-0.2, 0)], [run(0)], [run(0.1)]];
    const spread = foretoldSpread(points, 3);
    // (0.05 + 0.04 + 0 + 0.01) / 4; (0.02 + 0 + 1 + 1) / 4.
    expect(spread?.time).toEqual({ deviation: expect.closeTo(Math.sqrt(0.025), 12), degrees: 1 });
    expect(spread?.paid).toEqual({ deviation: expect.closeTo(Math.sqrt(2.02 / 4), 12), degrees: 1 });
  });

  test('says nothing where a point is not foretold, or there are no more points than terms', () => {
    expect(foretoldSpread([[run(0.3)], [run(0.1)], [run(0.2)], []], 3)).toBeUndefined();
    expect(foretoldSpread([[run(0.3)], [run(0.1)], [run(0.2)]], 3)).toBeUndefined();
  });
});

/** Ranges against the truth, which only a simulation knows. */
describe('the ranges of a plan', () => {
  const random = createRandom(11);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
  const grid = [1, 2, 4].flatMap((workers) => [64, 256].map((batch) => ({ workers, batch })));

  /**
   * Parts of the experiments in which a further run's time and bill were within their ranges, and how far the range of the
   * time reaches on a logarithmic scale. Where another way beats the fleet, its range is not shown.
   */
  function simulate(experiments: number, repeats: number, measured: boolean) {
    let covered = 0;
    let billed = 0;
    let widths = 0;
    let seen = 0;
    for (let experiment = 0; experiment < experiments; experiment++) {
      // What no model knows of a point: each is off by some per cent, for all of its runs.
      const truths = grid.map(({ workers, batch }) => {
        const seconds = (1e-4 * batch) / workers + 1e-3 * (workers - 1) + 2e-3;
        return { workers, batch, seconds: seconds * Math.exp(0.04 * normal()) };
      });
      const runOf = ({ workers, batch, seconds }: (typeof truths)[number]) => {
        const rate = batch / (seconds * Math.exp(0.05 * normal()));
        const fleet = Array(workers).fill({ backend: 'wasm', price: 0.36 });
        return comparedRun({ workers: fleet, rate, batch, evaluateSeconds: 2 / workers });
      };
      const [asked] = truths.filter(({ workers, batch }) => workers === 2 && batch === 256);
      if (asked === undefined) throw new Error('not in the grid');
      const known = measured ? truths : truths.filter((truth) => truth !== asked);
      const runs = Array.from({ length: repeats }, () => known.map(runOf)).flat();
      const plan = planRuns(runs, {
        epochs: 1,
        unmeasured: true,
        mostWorkers: 2,
        targetSeconds: undefined,
        budgetUsd: undefined,
        offersOf: () => [],
      });
      const way = plan.front.find(({ workers, globalBatchSize }) => workers === 2 && globalBatchSize === 256);
      if (way?.secondsInterval === undefined || way.billedIntervalUsd === undefined) continue;
      seen += 1;
      const next = runOf(asked).summary;
      const seconds = 0.5 + (next.workers[0]?.alive_seconds ?? 0);
      const [low, high] = way.secondsInterval;
      if (low <= seconds && seconds <= high) covered += 1;
      const [least, most] = way.billedIntervalUsd;
      if (least <= next.billed_usd_total + 1e-9 && next.billed_usd_total <= most + 1e-9) billed += 1;
      widths += Math.log(high / low) / 2;
    }
    return { seen: seen / experiments, covered: covered / seen, billed: billed / seen, width: widths / seen };
  }

  test('hold a further run of a measured fleet in about 95 of 100 experiments, and are narrow', () => {
    const { seen, covered, billed, width } = simulate(rounds(20, 200), 3, true);
    expect(seen).toBeGreaterThan(0.9);
    expect(covered).toBeGreaterThan(0.92);
    expect(covered).toBeLessThan(0.99);
    expect(billed).toBeGreaterThan(0.92);
    // 5 % from run to run around a mean of three, with t(12) = 2.2, and start-up that varies less.
    expect(width).toBeLessThan(0.13);
  });

  test('hold a run of a fleet that was not measured, with the error of the model', () => {
    const { covered, billed, width } = simulate(rounds(20, 200), 3, false);
    expect(covered).toBeGreaterThan(0.92);
    expect(billed).toBeGreaterThan(0.92);
    expect(width).toBeLessThan(0.3);
  });
});

test('a model that is exact foretells its points, and has no spread', () => {
  const runs = [1, 2, 4].flatMap((workers) =>
    [50, 200].map((batch) => {
      const seconds = (1e-4 * batch) / workers + 1e-3 * (workers - 1) + 2e-3;
      return comparedRun({
        workers: Array(workers).fill({ backend: 'wasm' }),
        rate: batch / seconds,
        batch,
        evaluateSeconds: 2 / workers,
      });
    }),
  );
  const [kind] = kindsOf(runs);
  const fitted = kind && modelKind(kind);
  expect(fitted?.repeatSpread).toBeUndefined();
  expect(fitted?.foretoldSpread?.time.deviation).toBeLessThan(1e-6);
  expect(fitted?.foretoldSpread?.paid.deviation).toBeLessThan(1e-6);
  expect(fitted?.foretoldSpread?.time.degrees).toBe(3);
  expect(fitted?.measured.map(({ counts, batch, runs: repeats }) => [counts, batch, repeats])).toEqual([
    [[1], 50, 1],
    [[1], 200, 1],
    [[2], 50, 1],
    [[2], 200, 1],
    [[4], 50, 1],
    [[4], 200, 1],
  ]);
});
