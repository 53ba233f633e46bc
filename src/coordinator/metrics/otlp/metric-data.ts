/**
 * Converts Prometheus metrics to OpenTelemetry's, by the rules of its specification "Prometheus and OpenMetrics
 * Compatibility", section "Prometheus Metric points to OTLP". Names are kept, including `_total`, so that a receiver that
 * converts them back to Prometheus arrives at the same names.
 */
import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type HistogramMetricData,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';

/** A metric as `Registry.getMetricsAsJSON` returns it. */
export type PrometheusMetric = MetricObjectWithValues<MetricValue<string>>;

export interface Period {
  /** When counting began. */
  readonly startUnixMs: number;
  readonly endUnixMs: number;
}

type HistogramValue = HistogramMetricData['dataPoints'][number]['value'];

/**
 * Units in UCUM, by the last word of a name, which by Prometheus' convention is the unit. Other words have none: for a rate
 * (`…_bytes_per_second`) Prometheus would append the unit to the name a second time.
 */
const units: Readonly<Record<string, string>> = {
  seconds: 's',
  bytes: 'By',
  celsius: 'Cel',
  watts: 'W',
  ratio: '1',
  usd: '{USD}',
};

/**
 * Counters become monotonic sums, gauges stay gauges and histograms histograms, all cumulative. NaN and infinities are
 * kept, as the specification requires. A metric without a value is left out.
 *
 * @throws Error for a Prometheus summary, which this program does not use
 */
export function metricDataOf(metrics: readonly PrometheusMetric[], { startUnixMs, endUnixMs }: Period): MetricData[] {
  const times = { startTime: hrTime(startUnixMs), endTime: hrTime(endUnixMs) };
  return metrics.filter(({ values }) => values.length > 0).map((metric) => convert(metric, times));
}

type Times = Pick<DataPoint<number>, 'startTime' | 'endTime'>;

function convert(metric: PrometheusMetric, times: Times): MetricData {
  const { name, help, values } = metric;
  const common = {
    descriptor: { name, description: help, unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  // The text of /metrics has no -0.
  const points = () =>
    values.map(({ value, labels }) => ({ ...times, value: value + 0, attributes: attributesOf(labels) }));
  const type = String(metric.type);
  switch (type) {
    case 'counter':
      return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: points() };
    case 'gauge':
      return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: points() };
    case 'histogram':
      return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: histogramPoints(metric, times) };
    default:
      throw new Error(`${name}: a ${type} cannot be exported`);
  }
}

/**
 * Prometheus has a sample for every bucket, the sum and the count. Samples with the same other labels form one histogram.
 */
function histogramPoints({ name, values }: PrometheusMetric, times: Times): DataPoint<HistogramValue>[] {
  const groups = new Map<string, { labels: MetricValue<string>['labels']; samples: MetricValue<string>[] }>();
  for (const sample of values) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    const group = groups.get(key) ?? { labels, samples: [] };
    group.samples.push(sample);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ labels, samples }) => ({
    ...times,
    attributes: attributesOf(labels),
    value: histogramOf(name, samples),
  }));
}

function histogramOf(name: string, samples: readonly MetricValue<string>[]): HistogramValue {
  const of = (suffix: string) => samples.filter((sample) => sampleName(sample) === `${name}_${suffix}`);
  const count = of('count')[0]?.value ?? 0;
  const below = of('bucket')
    .map(({ labels, value }) => ({ bound: Number(labels.le), value }))
    .filter(({ bound }) => Number.isFinite(bound))
    .sort((a, b) => a.bound - b.bound);
  // A bucket of Prometheus counts all values up to its bound; one of OpenTelemetry those between two bounds.
  const upTo = [0, ...below.map(({ value }) => value), count];
  return {
    buckets: {
      boundaries: below.map(({ bound }) => bound),
      counts: upTo.slice(1).map((value, index) => value - (upTo[index] ?? 0)),
    },
    sum: of('sum')[0]?.value ?? 0,
    count,
  };
}

/** The samples of a histogram have names of their own, which prom-client's type lacks. */
function sampleName(sample: MetricValue<string>): unknown {
  return 'metricName' in sample ? sample.metricName : undefined;
}

function attributesOf(labels: MetricValue<string>['labels']): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, String(value)]));
}

function unitOf(name: string): string {
  return (
    units[
      name
        .replace(/_total$/, '')
        .split('_')
        .at(-1) ?? ''
    ] ?? ''
  );
}

function hrTime(unixMs: number): HrTime {
  const seconds = Math.floor(unixMs / 1000);
  return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
}
