/** `--worker backend=cpu,price=1.2,count=2`: workers that differ. Pure: from text to a list of workers. */
import { z } from 'zod';
import { badInput } from '../shared/core/errors.ts';
import { describeGiven } from '../shared/core/given-value.ts';
import { maxWorldSize } from '../shared/protocol/limits.ts';
import { type EngineConfig, engineSettings } from './engine-settings.ts';
import { type FleetSize, formatFleetSize, workerCount } from './fleet-size.ts';
import { membershipSettings } from './membership-settings.ts';
import { gpuSetting } from './price-settings.ts';
import { type Setting, withoutDefault } from './setting.ts';
import { dutySetting } from './worker-settings.ts';

/** An entry as it was given: `key=value` pairs separated by commas, or a map in the config file. */
export type WorkerEntry = string | Readonly<Record<string, unknown>>;

/** A worker to start. `--backend` and `--threads` apply where its entry does not say otherwise. */
export interface PlannedWorker {
  readonly id: string;
  readonly backend: EngineConfig['backend'];
  readonly threads: number | undefined;
  /** USD per hour; `none`: it has no price, and none is assumed; undefined where the entry does not say. */
  readonly price: number | 'none' | undefined;
  readonly duty: number | undefined;
  /** A label like `t4`, or one that has a price in the table, `gcp/t4/spot`. */
  readonly gpu: string | undefined;
}

/** The keys of an entry, checked as the flags of the same name are. */
const fields = {
  backend: withoutDefault(engineSettings.backend).schema,
  price: membershipSettings.price.schema,
  gpu: gpuSetting.schema,
  id: z.string('a name').min(1, 'a name').max(200, 'a name of at most 200 characters').optional(),
  count: workerCount.optional(),
  threads: engineSettings.threads.schema,
  duty: dutySetting.schema,
} as const;
type Fields = { readonly [Key in keyof typeof fields]: z.output<(typeof fields)[Key]> };

/** `--worker` as flag (repeated), variable (entries separated by `;`) or list in the config file. */
export const workerSetting = {
  type: 'string',
  describe: `Workers that differ, as key=value,... with the keys ${Object.keys(fields).join(', ')}; repeat it for each`,
  repeatable: true,
  schema: z
    .union(
      [z.string(), z.array(z.union([z.string(), z.record(z.string(), z.unknown())]))],
      'entries like backend=cpu,price=1.2,count=2',
    )
    .transform((value): readonly WorkerEntry[] => (typeof value === 'string' ? value.split(';') : value))
    .optional(),
} as const satisfies Setting;

/**
 * The workers that a run starts, in the order they were named. Without entries: `--workers` of `--backend`, as many as
 * its MAX. With entries `--workers` adds no more than a MIN.
 * @throws bad-input naming the entry, its field and the valid values, or two settings that disagree
 */
export function planWorkers(
  entries: readonly WorkerEntry[] | undefined,
  defaults: {
    readonly workers: FleetSize | undefined;
    readonly backend: EngineConfig['backend'];
    readonly threads?: number | undefined;
  },
): readonly PlannedWorker[] {
  const groups = entries?.map(parseEntry) ?? [{ count: defaults.workers?.max ?? 2 } as Fields];
  const total = groups.reduce((sum, { count = 1 }) => sum + count, 0);
  if (defaults.workers !== undefined && total !== defaults.workers.max) {
    throw badInput(
      `--workers ${formatFleetSize(defaults.workers)} disagrees with --worker, which names ${total}; leave --workers out, ` +
        `or give MIN:${total} if the run may go on with fewer`,
    );
  }
  if (total < 1 || total > maxWorldSize) throw badInput(`--worker names ${total} workers; 1 to ${maxWorldSize} can be`);
  const workers = groups
    .flatMap((group) => Array.from({ length: group.count ?? 1 }, () => group))
    .map(({ id, backend, threads, price, duty, gpu }, index) => ({
      id: id ?? `w${index}`,
      backend: backend ?? defaults.backend,
      threads: threads ?? defaults.threads,
      price,
      duty,
      gpu,
    }));
  const twice = workers.find(({ id }, index) => workers.findIndex((other) => other.id === id) < index);
  if (twice !== undefined) throw badInput(`--worker: two workers have the id '${twice.id}'; choose others`);
  return workers;
}

function parseEntry(entry: WorkerEntry): Fields {
  const text = typeof entry === 'string' ? entry : JSON.stringify(entry);
  const fail = (message: string) => badInput(`--worker '${text}': ${message}`);
  const pairs =
    typeof entry === 'string' ? entry.split(',').map((pair) => splitPair(pair, fail)) : Object.entries(entry);
  const parsed = new Map<string, unknown>();
  for (const [key, value] of pairs) {
    if (!isField(key)) throw fail(`unknown key '${key}'; valid keys: ${Object.keys(fields).join(', ')}`);
    if (parsed.has(key)) throw fail(`${key} is given twice`);
    const checked = fields[key].safeParse(value);
    if (!checked.success) {
      throw fail(`${key} must be ${checked.error.issues.at(-1)?.message}, got ${describeGiven(value)}`);
    }
    parsed.set(key, checked.data);
  }
  const spec = Object.fromEntries(parsed) as Fields;
  if (spec.id !== undefined && (spec.count ?? 1) > 1) throw fail('id names one worker; leave out id or count');
  return spec;
}

function splitPair(pair: string, fail: (message: string) => Error): readonly [string, string] {
  const at = pair.indexOf('=');
  if (at < 0) {
    const hint = /^\d+$/.test(pair.trim()) ? '; for a number of workers: --workers' : '';
    throw fail(`'${pair.trim()}' must be key=value; keys: ${Object.keys(fields).join(', ')}${hint}`);
  }
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

function isField(key: string): key is keyof typeof fields {
  return Object.hasOwn(fields, key);
}
