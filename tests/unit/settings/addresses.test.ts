/** Every setting that takes an address or a port, and what it refuses. */
import { describe, expect, test } from 'vitest';
import { dataSettings } from '../../../src/settings/data-settings.ts';
import { bindSetting } from '../../../src/settings/membership-settings.ts';
import { observabilitySettings } from '../../../src/settings/observability-settings.ts';
import { resolveSettings } from '../../../src/settings/resolve-settings.ts';
import { runSettings } from '../../../src/settings/run-settings.ts';
import type { SettingsTable } from '../../../src/settings/setting.ts';
import { trainSettings } from '../../../src/settings/train-settings.ts';
import { workerMetricsSetting, workerSettings } from '../../../src/settings/worker-settings.ts';

const table = {
  bind: bindSetting,
  connect: workerSettings.connect,
  advertise: workerSettings.advertise,
  peerPort: workerSettings.peerPort,
  metricsPort: observabilitySettings.metricsPort,
  metricsHost: observabilitySettings.metricsHost,
  prometheusHost: observabilitySettings.prometheusHost,
  workerMetrics: workerMetricsSetting,
  pushgateway: observabilitySettings.pushgateway,
  otlp: observabilitySettings.otlp,
  mirrors: dataSettings.mirrors,
} as const satisfies SettingsTable;
type Name = keyof typeof table;

/** The value of a flag once it is read, or the error. */
function given(name: Name, text: string): unknown {
  try {
    const flags = { connect: 'tcp://here:1', [name]: text };
    return resolveSettings(table, flags, {}, undefined)[name];
  } catch (error) {
    expect(error).toMatchObject({ code: 'bad-input' });
    return String(error).replace('PennygradError: ', '');
  }
}

test('the table has every setting that names a port, a host or a URL', () => {
  const all: SettingsTable = { ...runSettings, ...workerSettings, ...trainSettings, bind: bindSetting };
  const named = Object.keys(all).filter((name) => /\bport\b|address|URL/i.test(all[name]?.describe ?? ''));
  expect(named.sort()).toEqual(Object.keys(table).sort());
});

const connectable = 'tcp://HOST:PORT with a port from 1 to 65535, and an IPv6 address in brackets: tcp://[::1]:5555';
const bindable =
  'tcp://ADDRESS:PORT with a port from 0 to 65535, or * for a free one, and an IPv6 address in brackets: tcp://[::1]:5555';

describe.each<[Name, string, readonly string[], readonly string[]]>([
  [
    'bind',
    bindable,
    ['tcp://0.0.0.0:5555', 'tcp://*:*', 'tcp://eth0:0', 'tcp://[::]:65535', 'tcp://[fe80::1%eth0]:1', 'ipc:///tmp/x'],
    ['tcp://0.0.0.0:65536', 'tcp://0.0.0.0:99999', 'tcp://0.0.0.0:-1', 'tcp://::1:5555', 'tcp://[1.2.3.4]:1', 'ipc://'],
  ],
  [
    'connect',
    connectable,
    ['tcp://host.example:5555', 'tcp://10.0.0.1:65535', 'tcp://[::1]:1', 'ipc://socket'],
    ['tcp://host:65536', 'tcp://host:0', 'tcp://host:*', 'tcp://*:5555', 'tcp://host', 'host:5555', 'tcp://::1:5602'],
  ],
  ['metricsPort', 'at most 65535', ['0', '65535'], ['65536', '1e6']],
  [
    'prometheusHost',
    'the name or address of a host as others reach it, without a port',
    ['host.docker.internal', 'alpha', '10.0.0.1', '::1', '[fd00::2]'],
    ['alpha:9464', 'http://alpha', '[::1]:9464', 'a b'],
  ],
  ['peerPort', 'at most 65535', ['1', '65535'], ['65536']],
  ['peerPort', 'at least 1', ['5556'], ['0', '-1']],
  ['workerMetrics', 'at most 65535', ['0', '65535'], ['65536', '1e6']],
  [
    'pushgateway',
    'an http(s) URL, with a port from 1 to 65535',
    ['http://gateway', 'http://gateway:9091/path', 'https://[::1]:65535'],
    ['http://gateway:65536', 'http://gateway:0', 'https://[::1]:99999/path'],
  ],
  [
    'otlp',
    'an http(s) URL, with a port from 1 to 65535',
    ['http://localhost:4318', 'http://[fd00::2]:4318/v1/metrics'],
    ['http://localhost:70000', 'http://[fd00::2]:0'],
  ],
  [
    'advertise',
    'the name or address of a host as others reach it, without a port, in a list like gpu1.example.org,10.0.0.7',
    ['alpha', '10.0.0.1', 'alpha, 10.0.0.1,[fd00::2]', 'a,b,c,d,e,f,g,h', 'node_1', '3com.example.', 'a'.repeat(63)],
    [
      ...[
        'alpha:5555',
        'tcp://alpha',
        'alpha,b c',
        '',
        'alpha,',
        '0.0.0.0',
        '::',
        'alpha,[::]',
        '*',
        '-1',
        'a-',
        'a..b',
        '.',
      ],
      ...['10.0.0', '256.1.1.1', '7', 'a'.repeat(64), Array(64).fill('abcd').join('.')],
    ],
  ],
  [
    'mirrors',
    'http(s) URLs separated by commas, with a port from 1 to 65535',
    ['http://a:1/x/, https://b'],
    ['http://a:1/x/,http://b:65536/'],
  ],
])('--%s', (name, valid, good, bad) => {
  test.each(good)('takes %s', (text) => {
    expect(String(given(name, text))).not.toContain('must be');
  });
  test.each(bad)('refuses %s, and says what is valid', (text) => {
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(given(name, text)).toBe(`--${flag} must be ${valid}, got ${text === '' ? 'nothing' : `'${text}'`}`);
  });
});

test('a worker has no more than eight names', () => {
  expect(given('advertise', 'a,b,c,d,e,f,g,h,i')).toContain('at most 8');
});

test('an IPv6 address to listen on may be in brackets', () => {
  expect(given('metricsHost', '[::1]')).toBe('::1');
  expect(given('metricsHost', '::1')).toBe('::1');
  expect(given('metricsHost', 'localhost')).toBe('localhost');
});
