import { expect, test } from 'vitest';
import { createRentalTimes, type RentalLine } from '../../../../src/economics/costs/rentals.ts';

function timesOf(...lines: readonly RentalLine[]) {
  const times = createRentalTimes();
  for (const line of lines) times.add(line);
  return times.of;
}

test('a rental lasts from the end of the one before to its own last line, for each worker', () => {
  const of = timesOf(
    { worker: 'w0', rentals: 1, alive_seconds: 3 },
    { worker: 'w1', rentals: 1, alive_seconds: 2 },
    { worker: 'w0', rentals: 1, alive_seconds: 10 },
    { worker: 'w0', rentals: 2, alive_seconds: 11 },
    { worker: 'w0', rentals: 2, alive_seconds: 15 },
  );
  expect(of('w0')).toEqual([10, 5]);
  expect(of('w1')).toEqual([2]);
  expect(of('w2')).toBeUndefined();
});

test('a rental of which no line was written had no time', () => {
  const of = timesOf({ worker: 'w0', rentals: 1, alive_seconds: 4 }, { worker: 'w0', rentals: 3, alive_seconds: 9 });
  expect(of('w0')).toEqual([4, 0, 5]);
  expect(timesOf({ worker: 'w0', rentals: 2, alive_seconds: 9 })('w0')).toEqual([0, 9]);
});

test('older ledgers do not tell', () => {
  const of = timesOf({ worker: 'w0', alive_seconds: 4 }, { worker: 'w0', rentals: 2, alive_seconds: 9 });
  expect(of('w0')).toBeUndefined();
});

test('a line before the first rental tells nothing, and hides nothing', () => {
  const of = timesOf({ worker: 'w0', rentals: 0, alive_seconds: 0 }, { worker: 'w0', rentals: 1, alive_seconds: 9 });
  expect(of('w0')).toEqual([9]);
  const unnumbered = timesOf({ worker: 'w0', alive_seconds: 0 }, { worker: 'w0', rentals: 1, alive_seconds: 9 });
  expect(unnumbered('w0')).toEqual([9]);
});
