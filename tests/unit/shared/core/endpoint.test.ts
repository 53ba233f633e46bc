import { describe, expect, it } from 'vitest';
import { isConnectable, parseEndpoint } from '../../../../src/shared/core/endpoint.ts';

describe('an endpoint', () => {
  it.each([
    ['tcp://127.0.0.1:5555', { transport: 'tcp', host: '127.0.0.1', port: 5555 }],
    ['tcp://gpu-1.lan:65535', { transport: 'tcp', host: 'gpu-1.lan', port: 65_535 }],
    ['tcp://alpha:0', { transport: 'tcp', host: 'alpha', port: 0 }],
    ['tcp://*:*', { transport: 'tcp', host: '*', port: '*' }],
    ['tcp://[fe80::1]:5555', { transport: 'tcp', host: 'fe80::1', port: 5555 }],
    ['ipc:///tmp/run 1.sock', { transport: 'ipc', path: '/tmp/run 1.sock' }],
  ])('%s is understood', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  it.each([
    '',
    'alpha:5555',
    'tcp://alpha',
    'tcp://alpha:',
    'tcp://:5555',
    // ZeroMQ would take it for port 0.
    'tcp://alpha:65536',
    'tcp://alpha:123456',
    'tcp://alpha:-1',
    'tcp://alpha:http',
    'tcp://alpha:5555/',
    'tcp://alpha:5555 ',
    ' tcp://alpha:5555',
    'tcp://al pha:5555',
    'tcp://eth0;alpha:5555',
    'tcp://fe80::1:5555',
    'tcp://[alpha]:5555',
    'tcp://[]:5555',
    'tcp://[fe80::1]',
    'udp://alpha:5555',
    'ipc://',
    'see ipc:///tmp/run.sock',
  ])('%j is none', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });

  it.each([
    ['tcp://alpha:5555', true],
    ['tcp://alpha:1', true],
    ['tcp://[::1]:5555', true],
    ['ipc:///tmp/run.sock', true],
    ['tcp://*:5555', false],
    ['tcp://alpha:*', false],
    ['tcp://alpha:0', false],
  ])('%s can be connected to: %s', (text, expected) => {
    const endpoint = parseEndpoint(text);
    expect(endpoint && isConnectable(endpoint)).toBe(expected);
  });
});
