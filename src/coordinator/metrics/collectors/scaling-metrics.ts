import { Gauge } from 'prom-client';
import type { Collector } from '../collector.ts';
import { addStep, busBandwidth, estimateEfficiency, noSteps } from './scaling-efficiency.ts';

export const createScalingMetrics: Collector = (registry) => {
  const registers = [registry];
  const efficiency = new Gauge({
    name: 'pennygrad_scaling_efficiency_ratio',
    help:
      'Scaling efficiency over the epoch so far, with the speed of one worker estimated from the time spent computing; ' +
      'mode is strong (one worker has the whole batch) or weak (one worker has one share).',
    labelNames: ['mode'] as const,
    registers,
    collect: showEfficiency,
  });
  const bandwidth = new Gauge({
    name: 'pennygrad_allreduce_bus_bandwidth_bytes_per_second',
    help: 'Bus bandwidth of the all-reduce, over the epoch so far: bytes of gradients / time communicating × 2(N − 1)/N; absent once the run has ended.',
    registers,
    collect: showBandwidth,
  });
  let taken = noSteps;
  let gradientBytes = 0;
  let hasEnded = false;

  // Only what is read has to be set, and what stays until the next step.
  function showEfficiency(): void {
    const ratios = estimateEfficiency(taken);
    if (ratios === undefined) return;
    efficiency.set({ mode: 'strong' }, ratios.strong);
    efficiency.set({ mode: 'weak' }, ratios.weak);
  }

  function showBandwidth(): void {
    const bytes = hasEnded ? undefined : busBandwidth(taken, gradientBytes);
    if (bytes !== undefined) bandwidth.set(bytes);
  }

  return (event) => {
    switch (event.type) {
      case 'generation':
        showBandwidth();
        gradientBytes = event.parameterCount * Float32Array.BYTES_PER_ELEMENT;
        break;
      case 'epoch-begun':
        showEfficiency();
        showBandwidth();
        taken = noSteps;
        break;
      case 'step': {
        const phases = event.members.map((member) => member.phases);
        taken = addStep(taken, event.seconds, phases);
        break;
      }
      case 'ended':
        hasEnded = true;
        bandwidth.remove();
        break;
    }
  };
};
