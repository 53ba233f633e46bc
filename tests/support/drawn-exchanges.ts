/** Gradients, fleets, links and processors as there are: for properties of all-reduces. */
import fc from 'fast-check';
import { gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import { type Exchange, lengthsOf, linkOf } from '../../src/shared/collectives/cost-model.ts';
import { logUniform, orZero } from './realistic-numbers.ts';

/** 10 Mbit/s to 100 Gbit/s; from the same rack to another continent. */
export const drawnLink = fc
  .tuple(logUniform(1e7, 1e11), orZero(logUniform(1e-6, 0.1)))
  .map(([bits, delay]) => linkOf(bits, delay));

export const drawnProcessor = fc.record({
  secondsPerMessage: orZero(logUniform(1e-6, 1e-4)),
  secondsPerByte: orZero(logUniform(1e-11, 2e-9)),
  secondsPerAddition: orZero(logUniform(1e-11, 2e-9)),
});

/** From a few rows of a table to a model of 16 MB, as one variable. */
export const drawnBuckets = logUniform(1e3, 4e6).map((floats) => lengthsOf(gradientBuckets([Math.round(floats)])));

export const drawnExchange: fc.Arbitrary<Exchange> = fc.record({
  worldSize: logUniform(2, 32).map(Math.round),
  buckets: drawnBuckets,
  link: drawnLink,
  processor: drawnProcessor,
});

/** Processors that take no time: what is left is Hockney's model. */
export const noProcessor = { secondsPerMessage: 0, secondsPerByte: 0, secondsPerAddition: 0 };
