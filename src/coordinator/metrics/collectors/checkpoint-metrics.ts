import { Counter, Gauge } from 'prom-client';
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
  const pause = createUnsetGauge({
    name: 'pennygrad_checkpoint_pause_seconds',
    help: 'How long training stood still for the state of the last checkpoint, which is written while it goes on; absent before the first of this process.',
    registers,
  });
  const failures = new Counter({
    name: 'pennygrad_checkpoint_failures_total',
    help: 'Attempts to write a checkpoint that failed. The checkpoints before stay.',
    registers,
  });
  const successful = createUnsetGauge({
    name: 'pennygrad_last_checkpoint_successful',
    help: 'Whether the last attempt to write a checkpoint went well, 1 or 0; absent before the first and once the run has ended.',
    registers,
  });
  const writable = new Gauge({
    name: 'pennygrad_run_files_writable',
    help: 'Whether metrics.jsonl, ledger.jsonl and samples.audit can be written, 1, or their lines wait in memory, 0; absent once the run has ended.',
    registers,
  });
  writable.set(1);
  let ended = false;
  return (event) => {
    switch (event.type) {
      case 'checkpoint':
        pause.set(event.seconds);
        break;
      case 'checkpoint-saved':
        saved.set(event.unixMs / 1000);
        duration.set(event.seconds);
        successful.set(1);
        break;
      case 'checkpoint-failed':
        failures.inc();
        successful.set(0);
        break;
      case 'lines-waiting':
      case 'lines-written':
        // The last accounts come after the end.
        if (!ended) writable.set(event.type === 'lines-written' ? 1 : 0);
        break;
      case 'ended':
        ended = true;
        successful.remove();
        writable.remove();
        break;
    }
  };
};
