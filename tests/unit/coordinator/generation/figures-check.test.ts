import { expect, it } from 'vitest';
import { checkFigures } from '../../../../src/coordinator/generation/figures-check.ts';
import { largestFloat32 } from '../../../../src/shared/core/first-beyond.ts';

const check = (samples: number, lossSum: number, correct: number, asked = samples) =>
  checkFigures({ samples, lossSum, correct }, asked, 'a wrong vote', 'at step 3');

it.each([
  ['all that may be', 8, 0, 8],
  ['none correct', 8, 18.4, 0],
  ['the largest loss', 8, 8 * largestFloat32, 0],
  ['a loss that is rounded below 0', 8, -8e-5, 8],
  ['no samples', 0, 0, 0],
])('takes %s', (_, samples, lossSum, correct) => {
  expect(check(samples, lossSum, correct)).toBeUndefined();
});

it.each([
  ['fewer samples', 7, 1, 1, 'samples must be 8, got 7'],
  ['more samples', 9, 1, 1, 'samples must be 8, got 9'],
  ['one correct too many', 8, 1, 9, 'correct must be at most 8, got 9'],
  ['a loss further below 0 than rounding takes it', 8, -8.1e-5, 8, /^lossSum must be from 0 to .*, got -0.000081$/],
  ['a larger loss than there is', 8, 8.001 * largestFloat32, 8, /^lossSum must be from 0 to /],
])('refuses %s', (_, samples, lossSum, correct, problem) => {
  const refusal = check(samples, lossSum, correct, 8);
  expect(refusal).toMatchObject({ kind: 'wrong', code: 'run-failed' });
  expect(refusal?.reason.replace('it sent a wrong vote: ', '')).toMatch(problem);
});

it.each([Number.NaN, Infinity, -Infinity])('a loss of %f is a run that diverged', (lossSum) => {
  expect(check(8, lossSum, 0)).toEqual({
    kind: 'wrong',
    code: 'diverged',
    reason: `the loss became ${lossSum} at step 3; try a smaller --lr`,
  });
});
