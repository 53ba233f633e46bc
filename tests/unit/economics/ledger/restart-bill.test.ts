import { expect, test } from 'vitest';
import type { BillingRule } from '../../../../src/economics/ledger/cost.ts';
import { newAccount } from '../../../../src/economics/ledger/ledger.ts';
import { describeRestart, type EndedRental, restartBill } from '../../../../src/economics/ledger/restart-bill.ts';

const minute = { granularitySeconds: 1, minimumSeconds: 60 };
const second = { granularitySeconds: 1, minimumSeconds: 0 };

function entry(rank: number | undefined, billing: BillingRule | undefined, priceUsdPerHour?: number): EndedRental {
  return { rank, account: { ...newAccount, priceUsdPerHour }, billing };
}

test('the workers of a run are rented anew, but not those of earlier sittings, nor those that never trained', () => {
  const bill = restartBill([
    entry(0, minute, 36),
    entry(1, minute, 72),
    entry(2, undefined, 36),
    entry(undefined, minute, 36),
  ]);
  expect(bill).toEqual({ usd: 0.6 + 1.2, rentals: 2, hasMinimum: true });
  expect(describeRestart(bill)).toBe('resuming rents its 2 workers anew, which is billed $1.80 at least');
});

test('those of a run that ended before training are rented anew, too', () => {
  expect(describeRestart(restartBill([entry(undefined, minute, 36)]))).toBe(
    'resuming rents its worker anew, which is billed $0.60 at least',
  );
});

test.each([
  ['is billed by the second', [entry(0, second, 36)], 0.01],
  ['has no price', [entry(0, minute)], 0],
  ['is not known', [], 0],
])('nothing is said where the worker %s', (_, entries, usd) => {
  const bill = restartBill(entries);
  expect(bill.usd).toBeCloseTo(usd, 9);
  expect(describeRestart(bill)).toBeUndefined();
});
