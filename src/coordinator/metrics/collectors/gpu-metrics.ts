import { Gauge } from 'prom-client';
import type { GpuReading } from '../../../shared/protocol/messages.ts';
import type { Collector } from '../collector.ts';

export const createGpuMetrics: Collector = (registry) => {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `pennygrad_gpu_${name}`, help, labelNames: ['worker'] as const, registers: [registry] });
  const gauges: Readonly<Record<keyof GpuReading, ReturnType<typeof gauge>>> = {
    utilizationRatio: gauge('utilization_ratio', "Fraction of the time in which the worker's GPU ran a kernel."),
    memoryUsedBytes: gauge('memory_used_bytes', "Used memory of the worker's GPU, including that of other processes."),
    memoryTotalBytes: gauge('memory_total_bytes', "Memory of the worker's GPU."),
    temperatureCelsius: gauge('temperature_celsius', "Temperature of the worker's GPU."),
    powerWatts: gauge('power_watts', "Power that the worker's GPU draws."),
  };
  let over = false;
  return (event) => {
    if (event.type === 'ended') {
      // Workers are heard until they have left.
      over = true;
      for (const metric of Object.values(gauges)) metric.reset();
    }
    if (over || event.type !== 'worker-heard' || event.gpu === undefined) return;
    const { workerId: worker, gpu } = event;
    for (const [key, metric] of Object.entries(gauges)) {
      const value = gpu[key as keyof GpuReading];
      if (value === undefined) metric.remove({ worker });
      else metric.set({ worker }, value);
    }
  };
};
