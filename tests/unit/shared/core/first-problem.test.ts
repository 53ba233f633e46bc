import { expect, it } from 'vitest';
import { z } from 'zod';
import { firstProblem } from '../../../../src/shared/core/first-problem.ts';

const whole = z.int('must be whole');
const schema = z.strictObject({ workers: z.array(z.strictObject({ rank: whole })), seed: whole }, 'must be a map');

it.each([
  [{ workers: [{ rank: 0 }, { rank: 0.5 }], seed: 1 }, 'workers[1].rank: must be whole'],
  [{ workers: [], seed: 0.5 }, 'seed: must be whole'],
  [{ workers: [{ rank: 0.5 }], seed: 0.5 }, 'workers[0].rank: must be whole (and 1 more)'],
  [7, 'must be a map'],
])('of %j is one line that says where', (value, problem) => {
  const { error } = schema.safeParse(value);
  expect(error && firstProblem(error)).toBe(problem);
});

it('of no problem says so', () => {
  expect(firstProblem(new z.ZodError([]))).toBe('nothing is wrong with it');
});
