/** How long messages are on their way over network links, as users write it. */
import { numberWithUnit } from './number-with-unit.ts';

/** Keyboards write the micro sign, U+00B5, or the Greek letter, U+03BC. */
const units = { us: 1e-6, '\u00b5s': 1e-6, '\u03bcs': 1e-6, ms: 1e-3, s: 1, '': 1 } as const;

/** `0.2ms` as 0.0002 seconds. Only 0 needs no unit. */
export const linkDelay = numberWithUnit(
  /^\s*(\d+(?:\.\d+)?)\s*(us|[\u00b5\u03bc]s|ms|s|(?<=^\s*0))\s*$/i,
  'a time from 0 to 10s with its unit, like 50us, 0.2ms or 0.1s',
  (value, unit: keyof typeof units) => {
    const seconds = value * units[unit];
    return seconds <= 10 ? seconds : undefined;
  },
);
