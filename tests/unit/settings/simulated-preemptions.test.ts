import { describe, expect, it } from 'vitest';
import { planPreemptions } from '../../../src/settings/simulated-preemptions.ts';

describe('--simulate-preemptions', () => {
  it.each([
    ['rate=2/h', 2],
    ['rate=0.5/min', 30],
    ['rate=0.01/s', 36],
  ])('takes a rate by the hour, minute or second: %s', (entry, ratePerHour) => {
    expect(planPreemptions(entry)?.ratePerHour).toBeCloseTo(ratePerHour, 9);
  });

  it('has defaults for everything but the rate', () => {
    expect(planPreemptions('rate=2/h')).toEqual({ ratePerHour: 2, noticeSeconds: 30, backSeconds: 0, seed: 1 });
    expect(planPreemptions('rate=2/h, notice=2min, back=0.5h, seed=9')).toEqual({
      ratePerHour: 2,
      noticeSeconds: 120,
      backSeconds: 1800,
      seed: 9,
    });
  });

  it.each([undefined, 'none'])('simulates nothing by default, and where it is asked for nothing: %s', (entry) => {
    expect(planPreemptions(entry)).toBeUndefined();
  });

  it.each([
    ['notice=3s', 'rate must be given'],
    ['rate=2', "rate must be a rate above 0, like 2/h, 0.5/min or 0.1/s, got '2'"],
    ['rate=0/h', "rate must be a rate above 0, like 2/h, 0.5/min or 0.1/s, got '0/h'"],
    ['rate=-1/h', "rate must be a rate above 0, like 2/h, 0.5/min or 0.1/s, got '-1/h'"],
    ['rate=2/h,notice=30', "notice must be a time like 30s, 2min or 0s, at most 1000000s, got '30'"],
    ['rate=2/h,back=1000h', "back must be a time like 30s, 2min or 0s, at most 1000000s, got '1000h'"],
    ['rate=2/h,seed=-1', "seed must be at least 0, got '-1'"],
    ['rate=2/h,warning=1s', "unknown key 'warning'; valid keys: rate, notice, back, seed"],
    ['rate=2/h,rate=3/h', 'rate is given twice'],
    ['2/h', "'2/h' must be key=value; keys: rate, notice, back, seed"],
  ])('refuses %s, naming what is valid', (entry, message) => {
    expect(() => planPreemptions(entry)).toThrow(`--simulate-preemptions '${entry}': ${message}`);
  });
});
