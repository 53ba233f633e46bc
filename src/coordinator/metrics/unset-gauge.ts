import { Gauge, type GaugeConfiguration } from 'prom-client';

/** A gauge without labels that has no value until it is set. Others begin at 0, as if that were known. */
export function createUnsetGauge(configuration: Omit<GaugeConfiguration<never>, 'labelNames'>): Gauge {
  const gauge = new Gauge(configuration);
  gauge.remove();
  return gauge;
}
