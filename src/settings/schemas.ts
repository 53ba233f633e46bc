/** Checks that settings share. Each message completes the sentence "--flag must be …". */

import { z } from 'zod';
import { maxPriceUsdPerHour } from '../shared/core/price-limit.ts';

// A flag without a value arrives as '', which Number would read as 0.
export const number = z
  .union([z.number(), z.string().min(1, 'a number')], 'a number')
  .transform(Number)
  .pipe(z.number('a number'));

export const integer = (min: number, max: number) =>
  number.pipe(z.int('a whole number').min(min, `at least ${min}`).max(max, `at most ${max}`));

/** A number in [min, max]. */
export const between = (min: number, max: number) =>
  number.pipe(z.number().min(min, `at least ${min}`).max(max, `at most ${max}`));

/** The limit is a fleet's, far above any machine's. */
export const usdPerHour = between(0, maxPriceUsdPerHour);
export const positive = number.pipe(z.number().positive('greater than 0'));
export const port = integer(0, 65_535);

export const choice = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, `one of ${names.join(', ')}`);

export const path = z.string().min(1, 'a path');
export const httpUrl = z.url({ protocol: /^https?$/, error: 'an http(s) URL' });

/** A switch, which variables and config files may spell out. */
export const flag = z.union(
  [z.boolean(), z.enum(['true', 'false', '1', '0']).transform((v) => v === 'true' || v === '1')],
  'true or false',
);

/** `a,b,c`, or a list in the config file. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .union([
      z.string().transform((text): unknown[] => text.split(',').map((part) => part.trim())),
      z.number().transform((value): unknown[] => [value]),
      z.array(z.unknown()),
    ])
    .pipe(z.array(item).min(1, 'a list'));
}
