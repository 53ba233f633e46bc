/** `--resume RUN`: a resumed run has its own settings, and only some of them may change. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { printSettings } from '../settings/output-settings.ts';
import { kebab, resolveSettings } from '../settings/resolve-settings.ts';
import type { SettingsTable } from '../settings/setting.ts';
import { badInput, messageOf } from '../shared/core/errors.ts';
import { firstProblem } from '../shared/core/first-problem.ts';
import { printable } from '../shared/core/printable.ts';
import type { DatasetInfo } from '../shared/data/dataset.ts';
import { readBoundedText } from '../shared/files/bounded-file.ts';
import { fileLimits } from '../shared/files/file-limits.ts';
import { readLayers } from './config-layers.ts';

export interface ResumedRun {
  readonly folder: string;
  readonly runId: string;
  readonly startedAtUnixMs: number;
  readonly dataset: Pick<DatasetInfo, 'name' | 'digest'>;
}

/** What a command prints is decided each time. */
const notInherited: readonly string[] = [...Object.keys(printSettings), 'resume'];

const configSchema = z.object({
  run_id: z.string().overwrite(printable),
  started_at: z.iso.datetime(),
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
  const resume = flags.resume ?? (environment.PENNYGRAD_RESUME || undefined) ?? file?.values.resume;
  if (typeof resume !== 'string') {
    return { settings: resolveSettings(table, flags, environment, file), resumed: undefined };
  }
  if (file !== undefined) throw badInput('--resume takes the settings of the run; leave --config out');
  const { path, config } = readRunConfig(resume);
  const values = inherited(config.settings, table, flags);
  const settings = resolveSettings(table, flags, environment, { path, values });
  const asked: Readonly<Record<string, unknown>> = settings;
  const own: Readonly<Record<string, unknown>> = { dataset: config.dataset.name, ...config.settings };
  const kept = Object.keys(table).filter((key) => table[key]?.keptOnResume);
  const changed = kept.find((key) => asked[key] !== undefined && asked[key] !== own[key]);
  if (changed !== undefined) {
    throw badInput(
      `--${kebab(changed)} ${String(asked[changed])}: a resumed run keeps its own ` +
        `(${own[changed] === undefined ? 'it had none' : String(own[changed])}); these cannot change: ` +
        kept.map(kebab).join(', '),
    );
  }
  const resumed: ResumedRun = {
    folder: resume,
    runId: config.run_id,
    startedAtUnixMs: Date.parse(config.started_at),
    dataset: config.dataset,
  };
  return { settings, resumed };
}

/** @throws bad-input when the dataset's name now stands for other data */
export function requireSameData({ folder, dataset }: ResumedRun, { name, digest }: DatasetInfo): void {
  if (digest === dataset.digest) return;
  throw badInput(`${folder}: was trained on other data (${dataset.name}) than ${name} is now, so it cannot be resumed`);
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
  settings: Readonly<Record<string, unknown>>,
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
      .map(([key, value]) => [key, Array.isArray(value) && !table[key]?.repeatable ? value.join(',') : value]),
  );
}
