/** A receiver of OTLP over HTTP that knows the protocol from its published definition, not from the exporter. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

const definitions = fileURLToPath(new URL('./schemas', import.meta.url));
const root = new protobuf.Root();
root.resolvePath = (_, target) => join(definitions, target);
const requestType = root
  .loadSync('opentelemetry/proto/collector/metrics/v1/metrics_service.proto')
  .lookupType('opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest');

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}

interface Point {
  readonly attributes: readonly Attribute[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble: number;
}

interface HistogramPoint extends Point {
  /** Left out where it is 0. */
  readonly count?: string;
  readonly sum: number;
  readonly bucketCounts: readonly string[];
  readonly explicitBounds: readonly number[];
}

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: readonly Point[] };
  readonly sum?: {
    readonly dataPoints: readonly Point[];
    readonly aggregationTemporality: string;
    readonly isMonotonic: boolean;
  };
  readonly histogram?: { readonly dataPoints: readonly HistogramPoint[]; readonly aggregationTemporality: string };
}

export interface ReceivedExport {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly resource: Readonly<Record<string, string | undefined>>;
  readonly metrics: readonly OtlpMetric[];
}

export interface OtlpReceiver {
  /** http://HOST:PORT */
  readonly url: string;
  readonly received: readonly ReceivedExport[];
  /** Requests that have come whole, answered or not. */
  requests(): number;
  close(): Promise<void>;
}

/** @param answer a status, or `silence`: takes everything and answers nothing */
export async function startOtlpReceiver(answer: number | 'silence' = 200): Promise<OtlpReceiver> {
  const received: ReceivedExport[] = [];
  let requests = 0;
  const server = createServer(async (request, response) => {
    const body = await bytesOf(request);
    if (answer === 200) received.push(decode(request, body));
    requests += 1;
    if (answer === 'silence') return;
    // An empty message: all of it was taken.
    response.writeHead(answer, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    requests: () => requests,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The samples that Prometheus' text format would have: `name{label="value"}`, labels in the order of their names. */
export function samplesOf(metrics: readonly OtlpMetric[]): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  for (const { name, gauge, sum, histogram } of metrics) {
    for (const { attributes, asDouble } of [...(gauge?.dataPoints ?? []), ...(sum?.dataPoints ?? [])]) {
      samples.set(series(name, attributes), asDouble);
    }
    for (const { attributes, count, sum: total, bucketCounts, explicitBounds } of histogram?.dataPoints ?? []) {
      samples.set(series(`${name}_count`, attributes), Number(count ?? 0));
      samples.set(series(`${name}_sum`, attributes), total);
      let below = 0;
      for (const [index, inBucket] of bucketCounts.entries()) {
        below += Number(inBucket);
        const le = { key: 'le', value: { stringValue: String(explicitBounds[index] ?? '+Inf') } };
        samples.set(series(`${name}_bucket`, [...attributes, le]), below);
      }
    }
  }
  return samples;
}

function series(name: string, attributes: readonly Attribute[]): string {
  const labels = attributes.map(({ key, value }) => `${key}="${value.stringValue}"`).sort();
  return labels.length === 0 ? name : `${name}{${labels.join(',')}}`;
}

function decode({ url = '', headers }: IncomingMessage, body: Buffer): ReceivedExport {
  const bytes = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  const message = requestType.toObject(requestType.decode(bytes), { longs: String, enums: String, arrays: true });
  const [{ resource, scopeMetrics }] = message.resourceMetrics;
  const attributes = (resource.attributes as readonly Attribute[]).map(({ key, value }) => [key, value.stringValue]);
  return {
    path: url,
    headers,
    resource: Object.fromEntries(attributes),
    metrics: scopeMetrics.flatMap((scope: { metrics: readonly OtlpMetric[] }) => scope.metrics),
  };
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
