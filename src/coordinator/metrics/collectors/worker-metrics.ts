import { Counter, Gauge } from 'prom-client';
import type { MemberInfo } from '../../run-events.ts';
import type { Collector } from '../collector.ts';
import { findStraggler } from './straggler.ts';

/** Characters of a device in a label: workers describe themselves at any length. */
const longestDevice = 100;

export const createWorkerMetrics: Collector = (registry) => {
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

  const present = new Set<string>();
  let members: readonly MemberInfo[] = [];
  /** The process of each worker, by worker: another one is a restart. */
  const processes = new Map<string, string>();

  function setDown(worker: string): void {
    if (!present.delete(worker)) return;
    up.set({ worker }, 0);
    worldSize.set(present.size);
  }

  function setUp({ workerId: worker, host, pid, backend, device, gpu }: MemberInfo): void {
    present.add(worker);
    up.set({ worker }, 1);
    const process = `${host} ${pid}`;
    restarts.inc({ worker }, process === (processes.get(worker) ?? process) ? 0 : 1);
    processes.set(worker, process);
    const labels = { worker, engine: backend, device: device.slice(0, longestDevice) };
    info.set(gpu === undefined ? labels : { ...labels, gpu }, 1);
  }

  return (event) => {
    switch (event.type) {
      case 'generation': {
        members = event.members;
        const ids = new Set(members.map(({ workerId }) => workerId));
        for (const worker of present) if (!ids.has(worker)) setDown(worker);
        for (const member of members) setUp(member);
        worldSize.set(present.size);
        break;
      }
      case 'worker-lost':
        setDown(event.workerId);
        break;
      case 'worker-heard':
        heard.set({ worker: event.workerId }, event.unixMs / 1000);
        break;
      case 'step': {
        const parts = event.members.map(({ workerId, samples, phases }) => ({
          workerId,
          samples,
          waitSeconds: phases.wait,
        }));
        for (const { workerId: worker, samples } of parts) share.set({ worker }, samples / event.samples);
        const straggler = findStraggler(parts);
        if (straggler !== undefined) stragglerWait.inc({ worker: straggler.workerId }, straggler.seconds);
        break;
      }
    }
  };
};
