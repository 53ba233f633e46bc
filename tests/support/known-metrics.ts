import { createMetrics } from '../../src/coordinator/metrics/metrics.ts';
import { createOwnMetrics } from '../../src/worker/metrics/own-metrics.ts';
import { observedRun } from './observed-run.ts';

/** Gauges of a run that has a budget. */
const withABudget = ['pennygrad_budget_usd'];

/** Every series name that a run or a worker can have, `_bucket`, `_sum` and `_count` of histograms included. */
export function knownSeriesNames(): ReadonlySet<string> {
  const registries = [
    createMetrics(observedRun).application,
    createOwnMetrics('w0', () => process.memoryUsage()).application,
  ];
  const names = registries.flatMap((registry) =>
    registry.getMetricsAsArray().flatMap((metric) => {
      const { name, type } = metric as unknown as { name: string; type: string };
      return type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name];
    }),
  );
  return new Set([...names, ...withABudget]);
}

/** The names of pennygrad's metrics in an expression, without what rules have recorded. */
export function seriesNamesIn(expression: string): readonly string[] {
  return expression.match(/(?<![\w:])pennygrad_\w+(?!\w*:)/g) ?? [];
}
