/**
 * Exports a run's metrics to an OTLP receiver with OpenTelemetry's own reader and exporter, which handle intervals,
 * retries, headers, compression and certificates. The values are read from the registry that serves `/metrics`.
 *
 * Import this file only when there is something to export: the libraries are slow to load. They are of the 2.x line (0.2xx
 * for the exporter), the last one that runs on Node 20.
 */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import {
  defaultResource,
  detectResources,
  emptyResource,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  MeterProvider,
  type MetricProducer,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import type { Registry } from 'prom-client';
import type { Clock } from '../../../shared/core/clock.ts';
import type { RunInfo } from '../collectors/run-metrics.ts';
import { createExportReport, type ExportReport } from './export-report.ts';
import { metricDataOf } from './metric-data.ts';
import type { OtlpTarget } from './otlp-target.ts';

export interface OtlpExportOptions {
  readonly target: OtlpTarget;
  readonly registry: Registry;
  readonly run: RunInfo;
  readonly clock: Pick<Clock, 'unixMs'>;
  /** Called with a line about what went wrong. A failed export does not end a run. */
  readonly warn: (line: string) => void;
}

export interface OtlpExport {
  /** Exports the metrics one last time and ends. Waits little longer than an export may take. May be called twice. */
  close(): Promise<void>;
}

/** How much longer than its timeout to wait for the last export, so that the export itself reports what went wrong. */
const closeGraceMs = 500;

/** Starts to export at intervals. */
export function startOtlpExport({ target, registry, run, clock, warn }: OtlpExportOptions): OtlpExport {
  const report = createExportReport(target);
  const say = (line: string | undefined) => (line === undefined ? undefined : warn(line));
  routeDiagnostics((remark) => say(report.remarked(remark)));
  const exporter = new OTLPMetricExporter({ url: target.url, timeoutMillis: target.timeoutMs });
  const reported = reportExports(exporter, report, say);
  const provider = new MeterProvider({
    resource: resourceOf(run),
    readers: [
      new PeriodicExportingMetricReader({
        exporter: reported,
        exportIntervalMillis: target.intervalMs,
        // The exporter times out first, and knows why.
        exportTimeoutMillis: target.intervalMs,
        metricProducers: [createProducer(registry, run.version, clock)],
      }),
    ],
  });

  async function end(): Promise<void> {
    try {
      await provider.shutdown({ timeoutMillis: target.timeoutMs + closeGraceMs });
    } catch (error) {
      say(report.failed(error));
    }
    reported.abandon();
    diag.disable();
    say(report.ended());
  }

  let ended: Promise<void> | undefined;
  return {
    close() {
      ended ??= end();
      return ended;
    },
  };
}

/** Converts the registry's metrics whenever the reader asks for them. */
function createProducer(registry: Registry, version: string, clock: Pick<Clock, 'unixMs'>): MetricProducer {
  const startUnixMs = clock.unixMs();
  return {
    async collect() {
      const metrics = metricDataOf(await registry.getMetricsAsJSON(), { startUnixMs, endUnixMs: clock.unixMs() });
      return {
        // The reader takes the resource from its provider.
        resourceMetrics: {
          resource: emptyResource(),
          scopeMetrics: [{ scope: { name: 'pennygrad', version }, metrics }],
        },
        errors: [],
      };
    },
  };
}

/** Reports how each export ended, and tells the reader that it succeeded: the reader would only log a failure. */
function reportExports(
  exporter: PushMetricExporter,
  report: ExportReport,
  say: (line: string | undefined) => void,
): PushMetricExporter & { abandon(): void } {
  let abandoned = false;
  return {
    export(metrics, done) {
      const tell = ({ code, error }: ExportResult) => {
        if (!abandoned) {
          if (code === ExportResultCode.SUCCESS) report.succeeded();
          else say(report.failed(error));
        }
        done({ code: ExportResultCode.SUCCESS });
      };
      // Nobody waits for it any more, and it would only keep the process alive.
      if (abandoned) return tell({ code: ExportResultCode.FAILED });
      exporter.export(metrics, tell);
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    abandon() {
      abandoned = true;
    },
  };
}

/** Redirects the warnings and errors that the library would print. */
function routeDiagnostics(remark: (text: string) => void): void {
  const tell = (...parts: readonly unknown[]) => remark(parts.map(String).join(' '));
  const ignore = () => {};
  diag.setLogger(
    { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** Describes the run. What the user sets in OpenTelemetry's variables is merged last and wins. */
function resourceOf({ run_id, version, ...labels }: RunInfo): Resource {
  const ofTheRun = Object.entries(labels).map(([label, value]) => [`pennygrad.${label}`, value] as const);
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'pennygrad',
        'service.version': version,
        'service.instance.id': run_id,
        ...Object.fromEntries(ofTheRun),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
}
