import { expect, test } from 'vitest';
import { extendCurve, noCurve } from '../../../src/coordinator/live/curve.ts';

const step = (number: number) => ({ step: number, samples: 2, lossSum: number, correct: 1, seconds: 0.5 });
const curveOf = (steps: number) =>
  Array.from({ length: steps }, (_, index) => step(index + 1)).reduce(extendCurve, noCurve);

test('a short run has a point a step', () => {
  expect(curveOf(200)).toEqual({
    stepsPerPoint: 1,
    points: Array.from({ length: 200 }, (_, index) => step(index + 1)),
  });
});

test.each([201, 400, 401, 1_000, 12_345])('a run of %i steps fits, and every step is in one point', (steps) => {
  const { stepsPerPoint, points } = curveOf(steps);
  expect(points.length).toBeGreaterThan(100);
  expect(points.length).toBeLessThanOrEqual(200);
  expect(points.at(-1)?.step).toBe(steps);
  let before = 0;
  for (const point of points) {
    const count = point.step - before;
    expect(point === points.at(-1) ? count <= stepsPerPoint : count === stepsPerPoint).toBe(true);
    // The sum of the numbers from before + 1 to point.step.
    expect(point).toMatchObject({ samples: 2 * count, lossSum: (count * (before + 1 + point.step)) / 2 });
    before = point.step;
  }
});
