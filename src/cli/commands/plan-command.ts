import { describeOffers, offersOn } from '../../economics/planning/gpu-offers.ts';
import { modelFleets } from '../../economics/planning/modelled-fleets.ts';
import { type Offer, planRuns } from '../../economics/planning/planning.ts';
import { loadPrices } from '../../economics/prices/price-table.ts';
import { renderModelledFleets } from '../../report/comparison/modelled-fleets-text.ts';
import { renderPlan } from '../../report/comparison/plan-text.ts';
import { snakeCased } from '../../report/snake-case.ts';
import { wrapText } from '../../report/terminal/wrap-text.ts';
import { workerCount } from '../../settings/fleet-size.ts';
import { modelledFleetSettings } from '../../settings/modelled-fleet-settings.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { pricesSetting } from '../../settings/price-settings.ts';
import { areAnyGiven, kebab, resolveSettings } from '../../settings/resolve-settings.ts';
import { flag, positive, usdPerHour } from '../../settings/schemas.ts';
import { withoutDefault } from '../../settings/setting.ts';
import { trainingSettings } from '../../settings/training-settings.ts';
import { badInput } from '../../shared/core/errors.ts';
import type { Command } from '../command.ts';
import { namedRuns, readRuns, runsPositional, sweepSetting } from '../compared-runs.ts';
import { fleetsToModel } from '../fleets-to-model.ts';
import { terminalColumns, wantsColour } from '../terminal.ts';
import { today } from '../worker-price.ts';

/** Goals, and what may be planned for them: only measured runs tell. */
const goalSettings = {
  targetSeconds: {
    type: 'string',
    describe: 'Find the cheapest way to finish in this many seconds',
    schema: positive.optional(),
  },
  budgetUsd: {
    type: 'string',
    describe: 'Find the fastest way that is billed at most this many USD',
    schema: positive.optional(),
  },
  epochs: { ...withoutDefault(trainingSettings.epochs), defaultText: '1' },
  targetAccuracy: {
    ...trainingSettings.targetAccuracy,
    describe: 'Plan as many epochs as runs needed to this test accuracy, 0 to 1',
  },
  unmeasured: {
    type: 'boolean',
    describe: 'Plan fleets that were not measured too, by the model',
    schema: flag.default(false),
  },
  maxWorkers: {
    type: 'string',
    describe: 'Largest number of workers to consider',
    defaultText: 'twice the largest measured',
    schema: workerCount.optional(),
  },
  prices: pricesSetting,
} as const;

const sharedSettings = {
  sweep: sweepSetting,
  price: {
    type: 'string',
    describe: "Price of a worker in USD per hour, instead of the prices in the table, or the run's",
    schema: usdPerHour.optional(),
  },
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout' },
} as const;

const planSettings = { ...sharedSettings, ...goalSettings };
const modelSettings = { ...sharedSettings, ...modelledFleetSettings };

export const planCommand: Command = {
  settings: { ...planSettings, ...modelledFleetSettings },
  examples: [
    ['$0 plan --sweep sweeps/a --target-seconds 60', 'the cheapest way to an epoch in a minute'],
    ['$0 plan --sweep sweeps/a --budget-usd 0.05 --epochs 10', 'the fastest ten epochs for five cents'],
    ['$0 plan --sweep sweeps/a --target-accuracy 0.98', 'what 98 % test accuracy would take and cost'],
    ['$0 plan --sweep sweeps/a --unmeasured --max-workers 8', 'larger fleets, as the model predicts them'],
    [
      '$0 plan --workers 64 --link 25gbit --parameters 25e6',
      'how long 64 machines would exchange gradients, without a run',
    ],
    [
      '$0 plan --workers 1,8,64 --link 10gbit --delay 50us --parameters 25e6 --batch-size 4096 --samples-per-second 900 --price 0.35',
      'steps, efficiency and cost of machines of which one trains 900 samples per second',
    ],
    [
      '$0 plan --workers 2,8 --link 100mbit --parameters 1e6 --compress int8',
      'whether compressed gradients would be there sooner',
    ],
    [
      '$0 plan --workers 2,8 --link 100mbit --parameters 93322 --samples-per-second 4000 --local-steps 16',
      'how much faster workers would be that exchange once in 16 updates',
    ],
    ['$0 plan runs/RUN-ID --workers 2,4,8 --link 1gbit', 'more of the workers that a run has measured, each on a host'],
  ],
  options: (command) => command.positional('run', runsPositional),
  run(argv) {
    const isModelled = areAnyGiven(['link'], argv, process.env, undefined);
    const modelFlags = Object.keys(modelledFleetSettings);
    const stray = (isModelled ? Object.keys(goalSettings) : modelFlags).find((key) => argv[key] !== undefined);
    if (stray !== undefined) {
      throw badInput(
        isModelled
          ? `--${kebab(stray)} is for plans of measured runs: leave out --link`
          : `--${kebab(stray)} needs --link, a rate like 25gbit`,
      );
    }
    if (isModelled) planModelled(argv);
    else planMeasured(argv);
  },
};

function planModelled(argv: Parameters<Command['run']>[0]): void {
  const settings = resolveSettings(modelSettings, argv, process.env, undefined);
  const named = namedRuns(argv.run);
  const runs = named.length === 0 && settings.sweep === undefined ? [] : readRuns(named, settings.sweep);
  const modelled = modelFleets(fleetsToModel(settings, runs, (key) => argv[key] !== undefined));
  const options = { columns: terminalColumns(), colour: wantsColour() };
  console.log(settings.json ? JSON.stringify(snakeCased(modelled)) : renderModelledFleets(modelled, options));
}

function planMeasured(argv: Parameters<Command['run']>[0]): void {
  const settings = resolveSettings(planSettings, argv, process.env, undefined);
  const runs = readRuns(namedRuns(argv.run), settings.sweep);
  const { targetAccuracy } = settings;
  if (targetAccuracy !== undefined && settings.epochs !== undefined) {
    throw badInput(
      '--epochs and --target-accuracy exclude each other: the accuracy decides how many epochs are planned',
    );
  }
  const epochs = settings.epochs ?? 1;
  const table = loadPrices(settings.prices);
  const plan = planRuns(runs, {
    ...settings,
    epochs,
    mostWorkers: settings.maxWorkers,
    offersOf: settings.price === undefined ? offersOn(table, today()) : fixedOffer(settings.price),
  });
  const options = { columns: terminalColumns(), colour: wantsColour() };
  const priceNotes = describeOffers(table, today(), plan.offers);
  console.log(
    settings.json
      ? JSON.stringify({ ...(snakeCased(plan) as object), price_notes: priceNotes })
      : [
          renderPlan(plan, { ...settings, epochs }, options),
          ...priceNotes.map((note) => wrapText(note, options.columns)),
        ].join('\n'),
  );
}

function fixedOffer(usdPerHour: number): () => readonly Offer[] {
  return () => [{ label: '--price', usdPerHour }];
}
