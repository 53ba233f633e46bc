/** Makes a run observable while it lasts: metrics, the live page, and exports of both. */
import type { ObservabilityConfig } from '../settings/observability-settings.ts';
import { observeLive } from './live/observe-live.ts';
import { runInfoOf } from './metrics/collectors/run-metrics.ts';
import { startMetricsServer } from './metrics/endpoint/metrics-server.ts';
import { pushMetrics } from './metrics/endpoint/pushgateway.ts';
import { createScrapeWatch } from './metrics/endpoint/scrape-watch.ts';
import { type TargetFile, targetAddress, writeTargetFile } from './metrics/endpoint/target-file.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import type { OtlpExport } from './metrics/otlp/otlp-export.ts';
import { chooseOtlpTarget, type OtlpTarget, shownUrl } from './metrics/otlp/otlp-target.ts';
import type { Resumption } from './record/resumption.ts';
import type { RunEnd } from './run-end.ts';
import type { RunObserver } from './run-events.ts';
import type { RunContext, RunOptions } from './run-options.ts';

export interface Observability {
  readonly observers: readonly RunObserver[];
  /** Says where the live page is, and begins to export metrics if they are exported. */
  begin(): Promise<void>;
  /** How the run ended. The live pages are told when the stream closes. */
  end(end: RunEnd): void;
  /** Hands the last metrics to the Pushgateway and the OTLP receiver; warns of what cannot be delivered. */
  deliver(): Promise<void>;
  /** Waits until whoever scrapes /metrics has seen the last ones, for `--last-scrape` seconds at most. */
  waitForLastScrape(): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

/**
 * Serves metrics and live page from now on.
 * @param before where the counters of a resumed run start
 * @throws bad-input when the metrics port is taken
 */
export async function openObservability(
  options: RunOptions,
  context: RunContext,
  before: Pick<Resumption, 'accounts' | 'record'> | undefined,
): Promise<Observability> {
  const { runId, version, dataset, training, budget, expected, observability, resumed } = options;
  const { clock, timers, signal, note, warn } = context;
  const startedAtUnixMs = resumed?.startedAtUnixMs ?? options.startedAtUnixMs;
  const metrics = createMetrics({
    runId,
    version,
    startedAtUnixMs,
    clock,
    dataset,
    training,
    budget,
    expected,
    carried: before?.accounts.entries,
    interruptionsBefore: before?.record.interruptions,
  });
  const live = observeLive(options, clock, timers);
  const scrapes = createScrapeWatch(clock, timers);
  const server = await startMetricsServer({
    port: observability.metricsPort,
    host: observability.metricsHost,
    metrics,
    live: live.stream,
    ownNames: [context.host],
    onScrape: scrapes.observe,
  });
  if (server.warning !== undefined) warn(server.warning);
  let exporting: OtlpExport | undefined;
  let targetFile: TargetFile | undefined;

  return {
    observers: [metrics.observe, live.observe],
    end: live.end,
    async begin() {
      const { prometheusTargets, prometheusHost, metricsHost } = observability;
      if (prometheusTargets !== undefined) {
        const address = targetAddress({ metricsHost, port: server.port, prometheusHost, hostname: context.host });
        targetFile = writeTargetFile(prometheusTargets, { runId, address });
      }
      context.onMetrics(server.url);
      exporting = await startExport(options, context, metrics);
    },
    async deliver() {
      const { pushgateway: url } = observability;
      const [unpushed] = await Promise.all([
        url === undefined ? undefined : pushMetrics({ url, instance: context.host, runId }, metrics.application),
        exporting?.close(),
      ]);
      if (unpushed !== undefined) warn(unpushed);
    },
    waitForLastScrape: () =>
      scrapes.waitForLast(observability.lastScrape, signal, (seconds) =>
        note(`waiting up to ${Math.ceil(seconds)} s for the next scrape of /metrics (Ctrl-C ends the wait)`),
      ),
    async close() {
      const left = targetFile?.remove();
      if (left !== undefined) warn(left);
      await Promise.all([server.close(), exporting?.close()]);
    },
  };
}

async function startExport(
  options: RunOptions,
  context: RunContext,
  { application }: Metrics,
): Promise<OtlpExport | undefined> {
  const target = otlpTarget(options.observability, context);
  if (target === undefined) return undefined;
  // Runs that export nothing need not load what it takes.
  const { startOtlpExport } = await import('./metrics/otlp/otlp-export.ts');
  const { clock, warn } = context;
  return startOtlpExport({ target, registry: application, run: runInfoOf(options), clock, warn });
}

/** Says where metrics go: the variables may have been set for other programs. */
function otlpTarget({ otlp }: ObservabilityConfig, { environment, warn, note }: RunContext): OtlpTarget | undefined {
  const choice = chooseOtlpTarget(otlp, environment);
  switch (choice.kind) {
    case 'none':
      return undefined;
    case 'refused':
      warn(choice.reason);
      return undefined;
    case 'export':
      note(`metrics are exported to ${shownUrl(choice.target.url)} (${choice.target.namedBy})`);
      return choice.target;
    default:
      return choice satisfies never;
  }
}
