import { describe, expect, it } from 'vitest';
import { createRandom, fromState } from '../../../../src/shared/core/random.ts';

describe('xoshiro128**', () => {
  it("gives the reference implementation's numbers from the state 1, 2, 3, 4", () => {
    const random = fromState([1, 2, 3, 4]);
    expect(Array.from({ length: 10 }, () => random.uint32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('draws again where a word would favour small integers: at the last whole multiple of the bound and beyond', () => {
    const words = fromState([1, 2, 3, 4]);
    const raw = Array.from({ length: 200 }, () => words.uint32());
    // A single multiple of each of these fits into 32 bits, and the last is itself a word of the sequence.
    for (const bound of [3 * 2 ** 30, 2 ** 31 + 1, raw[7] ?? 0]) {
      const random = fromState([1, 2, 3, 4]);
      const kept = raw.filter((word) => word < bound);
      expect(kept.length).toBeLessThan(raw.length);
      expect(kept.map(() => random.integer(bound))).toEqual(kept);
    }
  });
});

describe('createRandom', () => {
  it('is the same in every version, since what a seed decides must be found again', () => {
    const drawn = (...args: [number, ...number[]]) => {
      const random = createRandom(...args);
      return [random.uint32(), random.uint32(), random.uint32(), random.uint32()];
    };
    expect(drawn(0)).toEqual([3809008728, 1133695204, 53579671, 2891528803]);
    expect(drawn(42, 3, 9)).toEqual([2132984052, 1776098659, 3270086845, 2711261596]);
    const random = createRandom(7);
    const order = Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7);
    random.shuffle(order);
    expect([...order, random.uint32()]).toEqual([2, 1, 7, 4, 3, 5, 6, 0, 1532573114]);
  });

  const first = (...args: [number, ...number[]]) => createRandom(...args).uint32();

  it('gives the same sequence for the same seed and stream, and another for any other', () => {
    const seen = [first(1), first(2), first(1, 0), first(1, 1), first(2, 0), first(1, 0, 1), first(1, 1, 0), first(0)];
    expect(new Set(seen).size).toBe(seen.length);
    expect(first(1, 0, 1)).toBe(first(1, 0, 1));
  });

  it('spreads floats evenly over [0, 1)', () => {
    const random = createRandom(7);
    const bins = Array(10).fill(0);
    for (let i = 0; i < 100_000; i++) bins[Math.floor(random.float() * 10)] += 1;
    // Chi-squared with 9 degrees of freedom: 27.9 is passed once in a thousand seeds.
    expect(bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(27.9);
  });

  it('draws every integer below the bound equally often', () => {
    const random = createRandom(3);
    const counts = Array(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.integer(7)] += 1;
    expect(counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)).toBeLessThan(22.5);
  });

  it('shuffles into every order equally often', () => {
    const random = createRandom(5);
    const seen = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = Uint32Array.of(0, 1, 2, 3);
      random.shuffle(order);
      seen.set(order.join(), (seen.get(order.join()) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    const chiSquared = [...seen.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquared).toBeLessThan(49.7); // 23 degrees of freedom, one seed in a thousand
  });
});
