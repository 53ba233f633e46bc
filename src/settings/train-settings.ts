/** The settings of `train`: those of the run, and those of the workers that it starts. */
import { engineSettings } from './engine-settings.ts';
import type { FleetSize } from './fleet-size.ts';
import { pricesSetting } from './price-settings.ts';
import { runSettings } from './run-settings.ts';
import { integer } from './schemas.ts';
import { type Parsed, type SettingsTable, without, withoutDefault } from './setting.ts';
import { simulatePreemptionsSetting } from './simulated-preemptions.ts';
import { workerSetting } from './worker-entries.ts';
import { workerMetricsSetting, workerSettings } from './worker-settings.ts';

export const trainSettings = {
  // No default: `--worker` may decide the number of workers instead.
  workers: { ...withoutDefault(runSettings.workers), defaultText: runSettings.workers.defaultText },
  ...engineSettings,
  ...without(runSettings, 'workers'),
  worker: workerSetting,
  restarts: {
    type: 'string',
    describe: 'How often a worker whose process died is started again; 0: never',
    defaultText: '3',
    schema: integer(0, 100_000).default(3),
  },
  simulatePreemptions: simulatePreemptionsSetting,
  prices: pricesSetting,
  workerMetrics: workerMetricsSetting,
} as const satisfies SettingsTable;

/** The values once the workers are counted. */
export type TrainSettings = Omit<Parsed<typeof trainSettings>, 'workers'> & { readonly workers: FleetSize };

/** What `train` tells its local workers. The coordinator tells them the rest. */
export const localWorkerSettings = without(workerSettings, 'id', 'model', 'seed');
