/** The settings of one worker's process. */
import { z } from 'zod';
import { dataSettings } from './data-settings.ts';
import { engineSettings } from './engine-settings.ts';
import { membershipSettings } from './membership-settings.ts';
import { observabilitySettings } from './observability-settings.ts';
import { gpuSetting, pricesSetting } from './price-settings.ts';
import { connectAddress, integer, listOf, port, positive, reachableHost } from './schemas.ts';
import { type Parsed, type Setting, type SettingsTable, withoutDefault } from './setting.ts';
import { trainingSettings } from './training-settings.ts';

export const workerMetricsSetting = {
  type: 'string',
  describe:
    "Port of the worker's own /metrics; with several local workers, the first of their ports; 0 picks free ones",
  schema: port.optional(),
} as const satisfies Setting;

/** For studies of unlike workers on a machine whose workers are alike. */
export const dutySetting = {
  type: 'string',
  describe: 'Emulate a slower worker: its speed as a fraction of the real one, above 0 and up to 1',
  schema: positive.pipe(z.number().max(1, 'at most 1')).optional(),
} as const satisfies Setting;

/** The coordinator tells a worker what to train. A model or a seed given here must match it. */
export const workerSettings = {
  connect: {
    type: 'string',
    describe: 'Address of the coordinator: tcp://HOST:PORT',
    schema: connectAddress,
  },
  id: {
    type: 'string',
    describe: 'Name of this worker, unique in the run; ranks are in the order of the names',
    defaultText: 'HOST-PID',
    schema: z.string().min(1, 'a name').max(200, 'at most 200 characters long').optional(),
  },
  advertise: {
    type: 'string',
    describe:
      'Names or addresses by which other workers reach this one, separated by commas; it then listens on all of its own',
    defaultText: 'the address by which it reaches the coordinator',
    schema: listOf(reachableHost, 'gpu1.example.org,10.0.0.7')
      .pipe(z.array(z.string()).max(8, 'at most 8 names or addresses'))
      .optional(),
  },
  peerPort: {
    type: 'string',
    describe: 'Port on which this worker listens for other workers, where a firewall must know it',
    defaultText: 'a free one',
    schema: integer(1, 65_535).optional(),
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
    describe: 'Name or folder of the dataset on this host, if it differs; the data must be the same',
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
  timeout: {
    ...membershipSettings.timeout,
    describe: 'Seconds to wait for a place in the run, or for a silent coordinator, before the worker gives up',
  },
  workerMetrics: workerMetricsSetting,
  metricsHost: observabilitySettings.metricsHost,
  price: {
    ...membershipSettings.price,
    describe: 'Price of this worker in USD per hour; none: no price, and none is assumed',
    defaultText: "the coordinator's --price",
  },
  duty: dutySetting,
  gpu: gpuSetting,
  prices: pricesSetting,
} as const satisfies SettingsTable;

export type WorkerConfig = Parsed<typeof workerSettings>;
