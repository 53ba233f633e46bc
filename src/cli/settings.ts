/**
 * The settings of a run: one table from which the help, the flags, the environment, the config file and the checks are
 * made, so that they cannot disagree. A flag beats the environment, which beats the file, which beats the default.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import type { Options } from 'yargs';
import { z } from 'zod';
import { balanceModes } from '../coordinator/training/share-balance.ts';
import { engineNames } from '../engine/engine.ts';
import { allReduceNames } from '../shared/collectives/registry.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { describeGiven } from '../shared/core/given-value.ts';
import { modelNames, optimizerNames } from '../shared/model/model-spec.ts';
import { maxWorldSize } from '../shared/protocol/limits.ts';

interface Setting {
  readonly describe: string;
  readonly schema: z.ZodType;
  /** A switch, or text for the check to read, so that it can quote what was typed. */
  readonly type: 'string' | 'boolean';
  /** May be given more than once: the schema then takes a list as well. */
  readonly repeatable?: true;
  /** Shown in the help. */
  readonly defaultText?: string;
}

// A flag without a value comes as '', which Number would read as 0.
const number = z
  .union([z.number(), z.string().min(1, 'a number')], 'a number')
  .transform(Number)
  .pipe(z.number('a number'));
const integer = (min: number, max: number) =>
  number.pipe(z.int('a whole number').min(min, `at least ${min}`).max(max, `at most ${max}`));
export const positive = number.pipe(z.number().positive('greater than 0'));
const choice = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, `one of ${names.join(', ')}`);
const path = z.string().min(1, 'a path');

const httpUrl = z.url({ protocol: /^https?$/, error: 'an http(s) URL' });
const flag = z.union(
  [z.boolean(), z.enum(['true', 'false', '1', '0']).transform((v) => v === 'true' || v === '1')],
  'true or false',
);

/** Where data comes from: needed by every command that reads a dataset. */
export const dataSettings = {
  dataDir: {
    type: 'string',
    describe: 'Folder with the four IDX files of the dataset, gzipped or not',
    schema: path.optional(),
  },
  cacheDir: { type: 'string', describe: "Where downloads are kept (the user's cache folder)", schema: path.optional() },
  mirrors: {
    type: 'string',
    describe: 'URLs of folders to download IDX files from, separated by commas',
    schema: z
      .string()
      .transform((list) => list.split(',').map((url) => url.trim()))
      .pipe(z.array(z.url({ protocol: /^https?$/, error: 'http(s) URLs separated by commas' })))
      .optional(),
  },
} as const satisfies Record<string, Setting>;

/** Of the commands that run workers. */
export const workerMetricsSetting = {
  type: 'string',
  describe: "Port of a worker's own /metrics; further local workers take the ports after it; 0 picks free ones",
  schema: integer(0, 65_535).optional(),
} as const satisfies Setting;

export const trainSettings = {
  workers: {
    type: 'string',
    describe: 'World size: how many workers share each step',
    defaultText: '2',
    schema: integer(1, maxWorldSize).default(2),
  },
  backend: {
    type: 'string',
    describe: `${engineNames.join(', ')}, or auto: the fastest that works here`,
    defaultText: 'auto',
    schema: choice(['auto', ...engineNames]).default('auto'),
  },
  threads: {
    type: 'string',
    describe: 'Cores that each worker computes on, with backend wasm or tensorflow',
    defaultText: '1; tensorflow: an even part of them',
    schema: integer(1, 256).optional(),
  },
  dataset: {
    type: 'string',
    describe: 'mnist, fashion-mnist, kmnist, digits (generated), or a folder of four IDX files',
    defaultText: 'mnist',
    schema: z.string().min(1, 'a name or a folder').optional(),
  },
  ...dataSettings,
  model: {
    type: 'string',
    describe: modelNames.join(', '),
    defaultText: 'cnn',
    schema: choice(modelNames).default('cnn'),
  },
  epochs: {
    type: 'string',
    describe: 'Passes over the data',
    defaultText: '5',
    schema: integer(1, 100_000).default(5),
  },
  steps: { type: 'string', describe: 'Stop after so many steps', schema: integer(1, 1e9).optional() },
  batchSize: {
    type: 'string',
    describe: 'Samples a step over all workers (global batch)',
    defaultText: '64',
    schema: integer(1, 1 << 20).default(64),
  },
  optimizer: {
    type: 'string',
    describe: optimizerNames.join(', '),
    defaultText: 'adam',
    schema: choice(optimizerNames).default('adam'),
  },
  lr: { type: 'string', describe: 'Learning rate', defaultText: '0.001', schema: positive.default(0.001) },
  seed: {
    type: 'string',
    describe: 'Decides the initial parameters and the order of samples',
    defaultText: '1',
    schema: integer(0, 2 ** 32 - 1).default(1),
  },
  allReduce: {
    type: 'string',
    describe: `How gradients are summed: ${allReduceNames.join(', ')}, or auto`,
    defaultText: 'auto',
    schema: choice(['auto', ...allReduceNames]).default('auto'),
  },
  balance: {
    type: 'string',
    describe: 'Shares follow measured speed: on, off, or auto: when the workers are not all alike',
    defaultText: 'auto',
    schema: choice(balanceModes).default('auto'),
  },
  timeout: {
    type: 'string',
    describe: 'Seconds in which a worker must arrive, and after which a dead or frozen one ends the run',
    defaultText: '30',
    schema: number.pipe(z.number().min(1, 'at least 1').max(86_400, 'at most 86400')).default(30),
  },
  price: {
    type: 'string',
    describe: 'What a worker costs, in USD per hour',
    schema: number.pipe(z.number().min(0, 'at least 0')).optional(),
  },
  budgetUsd: {
    type: 'string',
    describe: 'End resumably once all workers together have cost so many USD',
    schema: positive.optional(),
  },
  budgetHours: {
    type: 'string',
    describe: 'End resumably once the run has taken so many hours',
    schema: positive.optional(),
  },
  targetAccuracy: {
    type: 'string',
    describe: 'End after the test pass that first has it, 0 to 1',
    schema: number.pipe(z.number().gt(0, 'greater than 0').max(1, 'at most 1')).optional(),
  },
  metricsPort: {
    type: 'string',
    describe: 'Port of the live page, /metrics and /healthz; 0 picks one',
    defaultText: '9464',
    schema: integer(0, 65_535).optional(),
  },
  metricsHost: {
    type: 'string',
    describe: 'Address that the metrics ports listen on',
    defaultText: '127.0.0.1',
    schema: z.string().min(1, 'an address').default('127.0.0.1'),
  },
  pushgateway: {
    type: 'string',
    describe: 'Leave the last metrics with the Prometheus Pushgateway at this URL',
    schema: httpUrl.optional(),
  },
  otlp: {
    type: 'string',
    describe: 'Export metrics to the OpenTelemetry receiver at this base URL, over HTTP',
    defaultText: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    schema: httpUrl.optional(),
  },
  lastScrape: {
    type: 'string',
    describe: 'Seconds, at most, that the end waits for whoever scrapes /metrics to do so once more; 0: not at all',
    defaultText: '60',
    schema: number.pipe(z.number().min(0, 'at least 0').max(3600, 'at most 3600')).default(60),
  },
  out: { type: 'string', describe: 'Run folder', defaultText: 'runs/<run-id>', schema: path.optional() },
  resume: {
    type: 'string',
    describe: 'Go on with the run in this folder, from its last checkpoint and with its settings',
    schema: path.optional(),
  },
  json: { type: 'boolean', describe: 'One JSON object a line on stdout', schema: flag.default(false) },
  quiet: { type: 'boolean', describe: 'No progress, only the summary', schema: flag.default(false) },
} as const satisfies Record<string, Setting>;

/** For studies of workers that are not alike, where they are: needed by no run that counts. */
export const dutySetting = {
  type: 'string',
  describe: 'Emulate a slower worker: the part of its computing time in which it computes, above 0 and up to 1',
  schema: positive.pipe(z.number().max(1, 'at most 1')).optional(),
} as const satisfies Setting;

type Parsed<Table extends Record<string, Setting>> = { readonly [Key in keyof Table]: z.output<Table[Key]['schema']> };
export type DataSettings = Parsed<typeof dataSettings>;
export type TrainSettings = Parsed<typeof trainSettings>;

/**
 * The table as yargs options. Defaults are shown but not set: only flags that were typed may beat the other layers.
 * What is not a switch has no type: yargs would show every value as a string, which numbers and choices only are here.
 */
export function yargsOptions(table: Record<string, Setting>): Record<string, Options> {
  return Object.fromEntries(
    Object.entries(table).map(([key, { describe, type, defaultText }]) => [
      kebab(key),
      {
        describe,
        ...(type === 'boolean' ? { type } : { requiresArg: true }),
        ...(defaultText === undefined ? {} : { defaultDescription: defaultText }),
      },
    ]),
  );
}

type Layers = readonly [
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  file: { readonly path: string; readonly values: Readonly<Record<string, unknown>> } | undefined,
];

/** What the first layer that has a setting says of it, and where; undefined where the default holds. */
function findGiven(key: string, ...[flags, environment, file]: Layers) {
  const variable = `PENNYGRAD_${kebab(key).replaceAll('-', '_').toUpperCase()}`;
  const inFile = Object.entries(file?.values ?? {}).find(([name]) => camel(name) === key);
  const layers = [
    { from: `--${kebab(key)}`, value: flags[key] },
    { from: variable, value: environment[variable] },
    { from: `${file?.path}: ${kebab(key)}`, value: inFile?.[1] },
  ];
  return layers.find(({ value }) => value !== undefined);
}

/** Whether any layer says something of any of these settings. */
export function areAnyGiven(keys: readonly string[], ...layers: Layers): boolean {
  return keys.some((key) => findGiven(key, ...layers) !== undefined);
}

/**
 * Settings from their layers, checked.
 * @throws bad-input naming the flag (or the variable, or the file's key), the value, and what it must be
 */
export function resolveSettings<Table extends Record<string, Setting>>(
  table: Table,
  ...[flags, environment, file]: Layers
): Parsed<Table> {
  const unknown = Object.keys(file?.values ?? {}).find((key) => !(camel(key) in table));
  if (file !== undefined && unknown !== undefined) {
    throw badInput(`${file.path}: unknown key '${unknown}'; valid keys: ${Object.keys(table).map(kebab).join(', ')}`);
  }
  const settings: Record<string, unknown> = {};
  for (const [key, { schema, repeatable }] of Object.entries(table)) {
    const given = findGiven(key, flags, environment, file);
    if (Array.isArray(given?.value) && repeatable !== true) throw badInput(`${given.from} is given more than once`);
    const parsed = schema.safeParse(given?.value);
    if (!parsed.success) {
      const wanted = parsed.error.issues.map(({ message }) => message).at(-1);
      if (given === undefined) throw badInput(`--${kebab(key)} is required: ${wanted}`);
      throw badInput(`${given.from} must be ${wanted}, got ${describeGiven(given.value)}`);
    }
    settings[key] = parsed.data;
  }
  return settings as Parsed<Table>;
}

/** `--config`, of the commands that have many settings. */
export const configOption = {
  config: { describe: 'YAML or JSON file of these settings', requiresArg: true },
} as const satisfies Record<string, Options>;

/** The layers of a command that has `--config`, as `resolveSettings` takes them. */
export function readLayers(argv: Readonly<Record<string, unknown>>) {
  const path = argv.config ?? process.env.PENNYGRAD_CONFIG;
  const file = typeof path === 'string' ? readConfigFile(path) : undefined;
  return [argv, process.env, file] as const;
}

/** A YAML or JSON file of settings. @throws bad-input when it cannot be read or is no map */
export function readConfigFile(file: string): { path: string; values: Record<string, unknown> } {
  if (!existsSync(file)) throw badInput(`--config ${file}: no such file`);
  let values: unknown;
  try {
    values = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    throw badInput(`--config ${file}: ${messageOf(error).split('\n')[0]}`, error);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw badInput(`--config ${file}: must hold a map of settings, for example 'epochs: 5'`);
  }
  return { path: file, values: values as Record<string, unknown> };
}

/** A setting's name as a flag: `batchSize` as `batch-size`. */
export function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function camel(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
