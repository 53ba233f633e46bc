import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Estimate } from '../../../../src/economics/models/confidence.ts';
import { lowestOf, uncertainFront } from '../../../../src/economics/models/uncertain-choice.ts';

interface Way {
  readonly seconds: number;
  readonly usd: number;
}
/** Ratios that are known within a factor to both sides; 1 is exactly. */
const within = (factor: number) => {
  const known = (value: number): Estimate => ({ value, interval: [value / factor, value * factor] });
  return (way: Way, other: Way) => ({ seconds: known(way.seconds / other.seconds), usd: known(way.usd / other.usd) });
};
const asTheyAre = (way: Way, other: Way) => ({
  seconds: { value: way.seconds / other.seconds, interval: undefined },
  usd: { value: way.usd / other.usd, interval: undefined },
});
const ways = fc.array(fc.record({ seconds: fc.integer({ min: 1, max: 20 }), usd: fc.integer({ min: 1, max: 20 }) }), {
  maxLength: 30,
});

describe('uncertainFront', () => {
  test.each([
    { what: 'exact intervals', compare: within(1) },
    { what: 'no intervals', compare: asTheyAre },
  ])('with $what it is the Pareto front', ({ compare }) => {
    const beats = (a: Way, b: Way) =>
      a.seconds <= b.seconds && a.usd <= b.usd && (a.seconds < b.seconds || a.usd < b.usd);
    fc.assert(
      fc.property(ways, (all) => {
        expect(uncertainFront(all, compare)).toEqual(all.filter((one) => !all.some((other) => beats(other, one))));
      }),
    );
  });

  test('a way is off only if another is faster and cheaper beyond the intervals', () => {
    const best = { seconds: 10, usd: 1 };
    const near = { seconds: 10.5, usd: 2 };
    const nearInCost = { seconds: 20, usd: 1.05 };
    const worse = { seconds: 12, usd: 1.2 };
    expect(uncertainFront([worse, near, best, nearInCost], within(1.1))).toEqual([near, best, nearInCost]);
    expect(uncertainFront([worse, near, best, nearInCost], within(1.3))).toHaveLength(4);
  });

  test('the wider the intervals, the more ways are on it', () => {
    fc.assert(
      fc.property(ways, (all) => {
        const narrow = uncertainFront(all, within(1.05));
        const wide = uncertainFront(all, within(1.5));
        for (const way of narrow) expect(wide).toContain(way);
      }),
    );
  });
});

describe('lowestOf', () => {
  const ratio = (factor: number) => (a: number, b: number) => ({
    value: a / b,
    interval: [a / b / factor, (a / b) * factor] as const,
  });

  test('names the lowest and those that cannot be told from it, in their order', () => {
    expect(lowestOf([1.3, 1.04, 1, 1.2, 1.09], ratio(1.1))).toEqual({ way: 1, tied: [1.04, 1.09] });
    expect(lowestOf([3, 2], ratio(1.1))).toEqual({ way: 2, tied: [] });
    expect(lowestOf([], ratio(1.1))).toBeUndefined();
  });

  test('of equal ones it is the first, and the others are tied; without intervals nothing else is', () => {
    const asIs = (a: { usd: number }, b: { usd: number }) => ({ value: a.usd / b.usd, interval: undefined });
    const [a, b, c] = [{ usd: 2 }, { usd: 2 }, { usd: 2.001 }];
    expect(lowestOf([c, a, b], asIs)).toEqual({ way: a, tied: [b] });
    expect(lowestOf([c, a, b], asIs)?.way).toBe(a);
  });
});

test('figures that only rounding sets apart are equal', () => {
  const [first, second] = [
    { seconds: 10, usd: 1 },
    { seconds: 10 * (1 - 1e-12), usd: 1 },
  ];
  const byTime = (way: Way, other: Way) => asTheyAre(way, other).seconds;
  expect(lowestOf([first, second], byTime)).toEqual({ way: first, tied: [second] });
  expect(uncertainFront([first, second], asTheyAre)).toEqual([first, second]);
  const faster = { seconds: 10 * (1 - 1e-6), usd: 1 };
  expect(lowestOf([first, faster], byTime)).toEqual({ way: faster, tied: [] });
  expect(uncertainFront([first, faster], asTheyAre)).toEqual([faster]);
});
