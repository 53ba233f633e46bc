import { Counter, type Registry } from 'prom-client';

export interface TrafficMetrics {
  /** Bytes of gradients, as seen from the coordinator. */
  allReduceBytes(direction: 'sent' | 'received', bytes: number): void;
  frameRejected(reason: string): void;
}

export function createTrafficMetrics(registry: Registry): TrafficMetrics {
  const registers = [registry];
  const bytes = new Counter({
    name: 'pennygrad_allreduce_bytes_total',
    help: 'Bytes of gradients through the coordinator; direction is sent or received.',
    labelNames: ['direction'],
    registers,
  });
  const rejected = new Counter({
    name: 'pennygrad_frames_rejected_total',
    help: 'Frames from the network that were dropped, by reason: what part of them was wrong.',
    labelNames: ['reason'],
    registers,
  });
  return {
    allReduceBytes: (direction, count) => bytes.inc({ direction }, count),
    frameRejected: (reason) => rejected.inc({ reason }),
  };
}
