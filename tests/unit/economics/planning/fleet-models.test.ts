import { describe, expect, test } from 'vitest';
import {
  kindsOf,
  mixturesOf,
  modelKind,
  namesOf,
  speedOfCounts,
} from '../../../../src/economics/planning/fleet-models.ts';
import { comparedRun, type TestKind, type TestRun } from '../../../support/compared-runs.ts';

const [wasm, cpu, webgpu, tensorflow] = ['wasm', 'cpu', 'webgpu', 'tensorflow'].map(
  (backend): TestKind => ({ backend, price: 0.36 }),
) as [TestKind, TestKind, TestKind, TestKind];
const run = (workers: readonly TestKind[], overrides: Partial<TestRun> = {}) =>
  comparedRun({ workers, rate: 1000, batch: 50, ...overrides });

describe('kindsOf', () => {
  test('names kinds by what tells them apart, and knows the prices and the runs of each alone', () => {
    const threads = { ...wasm, device: 'wasm, 2 threads', price: 0.72 };
    const given = (usdPerHour: number) => ({ usdPerHour, assumed: false });
    const runs = [run([wasm]), run([{ ...wasm, price: 0.1 }, wasm]), run([threads]), run([wasm, threads])];
    expect(kindsOf(runs).map(({ name, prices, runs: own }) => [name, prices, own])).toEqual([
      ['wasm', [given(0.36), given(0.1)], [runs[0], runs[1]]],
      ['wasm (2 threads)', [given(0.72)], [runs[2]]],
    ]);
    expect(kindsOf([run([{ backend: 'wasm' }])])[0]?.prices).toEqual([]);
  });
});

describe('mixturesOf', () => {
  const mixturesIn = (...fleets: readonly (readonly TestKind[])[]) => {
    const runs = fleets.map((workers) => run(workers));
    return mixturesOf(kindsOf(runs), runs).map((mixture) => [
      namesOf(mixture),
      mixture.runs.map((one) => runs.indexOf(one)),
    ]);
  };

  test('joins kinds that were in one fleet, directly or through others, and leaves out those that were not', () => {
    expect(mixturesIn([wasm], [tensorflow], [wasm, cpu], [cpu, webgpu])).toEqual([
      [
        ['wasm', 'cpu', 'webgpu'],
        [0, 2, 3],
      ],
    ]);
  });

  test('keeps apart what nothing joins', () => {
    expect(mixturesIn([wasm, cpu], [webgpu, tensorflow], [cpu])).toEqual([
      [['webgpu', 'tensorflow'], [1]],
      [
        ['wasm', 'cpu'],
        [0, 2],
      ],
    ]);
    expect(mixturesIn([wasm], [cpu, cpu])).toEqual([]);
  });
});

test('the speed of a fleet is counted in workers of the first kind; a kind that it has none of adds none', () => {
  const model = { computePerSample: [1e-4, 4e-4, 0], communicatePerWorker: 0, fixed: 0 };
  expect(speedOfCounts(model, [1, 0, 0])).toBe(1);
  expect(speedOfCounts(model, [1, 2, 0])).toBeCloseTo(1.5, 12);
  expect(speedOfCounts(model, [0, 4, 0])).toBeCloseTo(1, 12);
});

describe('modelKind', () => {
  /** 0.1 ms a sample, 1 ms a worker more and 2 ms. */
  const measured = [1, 2, 4].flatMap((workers) =>
    [50, 200].map((batch) => {
      const seconds = (1e-4 * batch) / workers + 1e-3 * (workers - 1) + 2e-3;
      const record = workers === 2 ? { formerWorkers: { costUsd: 0.5, billedUsd: 0.5, rentals: 1 } } : {};
      return run(Array<TestKind>(workers).fill(wasm), {
        rate: batch / seconds,
        batch,
        evaluateSeconds: 2 / workers,
        record,
      });
    }),
  );
  const modelled = (runs = measured) => {
    const [kind] = kindsOf(runs);
    if (kind === undefined) throw new Error('no kind');
    return modelKind(kind);
  };

  test('says what it was fitted to, in order, whatever the order of the runs', () => {
    expect(modelled([...measured].reverse())).toMatchObject({
      kind: 'wasm',
      points: 6,
      measuredWorkers: [1, 2, 4],
      batches: [50, 200],
    });
  });

  test('what workers cost that left before training is not of the fleet, and no error of its model', () => {
    expect(modelled().costError?.worst).toBeLessThan(1e-6);
  });

  test('the mean error is of all runs, the worst of one', () => {
    const late = measured.map(({ folder, summary }, index) => {
      const workers = summary.workers.map((worker) => ({
        ...worker,
        alive_seconds: worker.alive_seconds + (index === 0 ? 3 : 0),
      }));
      return { folder, summary: { ...summary, workers } };
    });
    const { mean, worst } = modelled(late).timeError;
    expect(mean).toBeGreaterThan(worst / late.length);
    expect(mean).toBeLessThan(worst);
  });
});
