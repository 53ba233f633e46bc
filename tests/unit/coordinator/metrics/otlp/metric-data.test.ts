import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { metricDataOf } from '../../../../../src/coordinator/metrics/otlp/metric-data.ts';
import { logUniform, orZero, uniform } from '../../../../support/realistic-numbers.ts';
import { parseSamples, sortedLabels } from '../../../../support/scrape.ts';

const period = { startUnixMs: 1_700_000_000_250, endUnixMs: 1_700_000_001_500 };
const convert = async (registry: Registry) => metricDataOf(await registry.getMetricsAsJSON(), period);

/** Back to what Prometheus' text would say. */
function samplesOf(metrics: readonly MetricData[]): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const set = (name: string, labels: object, value: number) => {
    const written = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    samples.set(written.length === 0 ? name : `${name}{${written.sort().join(',')}}`, value);
  };
  for (const { descriptor, dataPointType, dataPoints } of metrics) {
    const { name } = descriptor;
    for (const { attributes, value } of dataPoints) {
      if (typeof value === 'number') set(name, attributes, value);
      else if (dataPointType === DataPointType.HISTOGRAM && 'buckets' in value) {
        set(`${name}_sum`, attributes, value.sum ?? Number.NaN);
        set(`${name}_count`, attributes, value.count);
        let below = 0;
        for (const [index, count] of value.buckets.counts.entries()) {
          below += count;
          set(`${name}_bucket`, { ...attributes, le: value.buckets.boundaries[index] ?? '+Inf' }, below);
        }
      }
    }
  }
  return samples;
}

describe('metricDataOf', () => {
  it('has every sample of the text, and no other, whatever was counted', async () => {
    const label = fc.constantFrom('w0', 'w1', 'a b', 'ü');
    const reading = fc.record({ label, value: orZero(logUniform(1e-6, 1e9)) });
    const gauge = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(Number.NaN));
    const bounds = fc.uniqueArray(uniform(-10, 10), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ counted: fc.array(reading), gauged: fc.array(gauge), bounds, observed: fc.array(reading) }),
        async ({ counted, gauged, bounds: buckets, observed }) => {
          const registry = new Registry();
          const registers = [registry];
          const counter = new Counter({ name: 'c_seconds_total', help: 'c', labelNames: ['worker'], registers });
          const plain = new Gauge({ name: 'g_ratio', help: 'g', registers });
          const histogram = new Histogram({
            name: 'h_bytes',
            help: 'h',
            labelNames: ['worker'],
            registers,
            buckets: buckets.toSorted((a, b) => a - b),
          });
          for (const { label: worker, value } of counted) counter.inc({ worker }, value);
          for (const value of gauged) plain.set(value);
          for (const { label: worker, value } of observed) histogram.observe({ worker }, value / 1e8);
          const text = sortedLabels(parseSamples(await registry.metrics()));
          expect(new Map([...samplesOf(await convert(registry))].sort())).toEqual(new Map([...text].sort()));
        },
      ),
    );
  });

  it('makes of counters monotonic sums, of gauges gauges, of histograms histograms, cumulative since the start', async () => {
    const registry = new Registry();
    const registers = [registry];
    new Counter({ name: 'pennygrad_cost_usd_total', help: 'Cost.', registers }).inc(0.5);
    new Gauge({ name: 'pennygrad_loss', help: 'Loss.', registers }).set(Number.NaN);
    const histogram = new Histogram({ name: 'pennygrad_step_seconds', help: 'Step.', buckets: [1, 2], registers });
    for (const value of [0.5, 1, 1.5, 7]) histogram.observe(value);
    const common = { aggregationTemporality: AggregationTemporality.CUMULATIVE };
    const point = {
      startTime: [1_700_000_000, 250_000_000],
      endTime: [1_700_000_001, 500_000_000],
      attributes: {},
    };
    expect(await convert(registry)).toMatchObject([
      {
        ...common,
        descriptor: { name: 'pennygrad_cost_usd_total', description: 'Cost.', unit: '{USD}' },
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: [{ ...point, value: 0.5 }],
      },
      {
        ...common,
        descriptor: { name: 'pennygrad_loss', description: 'Loss.', unit: '' },
        dataPointType: DataPointType.GAUGE,
        dataPoints: [{ ...point, value: Number.NaN }],
      },
      {
        ...common,
        descriptor: { name: 'pennygrad_step_seconds', description: 'Step.', unit: 's' },
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: [{ ...point, value: { buckets: { boundaries: [1, 2], counts: [2, 1, 1] }, sum: 10, count: 4 } }],
      },
    ]);
  });

  it.each([
    ['a_bytes_total', 'By'],
    ['a_temperature_celsius', 'Cel'],
    ['a_power_watts', 'W'],
    ['a_share_ratio', '1'],
    ['a_bytes_per_second', ''],
    ['a_usd_per_hour', ''],
    ['a_memory_total_bytes', 'By'],
    ['a_steps_total', ''],
  ])('reads the unit of %s off its name: "%s"', async (name, unit) => {
    const registry = new Registry();
    new Gauge({ name, help: 'x', registers: [registry] }).set(1);
    expect((await convert(registry))[0]?.descriptor.unit).toBe(unit);
  });

  it('leaves out what has no value yet, and takes no summary', async () => {
    const registry = new Registry();
    new Gauge({ name: 'g', help: 'g', labelNames: ['worker'], registers: [registry] });
    expect(await convert(registry)).toEqual([]);
    new Summary({ name: 's', help: 's', registers: [registry] });
    await expect(convert(registry)).rejects.toThrow('s: a summary cannot be exported');
  });
});
