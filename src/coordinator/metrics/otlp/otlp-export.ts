/**
 * Sends a run's metrics to an OTLP receiver, with OpenTelemetry's own reader and exporter: intervals, retries, headers,
 * compression and certificates are theirs. Nothing is counted twice: what is exported is read from the registry that
 * serves `/metrics`.
 *
 * Imported only where there is somewhere to export to, for the libraries take their time to load. They are of the 2.x
 * line (0.2xx of the exporter), the last that runs on Node 20.
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
  /** Takes a line about what went wrong: a run is not ended by what becomes of its metrics. */
  readonly warn: (line: string) => void;
}

export interface OtlpExport {
  /** Exports what the metrics are by now, and ends. Waits little longer than one export may take. May be called twice. */
  close(): Promise<void>;
}

/** So much longer than an export may take is waited for the last one, which then says itself what went wrong. */
const closeGraceMs = 500;

/** Begins to export at intervals. */
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
        // The exporter gives up before the reader would, and knows why.
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

/** The registry's metrics, whenever a reader asks. */
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

/**
 * Reports how each export ended, and tells the reader that it went well: of a failure it knows no more to do than log it.
 */
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
      // Whoever waited for it has given up: it would only keep the process alive.
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

/** What the library would print, warnings and worse. */
function routeDiagnostics(remark: (text: string) => void): void {
  const tell = (...parts: readonly unknown[]) => remark(parts.map(String).join(' '));
  const ignore = () => {};
  diag.setLogger(
    { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** Who the metrics are of. What the user says of it in OpenTelemetry's variables comes last, and so first. */
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
