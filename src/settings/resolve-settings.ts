/** Values for a table of settings. A flag beats the environment, which beats the config file, which beats the default. */
import { badInput } from '../shared/core/errors.ts';
import { describeGiven } from '../shared/core/given-value.ts';
import type { Parsed, Setting, SettingsTable } from './setting.ts';

export type Layers = readonly [
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
  file: { readonly path: string; readonly values: Readonly<Record<string, unknown>> } | undefined,
];

/** The value in the first layer that has the setting, and where it is; undefined where no layer has it. */
function findGiven(key: string, ...[flags, environment, file]: Layers) {
  const inFile = Object.entries(file?.values ?? {}).find(([name]) => camel(name) === key);
  const layers = [
    { from: `--${kebab(key)}`, value: flags[key] },
    { from: variableOf(key), value: variable(environment, key) },
    { from: `${file?.path}: ${kebab(key)}`, value: inFile?.[1] },
  ];
  return layers.find(({ value }) => value !== undefined);
}

/** Whether any layer has any of these settings. */
export function areAnyGiven(keys: readonly string[], ...layers: Layers): boolean {
  return keys.some((key) => findGiven(key, ...layers) !== undefined);
}

/**
 * Takes each setting of the table from the first layer that has it, and checks it.
 * @throws bad-input naming the flag, variable or file key, the value, and what it must be
 */
export function resolveSettings<Table extends SettingsTable>(
  table: Table,
  ...[flags, environment, file]: Layers
): Parsed<Table> {
  const unknown = Object.keys(file?.values ?? {}).find((key) => !Object.hasOwn(table, camel(key)));
  if (file !== undefined && unknown !== undefined) {
    throw badInput(`${file.path}: unknown key '${unknown}'; valid keys: ${Object.keys(table).map(kebab).join(', ')}`);
  }
  const settings: Record<string, unknown> = {};
  for (const [key, { schema, repeatable }] of Object.entries(table)) {
    const given = findGiven(key, flags, environment, file);
    if (Array.isArray(given?.value) && repeatable !== true) {
      const isFlag = given.value === flags[key];
      throw badInput(isFlag ? `${given.from} is given more than once` : `${given.from} must be one value, got a list`);
    }
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

/** A setting's name as a flag: `batchSize` as `batch-size`. */
export function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A setting's name as an environment variable: `batchSize` as `PENNYGRAD_BATCH_SIZE`. */
export function variableOf(key: string): string {
  return `PENNYGRAD_${kebab(key).replaceAll('-', '_').toUpperCase()}`;
}

/** The variable of a setting. Compose files and CI systems set one that has no value to the empty text. */
export function variable(environment: Readonly<Record<string, string | undefined>>, key: string): string | undefined {
  return environment[variableOf(key)] || undefined;
}

/**
 * Settings as flags for another command of this program. Settings that are undefined, and switches that are off, are
 * left out.
 */
export function argumentsOf(table: SettingsTable, values: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(table).flatMap((key) => {
    const value = asGiven(table[key], values[key]);
    if (value === undefined || value === false) return [];
    return [`--${kebab(key)}`, ...(value === true ? [] : [Array.isArray(value) ? value.join(',') : String(value)])];
  });
}

/**
 * Reads what `argumentsOf` writes: flags of the table, each once, and their values as the next argument.
 * @returns the values as they were given, by setting; undefined for any other arguments
 */
export function argumentsIn(
  table: SettingsTable,
  args: readonly string[],
): Readonly<Record<string, string | boolean>> | undefined {
  const flags: Record<string, string | boolean> = {};
  for (let at = 0; at < args.length; at++) {
    const key = camel((args[at] ?? '').replace(/^--/, ''));
    if (args[at] !== `--${kebab(key)}` || !Object.hasOwn(table, key) || Object.hasOwn(flags, key)) return undefined;
    if (table[key]?.type === 'boolean') {
      flags[key] = true;
      continue;
    }
    at += 1;
    const value = args[at];
    if (value === undefined || value.startsWith('-')) return undefined;
    flags[key] = value;
  }
  return flags;
}

/** The values as `config.json` keeps them: as they may be given again. What the table has not is kept as it is. */
export function writtenSettings(
  table: SettingsTable,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, asGiven(table[key], value)]));
}

function asGiven(setting: Setting | undefined, value: unknown): unknown {
  return value === undefined || setting?.format === undefined ? value : setting.format(value);
}

/** A flag's name as a setting: `batch-size` as `batchSize`. */
export function camel(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
