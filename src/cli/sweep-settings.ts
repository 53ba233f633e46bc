/** The settings of `sweep`, and the grid of runs that they describe. */
import { z } from 'zod';
import { dataSettings } from '../settings/data-settings.ts';
import { engineSettings } from '../settings/engine-settings.ts';
import { workerCount } from '../settings/fleet-size.ts';
import { membershipSettings } from '../settings/membership-settings.ts';
import { observabilitySettings } from '../settings/observability-settings.ts';
import { folderSettings, printSettings } from '../settings/output-settings.ts';
import { pricesSetting } from '../settings/price-settings.ts';
import { areAnyGiven, argumentsOf, resolveSettings, variableOf } from '../settings/resolve-settings.ts';
import { flag, integer, listOf } from '../settings/schemas.ts';
import { type SettingsTable, withDefault, without } from '../settings/setting.ts';
import { trainSettings } from '../settings/train-settings.ts';
import { trainingSettings } from '../settings/training-settings.ts';
import { planWorkers } from '../settings/worker-entries.ts';
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
import type { readLayers } from './config-layers.ts';
import { priceWorker, today } from './worker-price.ts';

const fleetEntry = z.union([z.string(), z.record(z.string(), z.unknown())]);

/** Settings with one value for all runs. Runs of a sweep start afresh, train to their end, and are not watched. */
const sharedSettings = {
  threads: engineSettings.threads,
  ...without(membershipSettings, 'workers', 'dropStragglers'),
  // A run that went on with fewer workers, lost or dropped, measures another fleet than the one it stands for.
  onLoss: withDefault(membershipSettings.onLoss, 'fail'),
  ...dataSettings,
  ...without(trainingSettings, 'batchSize', 'targetAccuracy'),
  epochs: withDefault(trainingSettings.epochs, 1),
  ...without(observabilitySettings, 'metricsPort', 'lastScrape'),
  prices: pricesSetting,
} as const satisfies SettingsTable;

export const sweepSettings = {
  workers: {
    type: 'string',
    describe: 'Numbers of workers, separated by commas',
    defaultText: '1,2',
    repeatable: true,
    schema: listOf(workerCount, '1,2,4').optional(),
  },
  backend: {
    ...engineSettings.backend,
    describe: 'Engines, separated by commas',
    repeatable: true,
    schema: listOf(engineSettings.backend.schema.unwrap()).optional(),
  },
  batchSize: {
    ...trainingSettings.batchSize,
    describe: 'Global batches, separated by commas',
    repeatable: true,
    schema: listOf(trainingSettings.batchSize.schema.unwrap(), '32,64').default([64]),
  },
  repeat: {
    type: 'string',
    describe: 'Rounds of the grid; confidence intervals need repeats',
    defaultText: '3',
    schema: integer(1, 100_000).default(3),
  },
  fleet: {
    type: 'string',
    describe: "Fleet of workers that differ: entries of train's --worker joined by ' + '; repeat it for other fleets",
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
    describe: 'Study one fast expensive card with 0 to 3 slow cheap ones, emulated at a quarter of the speed',
    schema: flag.default(false),
  },
  ...sharedSettings,
  out: {
    ...folderSettings.out,
    describe: 'Folder of the sweep; given alone, it continues the sweep in that folder',
    defaultText: 'sweeps/<time>',
  },
  json: printSettings.json,
  quiet: { ...printSettings.quiet, describe: 'Print no progress, only the comparison' },
} as const satisfies SettingsTable;

/** Settings of the command itself, which do not change what is run. */
const ofTheCommand: readonly string[] = ['out', 'json', 'quiet'];

/** What to run: what the layers ask for or, if they name only a folder, what the sweep in that folder was begun with. */
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
  // With fleets, the grid of equal workers is left out unless it was asked for.
  const even =
    fleets.length > 0 && workers === undefined
      ? []
      : engines.flatMap((engine) => (workers ?? [1, 2]).map((count) => evenFleet(count, engine)));
  for (const { args } of fleets) {
    const planned = planWorkers(
      args.filter((_, index) => index % 2 === 1),
      { backend: 'auto', workers: undefined },
    );
    for (const worker of planned) priceWorker(worker, prices, today());
  }
  return sweepPoints([...even, ...fleets], batchSize);
}

/** The settings that all runs share, as flags of `train`. */
export function sharedArguments(settings: Readonly<Record<string, unknown>>): readonly string[] {
  return argumentsOf(sharedSettings, settings);
}

/** The environment without the variables that would change the settings of the runs. */
export function withoutTrainVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = new Set([...Object.keys(trainSettings), 'config'].map(variableOf));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.has(name)));
}
