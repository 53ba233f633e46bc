import { Counter, Gauge, type Registry } from 'prom-client';
import { findStraggler, type WorkerWait } from './straggler.ts';

/** One life of a worker: it begins anew when its process does. */
export interface WorkerLife {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
}

export interface WorkerMetrics {
  /** These workers, and no others, are now in the run. */
  workersUp(workers: readonly WorkerLife[]): void;
  workerDown(workerId: string): void;
  /** What a worker computes with, and the label that it was given. */
  workerEngine(workerId: string, engine: string, device: string, gpu?: string): void;
  /** A worker's share of a step's samples, 0 to 1. */
  workerShare(workerId: string, ratio: number): void;
  heartbeat(workerId: string, unixSeconds: number): void;
  /** How long each worker waited in a step. */
  waited(waits: readonly WorkerWait[]): void;
}

/** Characters of a device in a label. */
const longestDevice = 100;

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
  const restarts = new Counter({
    name: 'pennygrad_worker_restarts_total',
    help: 'Times that the worker came back as a new process.',
    labelNames,
    registers,
  });
  const info = new Gauge({
    name: 'pennygrad_worker_info',
    help: 'Always 1; its labels say what the worker computes with; gpu is what it was named, if anything.',
    labelNames: ['worker', 'engine', 'device', 'gpu'],
    registers,
  });
  const share = new Gauge({
    name: 'pennygrad_worker_share_ratio',
    help: "The worker's share of the last step's samples.",
    labelNames,
    registers,
  });
  let present = new Set<string>();
  const lives = new Map<string, string>();
  const setDown = (worker: string) => {
    present.delete(worker);
    up.set({ worker }, 0);
    worldSize.set(present.size);
  };

  return {
    workersUp(workers) {
      const workerIds = workers.map(({ workerId }) => workerId);
      for (const worker of present) if (!workerIds.includes(worker)) setDown(worker);
      present = new Set(workerIds);
      for (const worker of present) up.set({ worker }, 1);
      for (const { workerId: worker, host, pid } of workers) {
        const life = `${host} ${pid}`;
        const before = lives.get(worker) ?? life;
        restarts.inc({ worker }, life === before ? 0 : 1);
        lives.set(worker, life);
      }
      worldSize.set(present.size);
    },
    workerDown(workerId) {
      if (present.has(workerId)) setDown(workerId);
    },
    // A worker's own words are as long as it likes; a label is not.
    workerEngine: (worker, engine, device, gpu) => {
      const named = gpu === undefined ? {} : { gpu };
      info.set({ worker, engine, device: device.slice(0, longestDevice), ...named }, 1);
    },
    workerShare: (worker, ratio) => share.set({ worker }, ratio),
    heartbeat: (worker, unixSeconds) => heard.set({ worker }, unixSeconds),
    waited(waits) {
      const straggler = findStraggler(waits);
      if (straggler !== undefined) stragglerWait.inc({ worker: straggler.workerId }, straggler.seconds);
    },
  };
}
