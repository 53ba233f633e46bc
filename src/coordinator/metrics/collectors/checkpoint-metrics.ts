import type { Collector } from '../collector.ts';
import { createUnsetGauge } from '../unset-gauge.ts';

export const createCheckpointMetrics: Collector = (registry) => {
  const registers = [registry];
  const saved = createUnsetGauge({
    name: 'pennygrad_last_checkpoint_timestamp_seconds',
    help: 'Unix time at which the last checkpoint was written; absent before the first of this process.',
    registers,
  });
  const duration = createUnsetGauge({
    name: 'pennygrad_checkpoint_duration_seconds',
    help: 'What the last checkpoint took, from the request for the state to the last file; absent before the first of this process.',
    registers,
  });
  return (event) => {
    if (event.type !== 'checkpoint-saved') return;
    saved.set(event.unixMs / 1000);
    duration.set(event.seconds);
  };
};
