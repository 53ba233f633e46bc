/** Where a run can be watched, and where its metrics go. */
import { badInput } from '../shared/core/errors.ts';
import { between, httpUrl, listenHost, path, port, reachableHost } from './schemas.ts';
import type { Parsed, SettingsTable } from './setting.ts';

export const observabilitySettings = {
  metricsPort: {
    type: 'string',
    describe: 'Port of the live page, /metrics and /healthz; 0 picks a free one',
    defaultText: '9464',
    schema: port.optional(),
  },
  metricsHost: {
    type: 'string',
    describe: 'Address that the metrics ports listen on',
    defaultText: '127.0.0.1',
    schema: listenHost.default('127.0.0.1'),
  },
  prometheusTargets: {
    type: 'string',
    describe: 'While the run lasts, keep a file in this folder by which Prometheus finds it (file_sd)',
    isPath: true,
    schema: path.optional(),
  },
  prometheusHost: {
    type: 'string',
    describe: 'Name or address by which Prometheus reaches this host, for that file',
    defaultText: '--metrics-host, or the name of this host if that is every address',
    schema: reachableHost.optional(),
  },
  pushgateway: {
    type: 'string',
    describe: 'Push the final metrics to the Prometheus Pushgateway at this URL',
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
    describe: 'Longest wait in seconds, at the end of the run, for a last scrape of /metrics; 0 does not wait',
    defaultText: '60',
    schema: between(0, 3600).default(60),
  },
} as const satisfies SettingsTable;

export type ObservabilityConfig = Parsed<typeof observabilitySettings>;

/** @throws bad-input when a setting is given that does nothing without another */
export function requireTargetsOfHost({
  prometheusHost,
  prometheusTargets,
}: Pick<ObservabilityConfig, 'prometheusHost' | 'prometheusTargets'>): void {
  if (prometheusHost === undefined || prometheusTargets !== undefined) return;
  throw badInput('--prometheus-host needs --prometheus-targets, the folder of the file that it is for');
}
