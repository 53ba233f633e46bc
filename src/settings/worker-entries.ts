/** `--worker backend=cpu,price=1.2,count=2`: workers that differ. Pure: from text to a list of workers. */
import { z } from 'zod';
import { badInput } from '../shared/core/errors.ts';
import { maxWorldSize } from '../shared/protocol/limits.ts';
import { type EngineConfig, engineSettings } from './engine-settings.ts';
import { type FleetSize, formatFleetSize, workerCount } from './fleet-size.ts';
import { type Entry, parseEntry } from './key-value-entry.ts';
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
type Fields = Entry<typeof fields>;

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
  const groups = entries?.map(parseWorker) ?? [{ count: defaults.workers?.max ?? 2 } as Fields];
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

function parseWorker(entry: WorkerEntry): Fields {
  const spec = parseEntry('--worker', entry, fields, (pair) =>
    /^\d+$/.test(pair) ? '; for a number of workers: --workers' : '',
  );
  if (spec.id !== undefined && (spec.count ?? 1) > 1) {
    throw badInput(
      `--worker '${typeof entry === 'string' ? entry : JSON.stringify(entry)}': id names one worker; leave out id or count`,
    );
  }
  return spec;
}
