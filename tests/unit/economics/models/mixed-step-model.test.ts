import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fitMixedStepModel,
  type MixedStep,
  mixedStepSeconds,
} from '../../../../src/economics/models/mixed-step-model.ts';
import { fitStepModel, modelledStepSeconds } from '../../../../src/economics/models/step-model.ts';
import { logUniform, uniform } from '../../../support/realistic-numbers.ts';
import { rounds } from '../../../support/thoroughness.ts';

const term = logUniform(1e-4, 1e-2);
const ratio = logUniform(0.05, 20);
const batches = [64, 256];
const stepsOf = (
  fleets: readonly (readonly number[])[],
  seconds: (counts: readonly number[], batch: number) => number,
) =>
  fleets.flatMap((counts) => batches.map((batch): MixedStep => ({ counts, batch, seconds: seconds(counts, batch) })));
/** What `sweep --heterogeneous` measures. */
const heterogeneous = [
  [1, 0],
  [0, 1],
  [1, 1],
  [1, 2],
  [1, 3],
];

describe('fitMixedStepModel', () => {
  test('of workers that are all alike it is the model of equals', () => {
    const noise = fc.array(uniform(0.8, 1.25), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(term, term, term, noise, (c, m, f, factors) => {
        const steps = stepsOf([[1], [2], [4]], ([n = 1], batch) => (c * batch) / 64 / n + m * (n - 1) + f).map(
          (step, index) => ({ ...step, seconds: step.seconds * (factors[index] ?? 1) }),
        );
        const equal = fitStepModel(steps.map(({ counts: [workers = 1], ...step }) => ({ workers, ...step })));
        const mixed = fitMixedStepModel(steps);
        expect(mixed.error.mean).toBeCloseTo(equal.error.mean, 9);
        expect(mixed.error.worst).toBeCloseTo(equal.error.worst, 9);
        expect(mixed.error.worstForetold).toBeCloseTo(equal.error.worstForetold ?? 0, 9);
        expect(mixedStepSeconds(mixed.model, [3], 128)).toBeCloseTo(modelledStepSeconds(equal.model, 3, 128), 12);
      }),
      { numRuns: rounds(4, 100) },
    );
  });

  test('finds the speeds of two kinds again, and foretells fleets that were not measured', () => {
    fc.assert(
      fc.property(term, ratio, term, term, (c, r, m, f) => {
        const truth = { computePerSample: [c, r * c], communicatePerWorker: m / 10, fixed: f };
        const { model, error } = fitMixedStepModel(
          stepsOf(heterogeneous, (counts, batch) => mixedStepSeconds(truth, counts, batch)),
        );
        expect(error.worst).toBeLessThan(1e-4);
        expect(error.worstForetold).toBeLessThan(1e-2);
        expect(mixedStepSeconds(model, [2, 2], 128) / mixedStepSeconds(truth, [2, 2], 128)).toBeCloseTo(1, 2);
      }),
      { numRuns: rounds(2, 30) },
    );
  });

  test('finds three kinds', () => {
    const truth = { computePerSample: [1e-4, 4e-4, 2e-4], communicatePerWorker: 2e-4, fixed: 1e-3 };
    const fleets = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [1, 1, 0],
      [1, 0, 1],
      [2, 1, 1],
    ];
    const { model, error } = fitMixedStepModel(
      stepsOf(fleets, (counts, batch) => mixedStepSeconds(truth, counts, batch)),
    );
    expect(error.worst).toBeLessThan(1e-6);
    for (const [kind, c] of truth.computePerSample.entries()) {
      expect((model.computePerSample[kind] ?? 0) / c).toBeCloseTo(1, 2);
    }
  });

  test('refuses too few points, a kind that one point has, and points that do not tell the kinds apart', () => {
    const truth = { computePerSample: [1e-4, 4e-4], communicatePerWorker: 2e-4, fixed: 1e-3 };
    const seconds = (counts: readonly number[], batch: number) => mixedStepSeconds(truth, counts, batch);
    expect(() =>
      fitMixedStepModel(
        stepsOf(
          [
            [1, 0],
            [1, 1],
          ],
          seconds,
        ),
      ),
    ).toThrow('needs at least 5 points');
    const once = [
      ...stepsOf(
        [
          [1, 0],
          [2, 0],
          [4, 0],
        ],
        seconds,
      ),
      { counts: [1, 1], batch: 64, seconds: 0.1 },
    ];
    expect(() => fitMixedStepModel(once)).toThrow('with each kind in at least two');
    // Whatever the second kind's speed is, another time a sample of the first makes up for it.
    const together = stepsOf(
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
      seconds,
    );
    expect(() => fitMixedStepModel(together)).toThrow('too similar to separate the speeds of the kinds');
  });
});

describe('with few points', () => {
  const truth = { computePerSample: [1e-4, 4e-4], communicatePerWorker: 2e-4, fixed: 1e-3 };
  const step = (fast: number, slow: number, batch: number): MixedStep => ({
    counts: [fast, slow],
    batch,
    seconds: mixedStepSeconds(truth, [fast, slow], batch),
  });

  test('five are enough for two kinds, and two with each', () => {
    const five = [step(1, 0, 64), step(1, 0, 256), step(2, 0, 64), step(1, 1, 64), step(1, 2, 256)];
    const { model, error } = fitMixedStepModel(five);
    expect(error.worst).toBeLessThan(1e-6);
    expect(model.computePerSample[1]).toBeCloseTo(4e-4, 8);
    expect(() => fitMixedStepModel(five.slice(1))).toThrow('needs at least 5 points');
  });

  test('nothing is said about foretelling where the others would be too few', () => {
    // Without the only point of two workers nothing tells communication.
    const { error } = fitMixedStepModel([
      step(1, 0, 64),
      step(1, 0, 256),
      step(0, 1, 64),
      step(0, 1, 256),
      step(1, 1, 64),
    ]);
    expect(error.worst).toBeLessThan(1e-6);
    expect(error.worstForetold).toBeUndefined();
  });
});

describe('a kind that only came with others', () => {
  const fleets = [
    [1, 0],
    [2, 0],
    [1, 1],
    [1, 2],
  ];
  const refused = (seconds: (counts: readonly number[], batch: number) => number) => () =>
    fitMixedStepModel(stepsOf(fleets, seconds));
  const message = /^the points are too similar to separate the speeds of the kinds.*: pennygrad sweep --heterogeneous/;

  test('and helped with nothing might be of any speed from slow to none', () => {
    expect(refused(([n = 0, more = 0], batch) => (1e-4 * batch) / n + 2e-4 * (n + more - 1) + 1e-3)).toThrow(message);
  });

  test('and computed all in no time might be of any speed from fast to infinite', () => {
    expect(
      refused(([n = 0, more = 0], batch) => (more > 0 ? 0 : (1e-4 * batch) / n) + 2e-4 * (n + more - 1) + 1e-3),
    ).toThrow(message);
  });
});

test('one kind is refused too where its points tell no communication', () => {
  const alone = [32, 64, 128, 256].map((batch) => ({ counts: [1], batch, seconds: 1e-4 * batch + 1e-3 }));
  expect(() => fitMixedStepModel(alone)).toThrow('the points are too similar');
});

test('a kind that a fleet has none of has no part in its steps, though it would compute in no time', () => {
  const model = { computePerSample: [1e-4, 0], communicatePerWorker: 1e-3, fixed: 2e-3 };
  expect(mixedStepSeconds(model, [2, 0], 64)).toBeCloseTo(32e-4 + 1e-3 + 2e-3, 12);
});

test('a worker more that costs no communication never slows a step, whatever its speed', () => {
  fc.assert(
    fc.property(term, ratio, term, fc.nat(5), fc.nat(5), fc.nat(1), (c, r, f, a, b, kind) => {
      if (a + b === 0) return;
      const model = { computePerSample: [c, r * c], communicatePerWorker: 0, fixed: f };
      const more = [a, b].map((count, index) => count + (index === kind ? 1 : 0));
      expect(mixedStepSeconds(model, more, 64)).toBeLessThan(mixedStepSeconds(model, [a, b], 64));
    }),
  );
});
