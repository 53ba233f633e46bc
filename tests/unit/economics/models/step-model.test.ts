import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitStepModel, type MeasuredStep, modelledStepSeconds } from '../../../../src/economics/models/step-model.ts';
import { logUniform } from '../../../support/realistic-numbers.ts';

const grid = [1, 2, 4].flatMap((workers) => [64, 256].map((batch) => ({ workers, batch })));
const truth = (c: number, m: number, f: number, points = grid): MeasuredStep[] =>
  points.map(({ workers, batch }) => ({ workers, batch, seconds: (c * batch) / workers + m * (workers - 1) + f }));

describe('fitStepModel', () => {
  test('finds the terms again that made the points, and foretells other fleets', () => {
    const term = logUniform(1e-5, 1e-1);
    fc.assert(
      fc.property(term, term, term, (c, m, f) => {
        const { model, error } = fitStepModel(truth(c / 100, m, f));
        expect(error.worst).toBeLessThan(1e-6);
        expect(error.worstForetold).toBeLessThan(1e-4);
        expect(modelledStepSeconds(model, 8, 512) / ((c / 100) * 64 + m * 7 + f)).toBeCloseTo(1, 3);
      }),
    );
  });

  test('no term is negative, whatever was measured, and its error is that of its own figures', () => {
    const seconds = fc.array(logUniform(1e-3, 1), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(seconds, (measured) => {
        const steps = grid.map((point, i) => ({ ...point, seconds: measured[i] ?? 1 }));
        const { model, error } = fitStepModel(steps);
        for (const value of Object.values(model)) expect(value).toBeGreaterThanOrEqual(0);
        const errors = steps.map(
          ({ workers, batch, seconds: s }) => Math.abs(modelledStepSeconds(model, workers, batch) - s) / s,
        );
        expect(error.worst).toBeCloseTo(Math.max(...errors), 9);
        expect(error.mean).toBeCloseTo(errors.reduce((sum, one) => sum + one, 0) / errors.length, 9);
      }),
    );
  });

  test('no model without a negative term fits better, whatever was measured', () => {
    const seconds = fc.array(logUniform(1e-3, 1), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(seconds, (measured) => {
        const steps = grid.map((point, i) => ({ ...point, seconds: measured[i] ?? 1 }));
        const { model } = fitStepModel(steps);
        // Karush, Kuhn and Tucker: the sum of squares is level in each term, or rises from 0.
        const terms = [
          { value: model.computePerSample, of: ({ workers, batch }: MeasuredStep) => batch / workers },
          { value: model.communicatePerWorker, of: ({ workers }: MeasuredStep) => workers - 1 },
          { value: model.fixed, of: () => 1 },
        ];
        for (const { value, of } of terms) {
          const column = steps.map((step) => of(step) / step.seconds);
          const misses = steps.map((step) => modelledStepSeconds(model, step.workers, step.batch) / step.seconds - 1);
          const slope = column.reduce((sum, x, i) => sum + x * (misses[i] ?? 0), 0) / Math.hypot(...column);
          if (value > 0) expect(Math.abs(slope)).toBeLessThan(1e-6);
          else expect(slope).toBeGreaterThan(-1e-6);
        }
      }),
    );
  });

  test('fits in any unit of time', () => {
    for (const unit of [1e-9, 1e9]) {
      const { model } = fitStepModel(truth(1e-4 * unit, 1e-3 * unit, 2e-3 * unit));
      expect(model.computePerSample / unit).toBeCloseTo(1e-4, 9);
      expect(model.communicatePerWorker / unit).toBeCloseTo(1e-3, 9);
      expect(model.fixed / unit).toBeCloseTo(2e-3, 9);
    }
  });

  test('no nearby model fits better', () => {
    const noisy = truth(1e-4, 1e-3, 2e-3).map((step, i) => ({
      ...step,
      seconds: step.seconds * (1 + 0.1 * Math.sin(i)),
    }));
    const { model } = fitStepModel(noisy);
    const residual = (candidate: typeof model) =>
      noisy.reduce(
        (sum, { workers, batch, seconds }) => sum + (modelledStepSeconds(candidate, workers, batch) / seconds - 1) ** 2,
        0,
      );
    for (const key of ['computePerSample', 'communicatePerWorker', 'fixed'] as const) {
      for (const factor of [0.98, 1.02]) {
        expect(residual({ ...model, [key]: model[key] * factor })).toBeGreaterThan(residual(model));
      }
    }
  });

  test('refuses what would fit anything', () => {
    expect(() => fitStepModel(truth(1, 1, 1).slice(0, 3))).toThrow(
      /needs at least 4 points .* there are 3; .*pennygrad sweep --workers 1,2 --batch-size 64,256$/,
    );
    const alone = [32, 64, 128, 256].map((batch) => ({ workers: 1, batch }));
    expect(() => fitStepModel(truth(1, 1, 1, alone))).toThrow(
      /^the points are too similar .* vary both workers and batch: pennygrad sweep/,
    );
    const weak = [1, 2, 4, 8].map((workers) => ({ workers, batch: 64 * workers }));
    expect(() => fitStepModel(truth(1, 1, 1, weak))).toThrow('vary both workers and batch');
  });

  test('says nothing about foretelling where the others would be too few', () => {
    const four = [1, 2].flatMap((workers) => [64, 256].map((batch) => ({ workers, batch })));
    expect(fitStepModel(truth(1e-4, 1e-3, 1e-3, four)).error.worstForetold).toBeLessThan(1e-6);
    const three = [...four.slice(0, 3), { workers: 1, batch: 512 }];
    // Without the only point of two workers nothing tells communication.
    expect(fitStepModel(truth(1e-4, 1e-3, 1e-3, three)).error.worstForetold).toBeUndefined();
  });
});
