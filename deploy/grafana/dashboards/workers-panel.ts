/** How many workers a run has, as two dashboards show it. */
import type { Panel } from './panel.ts';
import { now } from './promql.ts';

export const workersPanel: Panel = {
  kind: 'now',
  title: 'Workers',
  unit: 'none',
  width: 6,
  description: 'Number of workers in the run.',
  queries: [{ expr: now('pennygrad_world_size'), legend: '{{run_id}}' }],
};
