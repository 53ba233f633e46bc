import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Account,
  type AccountEvent,
  accruedUsd,
  billedUsd,
  billedUsdAt,
  book,
  bookedSeconds,
  bookedUsd,
  ledgerCategories,
  newAccount,
} from '../../../../src/economics/ledger/ledger.ts';
import { hourlyPrice, logUniform, orZero, uniform } from '../../../support/realistic-numbers.ts';

const bySecond = { granularitySeconds: 1, minimumSeconds: 0 };
const byMinute = { granularitySeconds: 60, minimumSeconds: 60 };
const booked = ledgerCategories.filter((category) => category !== 'other');
const anySeconds = orZero(logUniform(1e-3, 1e4));
const anyCategory = fc.constantFrom(...booked);
const anyPrice = fc.option(hourlyPrice, { nil: undefined });

/** Whatever may be heard, in whatever order, at times that never go backwards. */
const anyEvents = fc
  .array(
    fc.tuple(
      orZero(logUniform(1e-3, 1000)),
      fc.oneof(
        fc.record({
          type: fc.constant('began' as const),
          priceUsdPerHour: anyPrice,
          billing: fc.constantFrom(bySecond, byMinute),
        }),
        fc.record({
          type: fc.constant('spent' as const),
          seconds: fc.dictionary(anyCategory, anySeconds) as fc.Arbitrary<Record<(typeof booked)[number], number>>,
        }),
        fc.record({ type: fc.constant('idled' as const), seconds: anySeconds }),
        fc.record({ type: fc.constantFrom('passed' as const, 'ended' as const), category: anyCategory }),
      ),
    ),
    { maxLength: 30 },
  )
  .map((steps) => {
    let at = 0;
    return steps.map(([passed, event]): AccountEvent => {
      at += passed;
      return { ...event, at };
    });
  });

describe('an account', () => {
  test('never falls in any category, nor books anything negative, whatever is heard', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        let account: Account = newAccount;
        for (const event of events) {
          const next = book(account, event);
          for (const category of ledgerCategories) {
            expect(next.seconds[category]).toBeGreaterThanOrEqual(account.seconds[category]);
            expect(next.usd[category]).toBeGreaterThanOrEqual(account.usd[category]);
            expect(account.seconds[category]).toBeGreaterThanOrEqual(0);
          }
          expect(billedUsd(next)).toBeGreaterThanOrEqual(billedUsd(account));
          expect(billedUsd(next)).toBeGreaterThanOrEqual(bookedUsd(next) - 1e-9);
          account = next;
        }
      }),
    );
  });

  test('counts a rental for each process, however often one loses its coordinator and comes back', () => {
    const begin = (account: Account, at: number, returns?: true) =>
      book(account, { type: 'began', at, returns, priceUsdPerHour: 3.6, billing: bySecond });
    // A coordinator that lost its record meets a worker that comes back.
    const met = begin(newAccount, 0, true);
    const back = begin(met, 10, true);
    const replaced = begin(back, 20);
    expect([met, back, replaced].map(({ rentals }) => rentals)).toEqual([1, 1, 2]);
    // $0.001 a second. The time until it came back was paid for, and came to nothing.
    expect(back.seconds.wasted).toBe(10);
    expect(billedUsdAt(back, 15)).toBeCloseTo(0.015, 12);
  });

  test('has the price of each life on its seconds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anySeconds, anySeconds, hourlyPrice)), (lives) => {
        let [account, now, expected]: [Account, number, number] = [newAccount, 0, 0];
        for (const [dead, alive, priceUsdPerHour] of lives) {
          now += dead;
          account = book(account, { type: 'began', at: now, priceUsdPerHour, billing: bySecond });
          now += alive;
          expected += (alive * priceUsdPerHour) / 3600;
          expect(accruedUsd(account, now)).toBeCloseTo(expected, 6);
          account = book(account, { type: 'ended', at: now, category: 'startup' });
        }
        expect(bookedUsd(account)).toBeCloseTo(expected, 6);
        expect(bookedSeconds(account)).toBeCloseTo(
          lives.reduce((sum, [, alive]) => sum + alive, 0),
          5,
        );
      }),
    );
  });

  /** A worker that books every moment of its own, heard over a network that takes its time. */
  const honestLife = fc.record({
    startup: uniform(0.1, 10),
    laps: fc.array(
      fc.record({
        seconds: orZero(logUniform(1e-3, 5)),
        category: anyCategory,
        unnamed: orZero(uniform(0, 0.5)),
        delay: uniform(0, 0.05),
      }),
      { maxLength: 40 },
    ),
    rest: uniform(0.1, 5),
  });

  test('sums to the time alive, late reports or not, and has what the worker says in its categories', () => {
    fc.assert(
      fc.property(honestLife, ({ startup, laps, rest }) => {
        let account = book(newAccount, { type: 'began', at: 100, priceUsdPerHour: 3600, billing: bySecond });
        let now = 100 + startup;
        account = book(account, { type: 'passed', at: now, category: 'startup' });
        const said = new Map<string, number>([['startup', startup]]);
        for (const { seconds, category, unnamed, delay } of laps) {
          now += seconds + unnamed;
          account = book(account, { type: 'spent', at: now + delay, seconds: { [category]: seconds } });
          said.set(category, (said.get(category) ?? 0) + seconds);
        }
        now += rest;
        account = book(account, { type: 'ended', at: now, category: 'idle' });
        const alive = now - 100;
        const latest = Math.max(0, ...laps.map(({ delay }) => delay));
        expect(bookedSeconds(account)).toBeCloseTo(alive, 6);
        expect(bookedUsd(account)).toBeCloseTo(alive, 6);
        // What `other` has of the latest report's delay may be missing elsewhere.
        const missing = booked.flatMap((category) =>
          category === 'idle' ? [] : (said.get(category) ?? 0) - account.seconds[category],
        );
        for (const seconds of missing) expect(seconds).toBeGreaterThanOrEqual(-1e-6);
        expect(missing.reduce((sum, seconds) => sum + seconds, 0)).toBeLessThanOrEqual(latest + 1e-6);
      }),
    );
  });

  test('believes a worker that claims more time than its life has had only in proportion', () => {
    let account = book(newAccount, { type: 'began', at: 0, priceUsdPerHour: undefined, billing: bySecond });
    account = book(account, { type: 'spent', at: 10, seconds: { compute: 300, wait: 100 } });
    expect(account.seconds).toMatchObject({ compute: 7.5, wait: 2.5, other: 0 });
    expect(bookedUsd(account)).toBe(0);
  });

  test('has room for a claim only in the time of the present life that no report has named yet', () => {
    let account = book(newAccount, { type: 'began', at: 100, priceUsdPerHour: 3600, billing: bySecond });
    account = book(account, { type: 'passed', at: 110, category: 'startup' });
    account = book(account, { type: 'spent', at: 120, seconds: { compute: 30, wait: 10 } });
    // Ten seconds are left of twenty.
    expect(account.seconds).toMatchObject({ startup: 10, compute: 7.5, wait: 2.5, other: 0 });
    expect(bookedUsd(account)).toBe(20);
  });

  test('books as `other` what no report has named yet, which ends as the latest that any report was', () => {
    let account = book(newAccount, { type: 'began', at: 0, priceUsdPerHour: 3600, billing: bySecond });
    account = book(account, { type: 'spent', at: 11, seconds: { compute: 10 } });
    expect(account.seconds).toMatchObject({ compute: 10, other: 1 });
    account = book(account, { type: 'spent', at: 21, seconds: { compute: 10 } });
    expect(account.seconds).toMatchObject({ compute: 20, other: 1 });
    // `other` has the late second already.
    account = book(account, { type: 'spent', at: 31, seconds: { compute: 7, wait: 4 } });
    expect(bookedSeconds(account)).toBe(31);
    expect(account.seconds.other).toBe(1);
    // This report is late again, so there is room for what the one before named.
    account = book(account, { type: 'spent', at: 41, seconds: { compute: 9 } });
    expect(account.seconds.compute).toBeCloseTo(36, 9);
    expect(account.seconds).toMatchObject({ wait: 4, other: 1 });
  });

  test('books no moment twice when a coordinator that stood still hears of it late', () => {
    let account = book(newAccount, { type: 'began', at: 0, priceUsdPerHour: 3600, billing: bySecond });
    // Sent at 10 and heard after an hour, which the next report accounts for.
    account = book(account, { type: 'spent', at: 3610, seconds: { compute: 10 } });
    account = book(account, { type: 'spent', at: 3611, seconds: { communicate: 3600, compute: 1 } });
    account = book(account, { type: 'ended', at: 3611, category: 'idle' });
    expect(bookedSeconds(account)).toBeCloseTo(3611, 9);
    expect(bookedUsd(account)).toBeCloseTo(3611, 9);
  });

  test('books nothing for a claim below zero', () => {
    let account = book(newAccount, { type: 'began', at: 0, priceUsdPerHour: 3600, billing: bySecond });
    account = book(account, { type: 'spent', at: 10, seconds: { compute: -5, wait: 4 } });
    expect(account.seconds).toMatchObject({ compute: 0, wait: 4, other: 6 });
  });

  test('closes a life whose end was not heard when the next begins, as wasted', () => {
    let account = book(newAccount, { type: 'began', at: 0, priceUsdPerHour: 3600, billing: byMinute });
    account = book(account, { type: 'passed', at: 4, category: 'startup' });
    account = book(account, { type: 'began', at: 10, priceUsdPerHour: 7200, billing: bySecond });
    expect(account.seconds).toMatchObject({ startup: 4, wasted: 6 });
    expect(account).toMatchObject({ rentals: 2, endedBilledUsd: 60 });
    expect(accruedUsd(account, 11)).toBe(10 + 2);
  });

  test('goes on where a process was started again, and books nothing between two lives', () => {
    let account = book(newAccount, { type: 'began', at: 0, priceUsdPerHour: 3600, billing: bySecond });
    account = book(account, { type: 'ended', at: 10, category: 'wasted' });
    account = book(account, { type: 'spent', at: 15, seconds: { compute: 5 } });
    account = book(account, { type: 'began', at: 20, priceUsdPerHour: 1800, billing: bySecond });
    expect(accruedUsd(account, 24)).toBe(12);
    account = book(account, { type: 'passed', at: 24, category: 'startup' });
    expect(account.seconds).toMatchObject({ wasted: 10, startup: 4, compute: 0 });
    expect(account.usd).toMatchObject({ wasted: 10, startup: 2 });
  });

  test('bills each life by itself, at the price and by the rule of its time', () => {
    let account = book(newAccount, { type: 'began', at: 0, priceUsdPerHour: 3600, billing: byMinute });
    expect(billedUsd(account)).toBe(0);
    account = book(account, { type: 'ended', at: 10, category: 'idle' });
    expect(billedUsd(account)).toBe(60);
    account = book(account, { type: 'began', at: 100, priceUsdPerHour: 7200, billing: bySecond });
    account = book(account, { type: 'passed', at: 102.5, category: 'startup' });
    // Two seconds and a half are three.
    expect(billedUsd(account)).toBe(60 + 2 * 3);
    account = book(account, { type: 'ended', at: 104, category: 'idle' });
    expect(account).toMatchObject({ rentals: 2, endedBilledUsd: 60 + 2 * 4 });
    expect(bookedUsd(account)).toBe(10 + 2 * 4);
  });

  test('is billed in the end what was foretold, if the life ends then', () => {
    fc.assert(
      fc.property(anyEvents, anySeconds, anyCategory, (events, more, category) => {
        const account = events.reduce(book, newAccount);
        const at = (events.at(-1)?.at ?? 0) + more;
        const foretold = billedUsdAt(account, at);
        expect(billedUsd(book(account, { type: 'ended', at, category }))).toBe(foretold);
        // However late, what is booked has been paid for.
        expect(billedUsdAt(account, 0)).toBe(billedUsd(account));
      }),
    );
  });
});
