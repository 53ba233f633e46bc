import { describe, expect, it } from 'vitest';
import { chooseOtlpTarget, shownUrl } from '../../../../../src/coordinator/metrics/otlp/otlp-target.ts';

const times = { intervalMs: 60_000, timeoutMs: 5000 };

describe('chooseOtlpTarget', () => {
  it.each([
    ['http://c:4318', 'http://c:4318/v1/metrics'],
    ['http://c:4318/', 'http://c:4318/v1/metrics'],
    ['https://c/api/v1/otlp', 'https://c/api/v1/otlp/v1/metrics'],
    ['http://c:4318/v1/metrics', 'http://c:4318/v1/metrics'],
    ['http://c:4318/otlp?key=1', 'http://c:4318/otlp/v1/metrics?key=1'],
  ])('makes of the base %s the address %s', (base, url) => {
    const byFlag = { kind: 'export', target: { url, namedBy: '--otlp', ...times } };
    expect(chooseOtlpTarget(base, {})).toEqual(byFlag);
    const named = { OTEL_EXPORTER_OTLP_ENDPOINT: base };
    expect(chooseOtlpTarget(undefined, named)).toEqual({
      kind: 'export',
      target: { url, namedBy: 'OTEL_EXPORTER_OTLP_ENDPOINT', ...times },
    });
  });

  it('takes the endpoint of metrics first, and as it is', () => {
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics:4318/in',
    };
    const namedBy = 'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT';
    expect(chooseOtlpTarget(undefined, environment)).toEqual({
      kind: 'export',
      target: { url: 'http://metrics:4318/in', namedBy, ...times },
    });
  });

  it('exports nothing unless an endpoint is set, or when the variables switch it off', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
    for (const environment of [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' },
      { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' },
      { ...endpoint, OTEL_METRICS_EXPORTER: 'none' },
      { ...endpoint, OTEL_METRICS_EXPORTER: 'console,prometheus' },
    ]) {
      expect(chooseOtlpTarget(undefined, environment), JSON.stringify(environment)).toEqual({ kind: 'none' });
    }
    for (const more of [{ OTEL_METRICS_EXPORTER: 'console, otlp' }, { OTEL_SDK_DISABLED: 'false' }]) {
      expect(chooseOtlpTarget(undefined, { ...endpoint, ...more }).kind).toBe('export');
    }
  });

  it('says what it cannot do: another protocol, an address that is none', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' };
    expect(chooseOtlpTarget(undefined, { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual({
      kind: 'refused',
      reason:
        'OTEL_EXPORTER_OTLP_PROTOCOL=grpc: no metrics are exported, because only http/protobuf is supported; to ' +
        'export them, set OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf and an endpoint for it, or pass --otlp URL',
    });
    const overruled = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf' };
    expect(chooseOtlpTarget(undefined, { ...endpoint, ...overruled }).kind).toBe('export');
    expect(chooseOtlpTarget(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4318' })).toEqual({
      kind: 'refused',
      reason: "OTEL_EXPORTER_OTLP_ENDPOINT must be an http(s) URL, got 'c:4318'; no metrics are exported",
    });
  });

  it('lets the flag beat the variables, all but the one that disables everything', () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    expect(chooseOtlpTarget('http://c:4318', { ...environment, OTEL_METRICS_EXPORTER: 'none' })).toMatchObject({
      kind: 'export',
      target: { url: 'http://c:4318/v1/metrics' },
    });
    expect(chooseOtlpTarget('http://c:4318', { OTEL_SDK_DISABLED: 'true' })).toEqual({
      kind: 'refused',
      reason: '--otlp: OTEL_SDK_DISABLED=true switches exports off; remove one of them',
    });
  });

  it.each([
    [{ OTEL_METRIC_EXPORT_INTERVAL: '10000' }, { intervalMs: 10_000, timeoutMs: 5000 }],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '1000' }, { intervalMs: 1000, timeoutMs: 500 }],
    [{ OTEL_METRIC_EXPORT_INTERVAL: 'often' }, times],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '-1' }, times],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '1e300' }, { intervalMs: 2_147_483_647, timeoutMs: 5000 }],
    [{ OTEL_METRIC_EXPORT_TIMEOUT: '700' }, { intervalMs: 60_000, timeoutMs: 700 }],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: '30000' }, times],
    [
      { OTEL_EXPORTER_OTLP_TIMEOUT: '900', OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '800' },
      { intervalMs: 60_000, timeoutMs: 800 },
    ],
  ])('keeps the times that %j asks for, but no end of a run waits for long', (environment, expected) => {
    expect(chooseOtlpTarget('http://c:4318', environment)).toMatchObject({ target: expected });
  });
});

it('shownUrl leaves out what may be a secret', () => {
  expect(shownUrl('https://user:word@c:4318/v1/metrics?api-key=1')).toBe('https://c:4318/v1/metrics');
});
