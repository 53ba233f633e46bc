/** The metrics of one worker. The coordinator has the same for all workers together. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { addPhases, noPhaseSeconds, type PhaseSeconds, phaseNames } from '../../shared/core/phases.ts';
import type { WorkerObserver } from '../worker-observer.ts';

export interface OwnMetrics extends WorkerObserver {
  readonly application: Registry;
  readonly process: Registry;
}

/** @param memoryUsage of this process, in bytes */
export function createOwnMetrics(workerId: string, memoryUsage: () => NodeJS.MemoryUsage): OwnMetrics {
  const application = new Registry();
  const process = new Registry();
  application.setDefaultLabels({ worker: workerId });
  process.setDefaultLabels({ worker: workerId });
  collectDefaultMetrics({ register: process });
  const registers = [application];
  const info = new Gauge({
    name: 'pennygrad_worker_run_info',
    help: 'Always 1; its labels say what this worker does.',
    labelNames: ['run_id', 'engine', 'device'] as const,
    registers,
  });
  const steps = new Counter({
    name: 'pennygrad_worker_steps_total',
    help: 'Steps that this worker applied.',
    registers,
  });
  const samples = new Counter({
    name: 'pennygrad_worker_samples_total',
    help: 'Training samples of the steps that this worker applied: its share of them.',
    registers,
  });
  const evaluatedSamples = new Counter({
    name: 'pennygrad_worker_evaluated_samples_total',
    help: 'Test samples that this worker evaluated.',
    registers,
  });
  const seconds = new Counter({
    name: 'pennygrad_worker_phase_seconds_total',
    help: `Time that this worker spent in a phase of its steps; phase is ${phaseNames.join(', ')}.`,
    labelNames: ['phase'] as const,
    registers,
  });
  new Gauge({
    name: 'pennygrad_worker_memory_bytes',
    help: 'Memory of this worker; kind is resident (all of the process), heap (JavaScript) or buffers (tensors and data).',
    labelNames: ['kind'] as const,
    registers,
    collect() {
      const { rss, heapUsed, arrayBuffers } = memoryUsage();
      this.set({ kind: 'resident' }, rss);
      this.set({ kind: 'heap' }, heapUsed);
      this.set({ kind: 'buffers' }, arrayBuffers);
    },
  });
  let before: PhaseSeconds = noPhaseSeconds;

  return {
    application,
    process,
    joined({ runId, engine, device }) {
      info.reset();
      info.set({ run_id: runId, engine, device }, 1);
      // A worker that has not joined yet knows no run.
      application.setDefaultLabels({ worker: workerId, run_id: runId });
      process.setDefaultLabels({ worker: workerId, run_id: runId });
    },
    stepped(count, totals) {
      steps.inc();
      samples.inc(count);
      const grown = addPhases(totals, before, -1);
      for (const phase of phaseNames) seconds.inc({ phase }, Math.max(0, grown[phase]));
      before = totals;
    },
    evaluated: (count) => evaluatedSamples.inc(count),
  };
}
