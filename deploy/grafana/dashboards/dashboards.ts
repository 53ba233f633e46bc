import { cost } from './cost.ts';
import type { DashboardSpec } from './panel.ts';
import { runOverview } from './run-overview.ts';
import { scaling } from './scaling.ts';
import { workers } from './workers.ts';

export const dashboards: readonly DashboardSpec[] = [runOverview, cost, scaling, workers];
