/** Rates of network links, as users write them. */
import { numberWithUnit } from './number-with-unit.ts';

const rates = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 } as const;

/** `25gbit` as 25e9 bits per second. */
export const linkRate = numberWithUnit(
  /^\s*(\d+(?:\.\d+)?)\s*([kmgt])bit(?:\/s)?\s*$/i,
  'a rate in bits per second from 1kbit to 10tbit, like 100mbit, 2.5gbit or 25gbit',
  (value, prefix: keyof typeof rates) => {
    const bits = value * rates[prefix];
    return bits >= 1e3 && bits <= 1e13 ? bits : undefined;
  },
);
