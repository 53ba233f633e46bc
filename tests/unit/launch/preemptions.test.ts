import { describe, expect, it } from 'vitest';
import { createNotices } from '../../../src/launch/preemptions.ts';

const draw = (count: number, plan: { readonly ratePerHour: number; readonly seed: number }, localRank = 0) => {
  const next = createNotices(plan, localRank);
  return Array.from({ length: count }, next);
};

describe('notices', () => {
  it('come at the moments of a Poisson process: waits are exponentially distributed, with a mean of 1 / rate', () => {
    const count = 20_000;
    const waits = draw(count, { ratePerHour: 2, seed: 1 });
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / count;
    // Half an hour; the standard error of the mean is mean / √count, 0.7 %.
    expect(Math.abs(mean / 1800 - 1)).toBeLessThan(0.03);
    // P(wait > t) = exp(−rate × t).
    for (const hours of [0.1, 0.5, 1, 2]) {
      const longer = waits.filter((wait) => wait > hours * 3600).length / count;
      expect(Math.abs(longer - Math.exp(-2 * hours))).toBeLessThan(0.015);
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(waits.every(Number.isFinite)).toBe(true);
  });

  it('are the same for the same seed, others for another seed, and independent from worker to worker', () => {
    const plan = { ratePerHour: 6, seed: 7 };
    expect(draw(5, plan)).toEqual(draw(5, plan));
    const first = [draw(1, plan), draw(1, { ...plan, seed: 8 }), draw(1, plan, 1), draw(1, plan, 2)];
    expect(new Set(first.flat()).size).toBe(4);
    // Twice as often: each wait is half as long.
    expect(draw(3, { ...plan, ratePerHour: 12 })).toEqual(draw(3, plan).map((wait) => wait / 2));
  });
});
