/** The settings of `train`: those of a run, and of the workers that it starts. */
import { engineSettings } from './engine-settings.ts';
import { pricesSetting } from './price-settings.ts';
import { runSettings } from './run-settings.ts';
import { type Parsed, type SettingsTable, without, withoutDefault } from './setting.ts';
import { workerSetting } from './worker-entries.ts';
import { workerMetricsSetting, workerSettings } from './worker-settings.ts';

export const trainSettings = {
  // With `--worker` the number of workers need not be given as well.
  workers: { ...withoutDefault(runSettings.workers), defaultText: runSettings.workers.defaultText },
  ...engineSettings,
  ...without(runSettings, 'workers'),
  worker: workerSetting,
  prices: pricesSetting,
  workerMetrics: workerMetricsSetting,
} as const satisfies SettingsTable;

/** With the workers counted. */
export type TrainSettings = Omit<Parsed<typeof trainSettings>, 'workers'> & { readonly workers: number };

/** What a local worker is told by `train`; everything else it takes from the coordinator. */
export const localWorkerSettings = without(workerSettings, 'id', 'model', 'seed');
