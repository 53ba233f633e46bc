import { Counter, Gauge, Histogram } from 'prom-client';
import { addStep, beginEpoch, epochMeans } from '../../../economics/record/epoch-totals.ts';
import { phaseNames } from '../../../shared/core/phases.ts';
import type { Collector } from '../collector.ts';
import { bucketsPerDecade, durationBuckets, phaseBucketsPerDecade } from '../duration-buckets.ts';

/** From what a small model takes to a slow machine's large batch. */
const stepBuckets = durationBuckets(0.001, 10, bucketsPerDecade);
const phaseBuckets = durationBuckets(0.0001, 10, phaseBucketsPerDecade);

export const createStepMetrics: Collector = (registry) => {
  const registers = [registry];
  const steps = new Counter({ name: 'pennygrad_steps_total', help: 'Committed steps.', registers });
  const skipped = new Counter({
    name: 'pennygrad_skipped_steps_total',
    help: 'Committed steps that no worker applied, because a loss or gradient was not finite (--skip-nonfinite).',
    registers,
  });
  const samples = new Counter({
    name: 'pennygrad_samples_total',
    help: 'Training samples of committed steps.',
    registers,
  });
  const stepDuration = new Histogram({
    name: 'pennygrad_step_duration_seconds',
    help: 'Time from one commit to the next.',
    buckets: [...stepBuckets],
    registers,
  });
  const phaseDuration = new Histogram({
    name: 'pennygrad_step_phase_duration_seconds',
    help: `Time a worker spent in a phase of a step; phase is ${phaseNames.join(', ')}.`,
    labelNames: ['phase'],
    buckets: [...phaseBuckets],
    registers,
  });
  const speed = new Gauge({
    name: 'pennygrad_samples_per_second',
    help: 'Training samples per second of all workers, over the epoch so far; absent once the run has ended.',
    registers,
    collect: showSpeed,
  });
  const epochNumber = new Gauge({
    name: 'pennygrad_epoch',
    help: 'The epoch in progress, counted from 1; 0 before the first.',
    registers,
  });
  const phases = new Map(phaseNames.map((phase) => [phase, phaseDuration.labels({ phase })]));
  let totals = beginEpoch(0);
  /** The epoch has a step, and the run goes on. */
  let hasStepped = false;

  // Only what is read has to be set, and what stays until the next step.
  function showSpeed(): void {
    if (hasStepped) speed.set(epochMeans(totals).samplesPerSecond);
  }

  return (event) => {
    switch (event.type) {
      case 'epoch-begun':
        epochNumber.set(event.epoch + 1);
        showSpeed();
        hasStepped = false;
        totals = beginEpoch(event.epoch);
        break;
      case 'step':
        steps.inc();
        if (event.skipped !== undefined) skipped.inc();
        samples.inc(event.samples);
        stepDuration.observe(event.seconds);
        for (const member of event.members) {
          for (const [phase, histogram] of phases) histogram.observe(member.phases[phase]);
        }
        totals = addStep(totals, event);
        hasStepped = true;
        break;
      case 'ended':
        hasStepped = false;
        speed.remove();
        break;
    }
  };
};
