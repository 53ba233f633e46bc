import { describe, expect, test } from 'vitest';
import { compareRuns } from '../../../src/shared/report/comparison.ts';
import { type PlanOptions, planRuns } from '../../../src/shared/report/planning.ts';
import { comparedRun } from '../../support/compared-runs.ts';

const dear = { backend: 'wasm', price: 0.36 };

/** Runs of workers whose step is exactly 0.1 ms a sample, 1 ms a worker more and 2 ms: 60,000 samples an epoch. */
const measured = [1, 2, 4].flatMap((workers) =>
  [50, 200].map((batch) => {
    const seconds = (1e-4 * batch) / workers + 1e-3 * (workers - 1) + 2e-3;
    return comparedRun({ workers: Array(workers).fill(dear), rate: batch / seconds, batch });
  }),
);
const plan = (options: Partial<PlanOptions> = {}, runs = measured) =>
  planRuns(runs, {
    ...{ epochs: 1, mostWorkers: undefined, targetSeconds: undefined, budgetUsd: undefined, offersOf: () => [] },
    ...options,
  });

describe('planRuns', () => {
  test('finds the terms again, and prices all the work from start-up to the last test pass', () => {
    const { models, front } = plan({ epochs: 3 });
    const [model] = models;
    expect(model?.model.computePerSample).toBeCloseTo(1e-4, 9);
    expect(model?.model.communicatePerWorker).toBeCloseTo(1e-3, 9);
    expect(model?.error.worst).toBeLessThan(1e-6);
    const alone = front.find(({ workers, globalBatchSize }) => workers === 1 && globalBatchSize === 200);
    // 300 steps of 22 ms and a test pass of 1 s, three times, after 1.5 s of start-up.
    expect(alone?.seconds).toBeCloseTo(1.5 + 3 * (300 * 0.022 + 1), 6);
    expect(alone?.usd).toBeCloseTo((alone?.seconds ?? 0) * 1e-4, 9);
  });

  test('in time the cheapest, under a budget the fastest; every other way is worse or does not meet it', () => {
    const { front } = plan();
    for (const limit of front.map(({ seconds }) => seconds + 1e-9)) {
      const chosen = plan({ targetSeconds: limit }).chosen;
      const usd = Math.min(...front.filter(({ seconds }) => seconds <= limit).map((way) => way.usd));
      expect(chosen?.usd).toBe(usd);
    }
    for (const limit of front.map(({ usd }) => usd + 1e-12)) {
      const chosen = plan({ budgetUsd: limit }).chosen;
      expect(chosen?.seconds).toBe(Math.min(...front.filter(({ usd }) => usd <= limit).map((way) => way.seconds)));
    }
    expect(front.length).toBeGreaterThan(1);
  });

  test('goes to twice what was measured, marked, or as far as it is told', () => {
    const { front } = plan();
    expect(front.every(({ workers, extrapolated }) => extrapolated === workers > 4)).toBe(true);
    expect(Math.max(...plan({ mostWorkers: 2 }).front.map(({ workers }) => workers))).toBe(2);
  });

  test('takes the offers of a price table where a kind has any', () => {
    const offersOf = () => [
      { label: 'a/t4/spot', usdPerHour: 0.036 },
      { label: 'b/t4/spot', usdPerHour: 0.72 },
    ];
    expect(new Set(plan({ offersOf }).front.map(({ offer }) => offer))).toEqual(new Set(['a/t4/spot']));
  });

  test('refuses too few points, no price, and the impossible', () => {
    expect(() => plan({}, measured.slice(0, 3))).toThrow('wasm: a model needs at least 4 points');
    expect(() => plan({ targetSeconds: 0.1 })).toThrow(/nothing modelled meets that: the fastest way takes \d/);
    const free = measured.map(({ folder, summary }) => ({
      folder,
      summary: { ...summary, workers: summary.workers.map(({ price_usd_per_hour: _, ...worker }) => worker) },
    }));
    expect(() => plan({}, free)).toThrow('none of the modelled workers has a price');
  });

  test('takes workers of a kind together whatever they cost, and mixed fleets not at all', () => {
    const cheap = comparedRun({ workers: [{ backend: 'wasm', price: 0.036 }], rate: 50 / 0.007, batch: 50 });
    const mixed = comparedRun({ workers: [dear, { backend: 'cpu', price: 0.1 }], rate: 5000, batch: 50 });
    const { models, front, left } = plan({}, [...measured, cheap, mixed]);
    expect(models).toHaveLength(1);
    expect(left).toEqual([]);
    expect(front.some(({ workers, usdPerHour }) => Math.abs(usdPerHour - workers * 0.036) < 1e-12)).toBe(true);
    expect(compareRuns([...measured, cheap, mixed]).points).toHaveLength(8);
  });
});
