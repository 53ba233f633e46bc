import { Counter, Gauge } from 'prom-client';
import type { MemberInfo } from '../../run-events.ts';
import type { Collector } from '../collector.ts';

/** Characters of a device in a label: workers describe themselves at any length. */
const longestDevice = 100;

export const createWorkerMetrics: Collector = (registry) => {
  const registers = [registry];
  const labelNames = ['worker'] as const;
  const worldSize = new Gauge({ name: 'pennygrad_world_size', help: 'Workers in the run.', registers });
  const up = new Gauge({
    name: 'pennygrad_worker_up',
    help: '1 while the worker is in the run, 0 once it is lost; absent once the run has ended with it.',
    labelNames,
    registers,
  });
  const heard = new Gauge({
    name: 'pennygrad_worker_last_heartbeat_timestamp_seconds',
    help: 'Unix time at which the worker was last heard.',
    labelNames,
    registers,
  });
  const restarts = new Counter({
    name: 'pennygrad_worker_restarts_total',
    help: 'Number of times that the worker came back as a new process.',
    labelNames,
    registers,
  });
  const info = new Gauge({
    name: 'pennygrad_worker_info',
    help: 'Always 1; its labels say what the worker computes with; gpu is its label, if it has one.',
    labelNames: ['worker', 'engine', 'device', 'gpu'],
    registers,
  });
  const present = new Set<string>();
  /** The last process of each worker: a different one is a restart. */
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
        const ids = new Set(event.members.map(({ workerId }) => workerId));
        for (const worker of present) if (!ids.has(worker)) setDown(worker);
        for (const member of event.members) setUp(member);
        worldSize.set(present.size);
        break;
      }
      case 'worker-lost':
        setDown(event.workerId);
        break;
      // It left as it should, so nobody is to be alarmed.
      case 'worker-drained':
        present.delete(event.workerId);
        up.remove({ worker: event.workerId });
        worldSize.set(present.size);
        break;
      case 'ended':
        // Who finds that the loss diverged leaves, and is not lost.
        if (event.code === 'diverged') up.reset();
        // The others are about to leave as they should. What is lost stays lost.
        for (const worker of present) up.remove({ worker });
        present.clear();
        worldSize.set(0);
        break;
      case 'worker-heard':
        heard.set({ worker: event.workerId }, event.unixMs / 1000);
        break;
    }
  };
};
