/** Where a run can be watched, and where its metrics go. */
import { z } from 'zod';
import { between, httpUrl, port } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

export const observabilitySettings = {
  metricsPort: {
    type: 'string',
    describe: 'Port of the live page, /metrics and /healthz; 0 picks one',
    defaultText: '9464',
    schema: port.optional(),
  },
  metricsHost: {
    type: 'string',
    describe: 'Address that the metrics ports listen on',
    defaultText: '127.0.0.1',
    schema: z.string().min(1, 'an address').default('127.0.0.1'),
  },
  pushgateway: {
    type: 'string',
    describe: 'Leave the last metrics with the Prometheus Pushgateway at this URL',
    schema: httpUrl.optional(),
  },
  otlp: {
    type: 'string',
    describe: 'Export metrics to the OpenTelemetry receiver at this base URL, over HTTP',
    defaultText: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    schema: httpUrl.optional(),
  },
  lastScrape: {
    type: 'string',
    describe: 'Seconds, at most, that the end waits for whoever scrapes /metrics to do so once more; 0: not at all',
    defaultText: '60',
    schema: between(0, 3600).default(60),
  },
} as const satisfies SettingsTable;

export type ObservabilityConfig = Parsed<typeof observabilitySettings>;
