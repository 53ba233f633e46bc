import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type PhaseSeconds, phaseNames } from '../../../shared/core/phases.ts';

/** A committed step, as the metrics see it. */
export interface StepReading {
  readonly samples: number;
  readonly seconds: number;
  /** Where each member's time went, by worker. */
  readonly members: readonly { readonly workerId: string; readonly phases: PhaseSeconds }[];
}

export interface StepMetrics {
  /** An epoch begins: `samples_per_second` starts over. @param epoch counts from 0 */
  epochBegun(epoch: number): void;
  stepCommitted(step: StepReading): void;
  /** Training samples per second of the epoch so far. */
  samplesPerSecond(): number;
}

/** From a kernel's microseconds to a slow machine's large batch. */
const stepBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const phaseBuckets = [0.0001, 0.00025, 0.0005, ...stepBuckets];

export function createStepMetrics(registry: Registry): StepMetrics {
  const registers = [registry];
  const steps = new Counter({ name: 'pennygrad_steps_total', help: 'Committed steps.', registers });
  const samples = new Counter({
    name: 'pennygrad_samples_total',
    help: 'Training samples of committed steps.',
    registers,
  });
  const stepDuration = new Histogram({
    name: 'pennygrad_step_duration_seconds',
    help: 'Time from one commit to the next.',
    buckets: stepBuckets,
    registers,
  });
  const phaseDuration = new Histogram({
    name: 'pennygrad_step_phase_duration_seconds',
    help: `Time a worker spent in a phase of a step; phase is ${phaseNames.join(', ')}.`,
    labelNames: ['phase'],
    buckets: phaseBuckets,
    registers,
  });
  const speed = new Gauge({
    name: 'pennygrad_samples_per_second',
    help: 'Training samples per second of all workers, over the epoch so far.',
    registers,
  });
  const epochNumber = new Gauge({
    name: 'pennygrad_epoch',
    help: 'The epoch in progress, counted from 1; 0 before the first.',
    registers,
  });
  const phases = new Map(phaseNames.map((phase) => [phase, phaseDuration.labels({ phase })]));
  let ofEpoch = { samples: 0, seconds: 0 };
  const samplesPerSecond = () => (ofEpoch.seconds > 0 ? ofEpoch.samples / ofEpoch.seconds : 0);

  return {
    samplesPerSecond,
    epochBegun(epoch) {
      epochNumber.set(epoch + 1);
      ofEpoch = { samples: 0, seconds: 0 };
    },
    stepCommitted(step) {
      steps.inc();
      samples.inc(step.samples);
      stepDuration.observe(step.seconds);
      for (const member of step.members) {
        for (const [phase, histogram] of phases) histogram.observe(member.phases[phase]);
      }
      ofEpoch = { samples: ofEpoch.samples + step.samples, seconds: ofEpoch.seconds + step.seconds };
      speed.set(samplesPerSecond());
    },
  };
}
