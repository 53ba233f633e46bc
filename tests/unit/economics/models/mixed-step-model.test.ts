import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fitMixedStepModel,
  type MixedStep,
  mixedStepSeconds,
} from '../../../../src/economics/models/mixed-step-model.ts';
import { fitStepModel, modelledStepSeconds } from '../../../../src/economics/models/step-model.ts';
import { logUniform, uniform } from '../../../support/realistic-numbers.ts';

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
      { numRuns: 15 },
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
    expect(error.worst).toBeLessThan(1e-3);
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
