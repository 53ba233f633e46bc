/** Whether metrics are exported over OTLP, and where to: by the flag, or else by OpenTelemetry's own variables. */
import { describeGiven } from '../../../shared/core/given-value.ts';

export interface OtlpTarget {
  /** The URL of POST requests, `…/v1/metrics`. */
  readonly url: string;
  /** The flag or the variable that set the URL. */
  readonly namedBy: string;
  readonly intervalMs: number;
  /** The longest that an export may take. */
  readonly timeoutMs: number;
}

export type OtlpChoice =
  | { readonly kind: 'none' }
  /** An export was asked for but is not possible. The reason says why and what to do. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'export'; readonly target: OtlpTarget };

type Environment = Readonly<Record<string, string | undefined>>;

const flagName = '--otlp';
const protocol = 'http/protobuf';
const signalPath = 'v1/metrics';

/** The specification's default. */
const defaultIntervalMs = 60_000;

/** The longest delay of a timer. */
const longestIntervalMs = 2 ** 31 - 1;

/** Less than the specification's 10 s, because the end of a run waits for the last export. */
const longestTimeoutMs = 5000;

/**
 * The flag beats all variables but `OTEL_SDK_DISABLED`. As OpenTelemetry's specification requires, an empty variable counts
 * as not set, an invalid one does not end the program, and of the two endpoint variables the one for metrics takes
 * precedence and is used as it is.
 *
 * @param flag base URL, already validated; `v1/metrics` is appended unless the URL ends with it
 */
export function chooseOtlpTarget(flag: string | undefined, environment: Environment): OtlpChoice {
  const read = (name: string) => environment[name]?.trim() || undefined;
  const disabled = read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  if (flag !== undefined) {
    return disabled
      ? { kind: 'refused', reason: `${flagName}: OTEL_SDK_DISABLED=true switches exports off; remove one of them` }
      : { kind: 'export', target: { url: withSignalPath(new URL(flag)).href, namedBy: flagName, ...timesOf(read) } };
  }
  const endpoint = firstSet(read, ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']);
  const exporters = read('OTEL_METRICS_EXPORTER')?.split(',') ?? ['otlp'];
  if (endpoint === undefined || disabled || !exporters.some((name) => name.trim() === 'otlp')) return { kind: 'none' };

  const asked = firstSet(read, ['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL']);
  if (asked !== undefined && asked.value !== protocol) {
    return {
      kind: 'refused',
      reason:
        `${asked.name}=${asked.value}: no metrics are exported, because only ${protocol} is supported; to export them, ` +
        `set OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=${protocol} and an endpoint for it, or pass ${flagName} URL`,
    };
  }
  const url = httpUrl(endpoint.value);
  if (url === undefined) {
    return {
      kind: 'refused',
      reason: `${endpoint.name} must be an http(s) URL, got ${describeGiven(endpoint.value)}; no metrics are exported`,
    };
  }
  const { href } = endpoint.name === 'OTEL_EXPORTER_OTLP_ENDPOINT' ? withSignalPath(url) : url;
  return { kind: 'export', target: { url: href, namedBy: endpoint.name, ...timesOf(read) } };
}

/** A URL for people to read, without the parts that may be secret. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

type Read = (name: string) => string | undefined;

function firstSet(read: Read, names: readonly string[]): { readonly name: string; readonly value: string } | undefined {
  for (const name of names) {
    const value = read(name);
    if (value !== undefined) return { name, value };
  }
  return undefined;
}

function httpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.port !== '0' ? url : undefined;
}

function withSignalPath(base: URL): URL {
  const url = new URL(base);
  const path = url.pathname.replace(/\/$/, '');
  url.pathname = path.endsWith(`/${signalPath}`) ? path : `${path}/${signalPath}`;
  return url;
}

function timesOf(read: Read): Pick<OtlpTarget, 'intervalMs' | 'timeoutMs'> {
  const milliseconds = (...names: readonly string[]) => positive(firstSet(read, names)?.value);
  const intervalMs = Math.min(milliseconds('OTEL_METRIC_EXPORT_INTERVAL') ?? defaultIntervalMs, longestIntervalMs);
  const timeoutMs = Math.min(
    longestTimeoutMs,
    milliseconds('OTEL_EXPORTER_OTLP_METRICS_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT') ?? longestTimeoutMs,
    milliseconds('OTEL_METRIC_EXPORT_TIMEOUT') ?? longestTimeoutMs,
    // An export must be over before the next one starts.
    intervalMs / 2,
  );
  return { intervalMs, timeoutMs };
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : undefined;
}
