import { Gauge, type Registry } from 'prom-client';
import type { PhaseSeconds } from '../../../shared/core/phases.ts';
import { addStep, busBandwidth, estimateEfficiency, noSteps } from './scaling-efficiency.ts';

export interface ScalingMetrics {
  /** @param bytes of one worker's gradients */
  gradientBytes(bytes: number): void;
  /** The averages start over, as `samples_per_second` does. */
  scalingBegun(): void;
  /** @param members where each worker's time went */
  scalingStep(seconds: number, members: readonly PhaseSeconds[]): void;
}

export function createScalingMetrics(registry: Registry): ScalingMetrics {
  const registers = [registry];
  const efficiency = new Gauge({
    name: 'pennygrad_scaling_efficiency_ratio',
    help:
      'Speed as a share of that many times one worker, over the epoch so far, one worker being estimated from the time ' +
      'spent computing; mode is strong (one worker has the whole batch) or weak (one worker has one share).',
    labelNames: ['mode'] as const,
    registers,
  });
  const bandwidth = new Gauge({
    name: 'pennygrad_allreduce_bus_bandwidth_bytes_per_second',
    help: 'Bus bandwidth of the all-reduce, over the epoch so far: bytes of gradients / time communicating × 2(N − 1)/N.',
    registers,
  });
  let taken = noSteps;
  let bytes = 0;
  return {
    gradientBytes(value) {
      bytes = value;
    },
    scalingBegun() {
      taken = noSteps;
    },
    scalingStep(seconds, members) {
      taken = addStep(taken, seconds, members);
      const ratios = estimateEfficiency(taken);
      if (ratios !== undefined) {
        efficiency.set({ mode: 'strong' }, ratios.strong);
        efficiency.set({ mode: 'weak' }, ratios.weak);
      }
      const busBytes = busBandwidth(taken, bytes);
      if (busBytes !== undefined) bandwidth.set(busBytes);
    },
  };
}
