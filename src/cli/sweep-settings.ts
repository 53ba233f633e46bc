/** The settings of `sweep`, and the grid that they ask for. */
import { z } from 'zod';
import {
  evenFleet,
  type FleetSpec,
  heterogeneousFleets,
  mixedFleet,
  type SweepPoint,
  sweepPoints,
} from '../sweep/grid.ts';
import type { SweepOptions } from '../sweep/run-sweep.ts';
import { readSweep } from '../sweep/sweep-file.ts';
import { areAnyGiven, kebab, type readLayers, resolveSettings, trainSettings } from './settings.ts';
import { pricesSetting, priceWorker, today } from './worker-price.ts';
import { planWorkers } from './worker-specs.ts';

/** What the grid decides, and what a sweep says for all its runs. */
const { workers, backend, batchSize, epochs, out, json, quiet, ...others } = trainSettings;
const { metricsPort: _, metricsHost: __, lastScrape: ___, ...unwatched } = others;
/** A run of a grid is whole, and begins at the beginning. */
const { resume: ____, budgetUsd: _____, budgetHours: ______, targetAccuracy: _______, ...shared } = unwatched;

/** `1,2,4`, or a list in the config file. */
function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .union([
      z.string().transform((text): unknown[] => text.split(',').map((part) => part.trim())),
      z.number().transform((value): unknown[] => [value]),
      z.array(z.unknown()),
    ])
    .pipe(z.array(item).min(1, 'a list'));
}

const fleetEntry = z.union([z.string(), z.record(z.string(), z.unknown())]);

const sharedSettings = {
  ...shared,
  prices: pricesSetting,
  epochs: { ...epochs, defaultText: '1', schema: epochs.schema.unwrap().default(1) },
};

export const sweepSettings = {
  workers: {
    ...workers,
    describe: 'Numbers of workers, separated by commas',
    defaultText: '1,2',
    repeatable: true,
    schema: listOf(workers.schema.unwrap()).optional(),
  },
  backend: {
    ...backend,
    describe: 'Engines, separated by commas',
    repeatable: true,
    schema: listOf(backend.schema.unwrap()).optional(),
  },
  batchSize: {
    ...batchSize,
    describe: 'Global batches, separated by commas',
    repeatable: true,
    schema: listOf(batchSize.schema.unwrap()).default([64]),
  },
  repeat: {
    type: 'string',
    describe: 'Rounds; confidence comes from repeats',
    defaultText: '3',
    schema: epochs.schema.unwrap().default(3),
  },
  fleet: {
    type: 'string',
    describe: "Workers that differ: entries of train's --worker joined by ' + '; repeat it for other fleets",
    repeatable: true,
    schema: z
      .union(
        [z.string().transform((text) => [text]), z.array(z.union([z.string(), z.array(fleetEntry)]))],
        "entries like 'backend=wasm,price=1 + backend=wasm,price=0.1,count=2'",
      )
      .transform((fleets): readonly FleetSpec[] => fleets)
      .optional(),
  },
  heterogeneous: {
    type: 'boolean',
    describe: 'The study of a fast dear card with 0 to 3 slow cheap ones, emulated at a quarter of the speed',
    schema: json.schema,
  },
  ...sharedSettings,
  out: { ...out, describe: 'Folder of the sweep; named alone, the sweep in it goes on', defaultText: 'sweeps/<time>' },
  json,
  quiet: { ...quiet, describe: 'No progress, only the comparison' },
} as const;

/** How the command itself goes about it: not what is run. */
const ofTheCommand: readonly string[] = ['out', 'json', 'quiet'];

/** What a sweep runs: what the layers ask for; if they name no more than its folder, what that was begun with. */
export function sweepTask(
  out: string,
  layers: ReturnType<typeof readLayers>,
): Pick<SweepOptions, 'points' | 'repeats' | 'args'> {
  const ofTheRuns = Object.keys(sweepSettings).filter((key) => !ofTheCommand.includes(key));
  const begun = areAnyGiven(ofTheRuns, ...layers) ? undefined : readSweep(out);
  if (begun !== undefined) {
    const points = begun.points.map(({ id, args, batch_size }) => ({ id, args, batchSize: batch_size }));
    return { points, repeats: begun.repeats, args: begun.args };
  }
  const settings = resolveSettings(sweepSettings, ...layers);
  return { points: pointsOf(settings), repeats: settings.repeat, args: sharedArguments(settings) };
}

type Asked = {
  readonly workers: readonly number[] | undefined;
  readonly backend: readonly string[] | undefined;
  readonly batchSize: readonly number[];
  readonly fleet: readonly FleetSpec[] | undefined;
  readonly heterogeneous: boolean;
  readonly prices?: string | undefined;
};

/** @throws bad-input when a fleet's worker is not one that `train` takes, or its label has no price */
export function pointsOf({ workers, backend, batchSize, fleet, heterogeneous, prices }: Asked): readonly SweepPoint[] {
  const engines = backend ?? ['auto'];
  const fleets = [
    ...(fleet ?? []).map(mixedFleet),
    ...(heterogeneous ? engines.flatMap((engine) => heterogeneousFleets(engine)) : []),
  ];
  // Fleets that were named stand alone, unless a grid was asked for beside them.
  const even =
    fleets.length > 0 && workers === undefined
      ? []
      : engines.flatMap((engine) => (workers ?? [1, 2]).map((count) => evenFleet(count, engine)));
  for (const { args } of fleets) {
    const planned = planWorkers(
      args.filter((_, index) => index % 2 === 1),
      { backend: 'auto', workers: undefined },
    );
    for (const { gpu, priceUsdPerHour: price } of planned) priceWorker({ gpu, price }, prices, today());
  }
  return sweepPoints([...even, ...fleets], batchSize);
}

/** What all runs share, as arguments of `train`: settings that are undefined are left to it. */
export function sharedArguments(settings: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.keys(sharedSettings).flatMap((key) => {
    const value = settings[key];
    if (value === undefined || value === false) return [];
    return [`--${kebab(key)}`, ...(value === true ? [] : [Array.isArray(value) ? value.join(',') : String(value)])];
  });
}

/** Variables that would tell the runs something else than the sweep does. */
export function withoutTrainVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set(
    [...Object.keys(trainSettings), 'worker', 'prices', 'workerMetrics', 'config'].map(
      (key) => `PENNYGRAD_${kebab(key).replaceAll('-', '_').toUpperCase()}`,
    ),
  );
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.has(name)));
}
