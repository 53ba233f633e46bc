import { Gauge } from 'prom-client';
import type { Collector } from '../collector.ts';

export const createStragglerMetrics: Collector = (registry) => {
  const registers = [registry];
  const labelNames = ['worker'] as const;
  const straggler = new Gauge({
    name: 'pennygrad_worker_straggler',
    help: '1 while the worker is a straggler, persistently slower than the others, 0 while it is none; absent once it is no member, or the run has ended.',
    labelNames,
    registers,
  });
  const slowdown = new Gauge({
    name: 'pennygrad_worker_slowdown_ratio',
    help: 'The time that a sample takes the worker over what it takes the others (their median), lately; absent once it is no member, or the run has ended.',
    labelNames,
    registers,
  });

  return (event) => {
    switch (event.type) {
      case 'slowdowns':
        for (const { workerId: worker, slowdown: times, isStraggler } of event.members) {
          straggler.set({ worker }, isStraggler ? 1 : 0);
          slowdown.set({ worker }, times);
        }
        break;
      case 'worker-lost':
      case 'worker-drained':
        straggler.remove({ worker: event.workerId });
        slowdown.remove({ worker: event.workerId });
        break;
      case 'ended':
        straggler.reset();
        slowdown.reset();
        break;
    }
  };
};
