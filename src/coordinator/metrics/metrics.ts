/**
 * The metrics of a run, in two registries: the application's own, all named `pennygrad_…`, with one collector a file; and
 * prom-client's default metrics of the process.
 *
 * Every series of the application's names its run. Another run on the same port then has series of its own, and a run that
 * is both scraped and pushed, or resumed elsewhere, is still known as one.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { RunObserver } from '../run-events.ts';
import type { Collector, ObservedRun } from './collector.ts';
import { createBalanceMetrics } from './collectors/balance-metrics.ts';
import { createBudgetMetrics } from './collectors/budget-metrics.ts';
import { createCheckpointMetrics } from './collectors/checkpoint-metrics.ts';
import { createCostMetrics } from './collectors/cost-metrics.ts';
import { createCostRateMetrics } from './collectors/cost-rate-metrics.ts';
import { createGpuMetrics } from './collectors/gpu-metrics.ts';
import { createInterruptionMetrics } from './collectors/interruption-metrics.ts';
import { createLearningMetrics } from './collectors/learning-metrics.ts';
import { createProjectionMetrics } from './collectors/projection-metrics.ts';
import { createRunMetrics } from './collectors/run-metrics.ts';
import { createScalingMetrics } from './collectors/scaling-metrics.ts';
import { createStepMetrics } from './collectors/step-metrics.ts';
import { createStragglerMetrics } from './collectors/straggler-metrics.ts';
import { createTimeMetrics } from './collectors/time-metrics.ts';
import { createTrafficMetrics } from './collectors/traffic-metrics.ts';
import { createWorkerMetrics } from './collectors/worker-metrics.ts';
import { createHealth, type HealthReport } from './endpoint/health.ts';

const collectors: readonly Collector[] = [
  createRunMetrics,
  createStepMetrics,
  createLearningMetrics,
  createCheckpointMetrics,
  createWorkerMetrics,
  createTimeMetrics,
  createBalanceMetrics,
  createStragglerMetrics,
  createTrafficMetrics,
  createScalingMetrics,
  createCostMetrics,
  createCostRateMetrics,
  createInterruptionMetrics,
  createBudgetMetrics,
  createProjectionMetrics,
  createGpuMetrics,
];

export interface Metrics {
  readonly application: Registry;
  readonly process: Registry;
  readonly health: HealthReport;
  /** Updates all metrics and the health report. */
  readonly observe: RunObserver;
}

export function createMetrics(run: ObservedRun): Metrics {
  const application = new Registry();
  application.setDefaultLabels({ run_id: run.runId });
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  const health = createHealth(run.runId);
  const observers = [health.observe, ...collectors.map((collect) => collect(application, run))];
  return {
    application,
    process,
    health,
    observe(event) {
      for (const observe of observers) observe(event);
    },
  };
}
