import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addPacedSave,
  addPacedStep,
  addPacedTest,
  notBegun,
  type Pace,
  type PlannedWork,
  paceSecondsLeft,
  plannedEpochs,
  plannedSamples,
} from '../../../../src/economics/ledger/pace.ts';
import { globalBatch } from '../../../../src/shared/core/sampling.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

const plan: PlannedWork = { epochs: 10, maxSteps: undefined, perStep: 64, trainCount: 6400, testCount: 640 };

/** Steps of a whole batch, each of so many seconds. */
function steps(pace: Pace, count: number, seconds: number): Pace {
  return Array.from({ length: count }).reduce<Pace>((sum) => addPacedStep(sum, { samples: 64, seconds }), pace);
}

/** Training to its end, added up step by step and pass by pass. */
function restOf(left: {
  readonly steps: number;
  readonly step: number;
  readonly tests: number;
  readonly test: number;
}) {
  return left.steps * left.step + left.tests * left.test;
}

describe('the time that is left', () => {
  test('is not known before the first step', () => {
    expect(paceSecondsLeft(notBegun, plan)).toBeUndefined();
    expect(paceSecondsLeft(addPacedSave(notBegun, 1), plan)).toBeUndefined();
  });

  test('has the steps that are left, and test passes at a third of the effort until one was timed', () => {
    const begun = steps(notBegun, 10, 0.1);
    expect(paceSecondsLeft(begun, plan)).toBeCloseTo(restOf({ steps: 990, step: 0.1, tests: 10, test: 1 / 3 }), 9);
    const tested = addPacedSave(addPacedTest(steps(notBegun, 100, 0.1), 2, 1), 0.5);
    expect(paceSecondsLeft(tested, plan)).toBeCloseTo(restOf({ steps: 900, step: 0.1, tests: 9, test: 2.5 }), 9);
  });

  test('counts down to nothing, test pass by test pass', () => {
    let pace = notBegun;
    const left: number[] = [];
    for (let epoch = 0; epoch < 10; epoch++) {
      pace = addPacedSave(addPacedTest(steps(pace, 100, 0.1), 2, epoch + 1), 0.5);
      left.push(paceSecondsLeft(pace, plan) ?? Number.NaN);
    }
    expect(left).toEqual(left.map((_, epoch) => expect.closeTo((9 - epoch) * 12.5, 9)));
  });

  test.each([
    // A hundred steps of a tenth of a second are remembered, ten of minutes.
    ['slows down to half of its speed', 0.1, 0.2, 1.011],
    ['becomes twice as fast', 0.1, 0.05, 1.011],
    ['has steps of minutes, and slows down', 60, 120, 1.11],
  ])('follows a run that %s', (_, before, after, mostOfHiccup) => {
    const long = { ...plan, epochs: 1000, testCount: 0 };
    const steady = steps(notBegun, 2000, before);
    const leftOf = (pace: Pace) => paceSecondsLeft(pace, long) ?? Number.NaN;
    expect(leftOf(steady)).toBeCloseTo(98_000 * before, 6);
    // Half a minute of training, or thirty steps if these take longer; a mean over the run would be off by some 45 %.
    const later = Math.max(30, Math.ceil(30 / after));
    const changed = leftOf(steps(steady, later, after));
    const truth = (98_000 - later) * after;
    expect(Math.abs(changed / truth - 1)).toBeLessThan(0.06);
    // One odd step is no change of speed.
    const hiccup = leftOf(addPacedStep(steady, { samples: 64, seconds: 2 * before })) / (97_999 * before);
    expect(hiccup).toBeLessThan(mostOfHiccup);
  });

  test('counts a checkpoint within an epoch as time of its steps', () => {
    const without = steps(notBegun, 20, 1);
    const saved = addPacedSave(without, 1);
    // Recent steps: 10.5 of their weights, as a sum of a geometric series.
    const weight = (1 - Math.exp(-2)) / (1 - Math.exp(-0.1));
    const stepsLeft = 980;
    const difference = (paceSecondsLeft(saved, plan) ?? 0) - (paceSecondsLeft(without, plan) ?? 0);
    expect(difference).toBeCloseTo((stepsLeft + 10 * (10 / 3)) / weight, 6);
  });
});

describe('what a run is to do', () => {
  test('is the sum over its steps, whatever ends it', () => {
    const work = fc.record({
      epochs: fc.integer({ min: 1, max: 4 }),
      maxSteps: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
      perStep: fc.integer({ min: 1, max: 40 }),
      trainCount: fc.integer({ min: 1, max: 400 }),
      testCount: fc.constant(10),
    });
    fc.assert(
      fc.property(work, (one) => {
        const perEpoch = Math.ceil(one.trainCount / one.perStep);
        let [samples, epochs] = [0, 0];
        for (let step = 0; step < one.epochs * perEpoch && step < (one.maxSteps ?? Infinity); step++) {
          const { from, to } = globalBatch(step % perEpoch, one.perStep, one.trainCount);
          if (from === 0) epochs += 1;
          samples += to - from;
        }
        expect([plannedSamples(one), plannedEpochs(one)]).toEqual([samples, epochs]);
      }),
    );
  });

  test('takes as long as it took, where nothing changes', () => {
    fc.assert(
      fc.property(logUniform(1e-3, 100), logUniform(1e-3, 100), fc.integer({ min: 1, max: 9 }), (step, pass, done) => {
        let pace = notBegun;
        for (let epoch = 0; epoch < done; epoch++) pace = addPacedTest(steps(pace, 100, step), pass, epoch + 1);
        expect((paceSecondsLeft(pace, plan) ?? Number.NaN) / ((10 - done) * (100 * step + pass))).toBeCloseTo(1, 9);
      }),
    );
  });
});
