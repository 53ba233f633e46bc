import { expect, it } from 'vitest';
import { linkRate } from '../../../src/settings/link-rate.ts';

it.each([
  ['1kbit', 1e3],
  ['100mbit', 1e8],
  ['2.5Gbit', 2.5e9],
  [' 25 gbit/s ', 2.5e10],
  ['10tbit', 1e13],
])('%s is so many bits per second', (text, bits) => {
  expect(linkRate.parse(text)).toBeCloseTo(bits, 3);
});

it.each(['', '100', 100, '100mb', '100 MiB', '-1gbit', '1e3mbit', '999bit', '0.5kbit', '11tbit', 'fast'])(
  '%s is none, and the message says what is',
  (text) => {
    expect(linkRate.safeParse(text).error?.issues[0]?.message).toBe(
      'a rate in bits per second from 1kbit to 10tbit, like 100mbit, 2.5gbit or 25gbit',
    );
  },
);
