/** Checks that settings share. Each message completes the sentence "--flag must be …". */

import { isIP } from 'node:net';
import { z } from 'zod';
import { nameOfCompression, parseCompression } from '../shared/core/compression-name.ts';
import { isConnectable, parseEndpoint } from '../shared/core/endpoint.ts';
import { maxPriceUsdPerHour } from '../shared/core/price-limit.ts';

// A flag without a value arrives as '', which Number would read as 0.
const numberAs = (what: string) =>
  z
    .union([z.number(), z.string().min(1, what)], what)
    .transform(Number)
    .pipe(z.number(what));

export const number = numberAs('a number');

/** @param what it must be, in the error for what is no number */
export const integer = (min: number, max: number, what = 'a number') =>
  numberAs(what).pipe(z.int('a whole number').min(min, `at least ${min}`).max(max, `at most ${max}`));

/** A number in [min, max]. */
export const between = (min: number, max: number) =>
  number.pipe(z.number().min(min, `at least ${min}`).max(max, `at most ${max}`));

export const usdPerHour = between(0, maxPriceUsdPerHour);
export const positive = number.pipe(z.number().positive('greater than 0'));
export const port = integer(0, 65_535);

export const choice = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, `one of ${names.join(', ')}`);

const compressionNames = 'none, bf16, int8, or topk:P with P, in percent, above 0 and below 50';
/** `none`, or a name as `parseCompression` reads it; `topk:5.0` becomes `topk:5`. */
export const compression = z.string(compressionNames).transform((text, { addIssue }) => {
  const spec = parseCompression(text);
  if (spec !== undefined) return nameOfCompression(spec);
  if (text !== 'none') addIssue({ code: 'custom', message: compressionNames });
  return 'none';
});

export const path = z.string('a path').min(1, 'a path');
/** @param what it must be, in the error */
const httpUrlAs = (what: string) =>
  z.string(what).superRefine((text, { addIssue }) => {
    const withoutPort = text.replace(/^(https?:\/\/(?:\[[^\]]*\]|[^/:?#[\]]*)):\d+/, '$1');
    const isHttp = URL.canParse(withoutPort) && /^https?:$/.test(new URL(withoutPort).protocol);
    if (!isHttp) addIssue({ code: 'custom', message: what });
    else if (!URL.canParse(text) || new URL(text).port === '0') {
      addIssue({ code: 'custom', message: `${what}, with a port from 1 to 65535` });
    }
  });
export const httpUrl = httpUrlAs('an http(s) URL');
export const httpUrls = z.array(httpUrlAs('http(s) URLs separated by commas'));

/** Where a socket of the control plane listens. */
export const bindAddress = z
  .string('the address to listen on, tcp://ADDRESS:PORT')
  .refine(
    (text) => parseEndpoint(text) !== undefined,
    'tcp://ADDRESS:PORT with a port from 0 to 65535, or * for a free one, and an IPv6 address in brackets: tcp://[::1]:5555',
  );

/** Where a socket of the control plane connects. */
export const connectAddress = z.string('the address of a coordinator, tcp://HOST:PORT').refine((text) => {
  const endpoint = parseEndpoint(text);
  return endpoint !== undefined && isConnectable(endpoint);
}, 'tcp://HOST:PORT with a port from 1 to 65535, and an IPv6 address in brackets: tcp://[::1]:5555');

/** An address that a web server listens on. */
export const listenHost = z
  .string('an address')
  .min(1, 'an address')
  .transform((host) => host.replace(/^\[(.*)\]$/, '$1'));

const hostAsReached = 'the name or address of a host as others reach it, without a port';
/**
 * A host as others reach it: a name as DNS has them, or an address. A name whose last part is a number would be an address,
 * and `0.0.0.0` and `::` stand for all addresses of whoever reads them.
 */
export const reachableHost = z
  .string(hostAsReached)
  .transform((host) => host.replace(/^\[(.*)\]$/, '$1'))
  .refine((host) => (isIP(host) === 0 ? isHostName(host) : !/^[0.:]+$/.test(host)), hostAsReached);

function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.');
  // Underscores are none of DNS, but of Docker Compose.
  const isLabel = (label: string) => /^\w([\w-]{0,61}\w)?$/.test(label);
  return text.length <= 253 && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1) ?? '');
}

/** A switch, which variables and config files may spell out. */
export const flag = z.union(
  [z.boolean(), z.enum(['true', 'false', '1', '0']).transform((v) => v === 'true' || v === '1')],
  'true or false',
);

/**
 * `a,b,c`, or a list in the config file.
 * @param like a valid list, which the error shows
 */
export function listOf<Item extends z.ZodType>(item: Item, like?: string) {
  return z
    .union([
      z.string().transform((text): unknown[] => text.split(',').map((part) => part.trim())),
      z.number().transform((value): unknown[] => [value]),
      z.array(z.unknown()),
    ])
    .pipe(
      z.array(z.unknown()).transform((parts, context): z.output<Item>[] => {
        const items = z.array(item).min(1, 'a list').safeParse(parts);
        if (items.success) return items.data;
        const [wrong] = items.error.issues;
        const example = like === undefined ? '' : `, in a list like ${like}`;
        context.addIssue({ code: 'custom', message: `${wrong?.message}${example}` });
        return z.NEVER;
      }),
    );
}
