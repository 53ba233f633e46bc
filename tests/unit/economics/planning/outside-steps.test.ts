import { describe, expect, test } from 'vitest';
import type { ComparedRun } from '../../../../src/economics/comparison/compared-fleets.ts';
import { runSeconds } from '../../../../src/economics/comparison/run-times.ts';
import { fitOutsideSteps, paidSeconds } from '../../../../src/economics/planning/outside-steps.ts';
import { comparedRun } from '../../../support/compared-runs.ts';

/** A run whose workers each took so long to start; training, its test pass of 2 s and its end of 1 s are as ever. */
function startedIn(startup: number, workers: number): ComparedRun {
  const { folder, summary } = comparedRun({
    workers: Array(workers).fill({ backend: 'wasm' }),
    rate: 1000,
    batch: 50,
    evaluateSeconds: 2,
  });
  return {
    folder,
    summary: {
      ...summary,
      seconds_to_first_step: startup + 0.5,
      workers: summary.workers.map((worker) => ({
        ...worker,
        alive_seconds: worker.alive_seconds - worker.seconds_by_category.startup + startup,
        seconds_by_category: { ...worker.seconds_by_category, startup },
      })),
    },
  };
}
const outsideOf = (...runs: readonly ComparedRun[]) => fitOutsideSteps(runs, ({ summary }) => summary.world_size);

describe('fitOutsideSteps', () => {
  test('finds what each worker more adds to the start of all', () => {
    const outside = outsideOf(startedIn(3, 1), startedIn(5, 2), startedIn(9, 4));
    expect(outside.startupSeconds).toBeCloseTo(3, 9);
    expect(outside.startupSecondsPerWorker).toBeCloseTo(2, 9);
    expect(outside.leadSeconds).toBeCloseTo(0.5, 9);
    expect(outside.endSeconds).toBeCloseTo(1, 9);
    // 10,000 images in 2 s by one, two and four workers.
    expect(outside.evaluateSecondsPerImage).toBeCloseTo((2e-4 * (1 + 2 + 4)) / 3, 12);
  });

  test('a start that gets no slower with more workers is the same for all', () => {
    expect(outsideOf(startedIn(3, 1), startedIn(2, 2), startedIn(1, 3))).toMatchObject({
      startupSeconds: expect.closeTo(2, 9),
      startupSecondsPerWorker: 0,
    });
  });

  test('of fleets of one size nothing is known of more workers', () => {
    expect(outsideOf(startedIn(3, 2), startedIn(5, 2))).toMatchObject({
      startupSeconds: expect.closeTo(4, 9),
      startupSecondsPerWorker: 0,
    });
  });

  test('without test passes they take no time', () => {
    const { folder, summary } = startedIn(3, 1);
    expect(outsideOf({ folder, summary: { ...summary, epochs: [] } }).evaluateSecondsPerImage).toBe(0);
  });

  test('no time is less than nothing, however clocks differ', () => {
    const { folder, summary } = startedIn(3, 1);
    const early = { ...summary, seconds_to_first_step: null, train_seconds: 1000 };
    expect(outsideOf({ folder, summary: early })).toMatchObject({ leadSeconds: 0, endSeconds: 0 });
  });
});

test('a worker is paid for its start, the steps, the test passes that it shares, and the end', () => {
  const outside = {
    leadSeconds: 99,
    startupSeconds: 3,
    startupSecondsPerWorker: 2,
    evaluateSecondsPerImage: 1e-3,
    endSeconds: 1,
  };
  const work = { workers: 4, speed: 2.5, stepSeconds: 100, evaluations: 3, testImages: 10_000 };
  expect(paidSeconds(outside, work)).toBeCloseTo(3 + 2 * 3 + 100 + 3 * (10 / 2.5) + 1, 9);
});

test('a run lasts from the start of its coordinator to the end of its last worker', () => {
  const { summary } = startedIn(3, 2);
  const workers = summary.workers.map((worker, rank) => ({ ...worker, alive_seconds: 70 - 20 * rank }));
  expect(runSeconds({ ...summary, workers })).toBeCloseTo(0.5 + 70, 9);
});
