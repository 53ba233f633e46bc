/** The settings of one worker's process. */
import { z } from 'zod';
import { dataSettings } from './data-settings.ts';
import { engineSettings } from './engine-settings.ts';
import { membershipSettings } from './membership-settings.ts';
import { observabilitySettings } from './observability-settings.ts';
import { gpuSetting, pricesSetting } from './price-settings.ts';
import { port, positive } from './schemas.ts';
import { type Parsed, type Setting, type SettingsTable, withoutDefault } from './setting.ts';
import { trainingSettings } from './training-settings.ts';

/** Of the commands that run workers. */
export const workerMetricsSetting = {
  type: 'string',
  describe: "Port of a worker's own /metrics; further local workers take the ports after it; 0 picks free ones",
  schema: port.optional(),
} as const satisfies Setting;

/** For studies of workers that are not alike, where they are: needed by no run that counts. */
export const dutySetting = {
  type: 'string',
  describe: 'Emulate a slower worker: the part of its computing time in which it computes, above 0 and up to 1',
  schema: positive.pipe(z.number().max(1, 'at most 1')).optional(),
} as const satisfies Setting;

/** A worker takes its task from the coordinator; what it is told here it insists on. */
export const workerSettings = {
  connect: {
    type: 'string',
    describe: "The coordinator's address, tcp://HOST:PORT",
    schema: z.string({ error: 'the address of a coordinator, tcp://HOST:PORT' }).regex(/^(tcp|ipc):\/\/.+/, {
      error: 'tcp://HOST:PORT',
    }),
  },
  id: {
    type: 'string',
    describe: 'Name of this worker, unique in the run; ranks follow the names',
    defaultText: 'HOST-PID',
    schema: z.string().min(1).max(200).optional(),
  },
  ...engineSettings,
  threads: {
    ...engineSettings.threads,
    describe: 'Cores to compute on, with backend wasm or tensorflow',
    defaultText: '1; tensorflow: all',
  },
  ...dataSettings,
  dataset: {
    ...dataSettings.dataset,
    describe: 'Where this host has the dataset, if not where the coordinator has it; it must be the same data',
    defaultText: "the coordinator's",
  },
  model: {
    ...withoutDefault(trainingSettings.model),
    defaultText: "the coordinator's",
    describe: 'Refuse to train any other model',
  },
  seed: {
    ...withoutDefault(trainingSettings.seed),
    defaultText: "the coordinator's",
    describe: 'Refuse to train with any other seed',
  },
  timeout: { ...membershipSettings.timeout, describe: 'Seconds of silence after which the coordinator is given up' },
  workerMetrics: workerMetricsSetting,
  metricsHost: observabilitySettings.metricsHost,
  price: {
    ...membershipSettings.price,
    describe: "What this worker costs, in USD per hour (else the coordinator's --price)",
  },
  duty: dutySetting,
  gpu: gpuSetting,
  prices: pricesSetting,
} as const satisfies SettingsTable;

export type WorkerConfig = Parsed<typeof workerSettings>;
