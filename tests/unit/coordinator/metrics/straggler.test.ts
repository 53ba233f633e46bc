import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findStraggler } from '../../../../src/coordinator/metrics/collectors/straggler.ts';

const waits = (...seconds: number[]) => seconds.map((waitSeconds, index) => ({ workerId: `w${index}`, waitSeconds }));

test('the worker that waited least is the one the others waited for', () => {
  expect(findStraggler(waits(3, 1, 2))).toEqual({ workerId: 'w1', seconds: 3 });
});

test('nobody is a straggler alone', () => {
  expect(findStraggler(waits())).toBeUndefined();
  expect(findStraggler(waits(5))).toBeUndefined();
});

test('a wait that all share costs nobody, and only differences count', () => {
  const seconds = fc.integer({ min: 0, max: 100 });
  fc.assert(
    fc.property(fc.array(seconds, { minLength: 2, maxLength: 8 }), seconds, (each, shared) => {
      const charged = findStraggler(waits(...each.map((value) => value + shared)));
      expect(charged).toEqual(findStraggler(waits(...each)));
      expect(charged?.seconds).toBeGreaterThanOrEqual(0);
    }),
  );
  expect(findStraggler(waits(4, 4, 4))?.seconds).toBe(0);
});
