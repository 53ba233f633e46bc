/** `--resume RUN`: a resumed run has its own settings, and only some of them may change. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { printSettings } from '../settings/output-settings.ts';
import { kebab, resolveSettings, variable } from '../settings/resolve-settings.ts';
import type { SettingsTable } from '../settings/setting.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import { firstProblem } from '../shared/core/first-problem.ts';
import { printable } from '../shared/core/printable.ts';
import type { Dataset, DatasetInfo } from '../shared/data/dataset.ts';
import { readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';
import { readLayers } from './config-layers.ts';
import { recordedDataset, recordedPath } from './recorded-paths.ts';

export interface ResumedRun {
  readonly folder: string;
  readonly runId: string;
  readonly startedAtUnixMs: number;
  /** The name is as this process must call it. */
  readonly dataset: Pick<DatasetInfo, 'name' | 'digest'>;
}

/** What a command prints is decided each time. */
const notInherited: readonly string[] = [...Object.keys(printSettings), 'resume', 'out'];

const configSchema = z.object({
  run_id: z.string().overwrite(printable),
  started_at: z.iso.datetime(),
  /** Where the run was started, from which its paths are meant. Older versions did not write it. */
  directory: z.string().optional(),
  settings: z.record(z.string(), z.unknown()),
  dataset: z.object({ name: z.string().overwrite(printable), digest: z.string() }),
});

/**
 * The settings of a command that trains: from its layers; with `--resume`, from the run's `config.json` and what the
 * flags and the environment change of it.
 * @throws bad-input naming the setting that may not change, or what is wrong with the folder
 */
export function resolveRunSettings<Table extends SettingsTable>(table: Table, argv: Readonly<Record<string, unknown>>) {
  const [flags, environment, file] = readLayers(argv);
  const resume = flags.resume ?? variable(environment, 'resume') ?? file?.values.resume;
  if (typeof resume !== 'string') {
    return { settings: resolveSettings(table, flags, environment, file), resumed: undefined };
  }
  if (file !== undefined) throw badInput('--resume takes the settings of the run; leave --config out');
  const { path, config } = readRunConfig(resume);
  const values = inherited(config, table, flags);
  const settings = resolveSettings(table, flags, environment, { path, values });
  const asked: Readonly<Record<string, unknown>> = settings;
  const kept = Object.keys(table).filter((key) => table[key]?.keptOnResume);
  // A run of an older version was as a setting that it did not know is by default.
  const own = Object.fromEntries(
    kept.map((key) => [key, config.settings[key] ?? table[key]?.schema.safeParse(undefined).data]),
  );
  const changed = kept.find((key) => asked[key] !== undefined && asked[key] !== own[key]);
  if (changed !== undefined) {
    throw badInput(
      `--${kebab(changed)} ${String(asked[changed])}: a resumed run keeps its own ` +
        `(${own[changed] === undefined ? 'it had none' : String(own[changed])}); these cannot change: ` +
        kept.map(kebab).join(', '),
    );
  }
  const out = flags.out ?? variable(environment, 'out');
  if (typeof out === 'string' && resolve(out) !== resolve(resume)) {
    throw badInput(`--out ${out}: a resumed run stays in its folder, ${resume}`);
  }
  const resumed: ResumedRun = {
    folder: resume,
    runId: config.run_id,
    startedAtUnixMs: Date.parse(config.started_at),
    dataset: { name: recordedDataset(config.dataset.name, config.directory), digest: config.dataset.digest },
  };
  return { settings, resumed };
}

/**
 * Loads the data that the run was trained on. What it is called does not matter: its digest does.
 * @param load loads the dataset that the settings name, or the run's own
 * @throws bad-input when it is not there or is other data, with the flag that names it and the digest that it must have
 */
export async function loadRunData(
  { folder, dataset }: ResumedRun,
  load: (name: string) => Promise<Dataset>,
): Promise<Dataset> {
  const advice = `name the run's data with --dataset or --data-dir; the digest of its data is ${dataset.digest}`;
  const loaded = await load(dataset.name).catch((error: unknown) => {
    throw error instanceof PennygradError ? badInput(`${error.message}; ${advice}`, error) : error;
  });
  if (loaded.digest === dataset.digest) return loaded;
  throw badInput(
    `${folder}: was trained on other data (${dataset.name}) than ${loaded.name} is now (digest ${loaded.digest}); ${advice}`,
  );
}

function readRunConfig(folder: string) {
  const path = join(folder, 'config.json');
  if (!existsSync(path))
    throw badInput(`--resume ${folder}: there is no run (no config.json); name the folder of a run`);
  const text = readBoundedText(path, fileLimits.settings);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badInput(`${path}: ${messageOf(error)}`, error);
  }
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return { path, config: parsed.data };
  throw badInput(`${path}: ${firstProblem(parsed.error)}`);
}

/** The settings as a config file would have them. `--workers` replaces the run's `worker` entries, and vice versa. */
function inherited(
  { settings, directory }: Pick<z.output<typeof configSchema>, 'settings' | 'directory'>,
  table: SettingsTable,
  flags: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const dropped = [
    ...notInherited,
    ...(flags.workers === undefined ? [] : ['worker']),
    ...(flags.worker === undefined ? [] : ['workers']),
  ];
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([key]) => Object.hasOwn(table, key) && !dropped.includes(key))
      .map(([key, value]) => [key, asGiven(key, value)]),
  );

  function asGiven(key: string, value: unknown): unknown {
    if (Array.isArray(value)) return table[key]?.repeatable ? value : value.join(',');
    if (typeof value !== 'string') return value;
    if (key === 'dataset') return recordedDataset(value, directory);
    return table[key]?.isPath ? recordedPath(value, directory) : value;
  }
}
