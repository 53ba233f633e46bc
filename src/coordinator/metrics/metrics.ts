/**
 * What a run tells Prometheus. Two registries: the application's own metrics, all named `pennygrad_…`, one collector a
 * file; and the process's defaults under the names that every Node.js program has.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type BudgetMetrics, createBudgetMetrics } from './collectors/budget-metrics.ts';
import { type CostMetrics, createCostMetrics } from './collectors/cost-metrics.ts';
import { createGpuMetrics, type GpuMetrics } from './collectors/gpu-metrics.ts';
import { createLearningMetrics, type LearningMetrics } from './collectors/learning-metrics.ts';
import { createRunMetrics, type RunMetrics } from './collectors/run-metrics.ts';
import { createScalingMetrics, type ScalingMetrics } from './collectors/scaling-metrics.ts';
import { createStepMetrics, type StepMetrics } from './collectors/step-metrics.ts';
import { createTrafficMetrics, type TrafficMetrics } from './collectors/traffic-metrics.ts';
import { createWorkerMetrics, type WorkerMetrics } from './collectors/worker-metrics.ts';
import { createHealth, type HealthReport } from './endpoint/health.ts';

export interface Metrics
  extends RunMetrics,
    StepMetrics,
    LearningMetrics,
    WorkerMetrics,
    TrafficMetrics,
    ScalingMetrics,
    CostMetrics,
    BudgetMetrics,
    GpuMetrics {
  readonly application: Registry;
  readonly process: Registry;
  readonly health: HealthReport;
}

export function createMetrics(): Metrics {
  const application = new Registry();
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  return {
    application,
    process,
    health: createHealth(),
    ...createRunMetrics(application),
    ...createStepMetrics(application),
    ...createLearningMetrics(application),
    ...createWorkerMetrics(application),
    ...createTrafficMetrics(application),
    ...createScalingMetrics(application),
    ...createCostMetrics(application),
    ...createBudgetMetrics(application),
    ...createGpuMetrics(application),
  };
}
