import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastScrapes } from '../../../../src/coordinator/metrics/endpoint/last-scrape.ts';
import { logUniform, uniform } from '../../../support/realistic-numbers.ts';

const prometheus = (...times: readonly number[]) => new Map([['prometheus', times]]);

describe('the end of a run waits', () => {
  test('for nobody who was there once, or never', () => {
    expect(lastScrapes(new Map(), 100, 60)).toEqual({ readers: [], seconds: 0 });
    expect(lastScrapes(prometheus(95), 100, 60)).toEqual({ readers: [], seconds: 0 });
  });

  test('for who comes at intervals: one and a half of them since the last', () => {
    expect(lastScrapes(prometheus(80, 95), 100, 60)).toEqual({ readers: ['prometheus'], seconds: 17.5 });
  });

  test('for nobody who is overdue', () => {
    expect(lastScrapes(prometheus(60, 75), 100, 60).readers).toEqual([]);
    expect(lastScrapes(prometheus(10, 12), 100, 60).readers).toEqual([]);
  });

  test('a second more than the interval where half of that is less: a busy machine is late', () => {
    expect(lastScrapes(prometheus(99.7, 99.9), 100, 60).seconds).toBeCloseTo(1.1, 9);
  });

  test('by the usual interval, though a scrape was lost', () => {
    expect(lastScrapes(prometheus(30, 45, 75, 90), 100, 60).seconds).toBeCloseTo(12.5, 9);
  });

  test('no longer than the limit, and not at all for who comes later than that', () => {
    expect(lastScrapes(prometheus(0, 60, 120), 121, 60)).toEqual({ readers: ['prometheus'], seconds: 60 });
    expect(lastScrapes(prometheus(0, 300, 600), 601, 60).readers).toEqual([]);
    expect(lastScrapes(prometheus(80, 95), 100, 0)).toEqual({ readers: [], seconds: 0 });
  });

  test('for all who come, each at an interval of its own', () => {
    const times = new Map([
      ['one', [80, 95]],
      ['other', [97, 98, 99]],
      ['a passer-by', [99]],
    ]);
    expect(lastScrapes(times, 100, 60)).toEqual({ readers: ['one', 'other'], seconds: 17.5 });
  });

  test('long enough for the next scrape and never beyond the limit, whatever the interval', () => {
    const seconds = logUniform(0.01, 100);
    fc.assert(
      fc.property(seconds, uniform(0.01, 0.99), seconds, (interval, part, limit) => {
        const now = 1000;
        const last = now - interval * part;
        const { readers, seconds: wait } = lastScrapes(prometheus(last - interval, last), now, limit);
        expect(wait).toBeLessThanOrEqual(Math.min(limit, Math.max(interval * 1.5, interval + 1)));
        if (readers.length > 0) expect(wait).toBeGreaterThanOrEqual(last + interval - now - 1e-9);
        else expect(interval - interval * part).toBeGreaterThan(limit - 1e-9);
      }),
    );
  });
});
