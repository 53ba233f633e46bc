import { Counter, Gauge } from 'prom-client';
import type { Collector } from '../collector.ts';
import { findStraggler } from './straggler.ts';

export const createBalanceMetrics: Collector = (registry) => {
  const registers = [registry];
  const labelNames = ['worker'] as const;
  const share = new Gauge({
    name: 'pennygrad_worker_share_ratio',
    help: "The worker's fraction of the samples of the last step; absent once the run has ended.",
    labelNames,
    registers,
  });
  const stragglerWait = new Counter({
    name: 'pennygrad_straggler_wait_seconds_total',
    help: 'Time that other workers waited for this one, summed over them.',
    labelNames,
    registers,
  });

  return (event) => {
    if (event.type === 'ended') share.reset();
    if (event.type !== 'step') return;
    for (const { workerId: worker, samples } of event.members) share.set({ worker }, samples / event.samples);
    const waits = event.members.map(({ workerId, phases }) => ({ workerId, waitSeconds: phases.wait }));
    const straggler = findStraggler(waits);
    if (straggler !== undefined) stragglerWait.inc({ worker: straggler.workerId }, straggler.seconds);
  };
};
