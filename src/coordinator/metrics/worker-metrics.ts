import { Counter, Gauge, type Registry } from 'prom-client';
import { findStraggler, type WorkerWait } from './straggler.ts';

export interface WorkerMetrics {
  /** These workers, and no others, are now in the run. */
  workersUp(workerIds: readonly string[]): void;
  workerDown(workerId: string): void;
  heartbeat(workerId: string, unixSeconds: number): void;
  /** How long each worker waited in a step. */
  waited(waits: readonly WorkerWait[]): void;
}

export function createWorkerMetrics(registry: Registry): WorkerMetrics {
  const registers = [registry];
  const labelNames = ['worker'] as const;
  const worldSize = new Gauge({ name: 'pennygrad_world_size', help: 'Workers in the run.', registers });
  const up = new Gauge({
    name: 'pennygrad_worker_up',
    help: '1 while the worker is in the run, 0 once it is lost.',
    labelNames,
    registers,
  });
  const heard = new Gauge({
    name: 'pennygrad_worker_last_heartbeat_timestamp_seconds',
    help: 'Unix time at which the worker was last heard.',
    labelNames,
    registers,
  });
  const stragglerWait = new Counter({
    name: 'pennygrad_straggler_wait_seconds_total',
    help: 'Time that other workers waited for this one, summed over them.',
    labelNames,
    registers,
  });
  let present = new Set<string>();
  const setDown = (worker: string) => {
    present.delete(worker);
    up.set({ worker }, 0);
    worldSize.set(present.size);
  };

  return {
    workersUp(workerIds) {
      for (const worker of present) if (!workerIds.includes(worker)) setDown(worker);
      present = new Set(workerIds);
      for (const worker of present) up.set({ worker }, 1);
      worldSize.set(present.size);
    },
    workerDown(workerId) {
      if (present.has(workerId)) setDown(workerId);
    },
    heartbeat: (worker, unixSeconds) => heard.set({ worker }, unixSeconds),
    waited(waits) {
      const straggler = findStraggler(waits);
      if (straggler !== undefined) stragglerWait.inc({ worker: straggler.workerId }, straggler.seconds);
    },
  };
}
