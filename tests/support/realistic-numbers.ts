/**
 * Numbers as they come in a run. `fc.double` is uniform over bit patterns: of `fc.double({ min: 0, max: 100 })` nine in ten
 * are below 0.001, so a property about money would hardly see money.
 */
import fc from 'fast-check';

const steps = 2 ** 30;

/** Evenly spread from `min` to `max`; both come up. */
export function uniform(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: steps }).map((step) => Math.min(max, min + (max - min) * (step / steps)));
}

/** Evenly spread in the logarithm: as many from 0.01 to 0.1 as from 1 to 10. @param min above 0 */
export function logUniform(min: number, max: number): fc.Arbitrary<number> {
  return uniform(Math.log(min), Math.log(max)).map((log) => Math.min(max, Math.max(min, Math.exp(log))));
}

/** `value` most of the time, else exactly 0. */
export function orZero(value: fc.Arbitrary<number>): fc.Arbitrary<number> {
  return fc.oneof({ weight: 7, arbitrary: value }, { weight: 1, arbitrary: fc.constant(0) });
}

/** USD per hour of a worker: from a spot core to a machine with eight cards, and free. */
export const hourlyPrice = orZero(logUniform(0.005, 100));
