import { expect, it } from 'vitest';
import { describeRefusal } from '../../../../src/shared/protocol/describe-refusal.ts';

it('a refusal says what the run has and what the worker has', () => {
  const differs = { field: 'seed', expected: '1', actual: '2' };
  const words = 'seed differs: the run has 1, this worker 2';
  expect(describeRefusal(differs, 'this worker')).toBe(words);
  expect(describeRefusal({ ...differs, passing: false }, 'this worker')).toBe(words);
});

it('a refusal that may pass says what keeps the worker out, and what would let it in', () => {
  const full = { field: 'place', expected: 'it waits for a place', actual: '3 of 3 joined', passing: true };
  expect(describeRefusal(full, 'w3')).toBe('3 of 3 joined; it waits for a place');
});
