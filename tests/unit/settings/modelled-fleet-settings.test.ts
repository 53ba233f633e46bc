import { describe, expect, test } from 'vitest';
import { algorithmsOf, modelledFleetSettings } from '../../../src/settings/modelled-fleet-settings.ts';
import { resolveSettings } from '../../../src/settings/resolve-settings.ts';

const resolve = (flags: Readonly<Record<string, unknown>>) =>
  resolveSettings(modelledFleetSettings, flags, {}, undefined);

describe('the rate of a link', () => {
  test.each([
    ['25gbit', 25e9],
    ['2.5Gbit', 2.5e9],
    ['100mbit', 1e8],
    ['100 Mbit/s', 1e8],
    ['1kbit', 1e3],
    ['10tbit', 1e13],
  ])('%s is %d bits per second', (given, bits) => {
    expect(resolve({ link: given }).link).toBe(bits);
  });

  test.each(['25', '25gbps', '25gb', 'gbit', '-1gbit', '1e3mbit', '0.9kbit', '0gbit', '11tbit', '10 gbit fast', ''])(
    'is not %j',
    (given) => {
      expect(() => resolve({ link: given })).toThrow(
        '--link must be a rate in bits per second from 1kbit to 10tbit, like 100mbit, 2.5gbit or 25gbit, got ',
      );
    },
  );
});

describe('a delay', () => {
  test.each([
    ['0.2ms', 2e-4],
    ['50us', 5e-5],
    ['50\u00b5s', 5e-5],
    ['50\u03bcs', 5e-5],
    ['1.5 s', 1.5],
    ['10s', 10],
    ['0', 0],
  ])('%s is %d seconds', (given, seconds) => {
    expect(resolve({ delay: given }).delay).toBeCloseTo(seconds, 12);
  });

  test.each(['3', '0.2', 'ms', '-1ms', '10.1s', '11000ms', '1m', ''])('is not %j', (given) => {
    expect(() => resolve({ delay: given })).toThrow(
      '--delay must be a time from 0 to 10s with its unit, like 50us, 0.2ms or 0.1s, got ',
    );
  });
});

test('numbers of workers are one or several, up to 1,024', () => {
  expect(resolve({ workers: '64' }).workers).toEqual([64]);
  expect(resolve({ workers: '1, 8,1024' }).workers).toEqual([1, 8, 1024]);
  expect(() => resolve({ workers: '1025' })).toThrow(
    "--workers must be at most 1024, in a list like 1,8,64, got '1025'",
  );
  expect(() => resolve({ workers: '0' })).toThrow('--workers must be at least 1, in a list like 1,8,64');
  expect(() => resolve({ workers: '2:8' })).toThrow("--workers must be a number, in a list like 1,8,64, got '2:8'");
});

test('parameters are a whole number, which may be written with an exponent', () => {
  expect(resolve({ parameters: '25e6' }).parameters).toBe(25e6);
  expect(() => resolve({ parameters: '0' })).toThrow('--parameters must be at least 1');
  expect(() => resolve({ parameters: '25M' })).toThrow("--parameters must be a number like 25e6, got '25M'");
  expect(() => resolve({ parameters: '2.5' })).toThrow('--parameters must be a whole number');
  expect(() => resolve({ parameters: '2e11' })).toThrow('--parameters must be at most 100000000000');
});

test('what nobody says', () => {
  expect(resolve({})).toMatchObject({ link: undefined, delay: 1e-4, overlap: 0, spread: 0, allReduce: 'auto' });
});

test.each([
  ['auto', ['star', 'mesh', 'mesh-two-shot', 'ring']],
  ['star', ['star']],
  ['mesh', ['mesh', 'mesh-two-shot']],
  ['ring', ['ring']],
] as const)('--all-reduce %s models %j', (chosen, algorithms) => {
  expect(algorithmsOf(chosen)).toEqual(algorithms);
});
