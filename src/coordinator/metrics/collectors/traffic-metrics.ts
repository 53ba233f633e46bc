import { Counter } from 'prom-client';
import type { Collector } from '../collector.ts';

export const createTrafficMetrics: Collector = (registry) => {
  const registers = [registry];
  const bytes = new Counter({
    name: 'pennygrad_allreduce_bytes_total',
    help: 'Bytes of gradients that workers exchanged in the all-reduce; direction is sent or received, as workers see it.',
    labelNames: ['direction'],
    registers,
  });
  const rejected = new Counter({
    name: 'pennygrad_frames_rejected_total',
    help: 'Frames from the network that were rejected, by the part of them that was wrong.',
    labelNames: ['reason'],
    registers,
  });
  return (event) => {
    switch (event.type) {
      case 'spent':
        for (const { bytes: exchanged } of event.members) {
          bytes.inc({ direction: 'sent' }, exchanged.sent);
          bytes.inc({ direction: 'received' }, exchanged.received);
        }
        break;
      case 'frame-rejected':
        rejected.inc({ reason: event.reason });
        break;
    }
  };
};
