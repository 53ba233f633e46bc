import type { StepModel } from '../../economics/models/step-model.ts';
import type { KindModel, MixedModel, RunError } from '../../economics/planning/fleet-models.ts';
import { offersOn } from '../../economics/planning/gpu-offers.ts';
import { type Offer, type Plan, type PlannedWay, planRuns } from '../../economics/planning/planning.ts';
import { loadPrices } from '../../economics/prices/price-table.ts';
import { snakeCased } from '../../report/snake-case.ts';
import { type Column, renderTable } from '../../report/terminal/table.ts';
import { wrapText } from '../../report/terminal/wrap-text.ts';
import { membershipSettings } from '../../settings/membership-settings.ts';
import { printSettings } from '../../settings/output-settings.ts';
import { pricesSetting } from '../../settings/price-settings.ts';
import { resolveSettings } from '../../settings/resolve-settings.ts';
import { positive, usdPerHour } from '../../settings/schemas.ts';
import { withDefault, withoutDefault } from '../../settings/setting.ts';
import { trainingSettings } from '../../settings/training-settings.ts';
import { formatCount, formatPercent, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import type { Command } from '../command.ts';
import { namedRuns, readRuns, runsPositional, sweepSetting } from '../compared-runs.ts';
import { paint, terminalColumns } from '../terminal.ts';
import { today } from '../worker-price.ts';

const planSettings = {
  sweep: sweepSetting,
  targetSeconds: {
    type: 'string',
    describe: 'Find the cheapest way to finish in this many seconds',
    schema: positive.optional(),
  },
  budgetUsd: {
    type: 'string',
    describe: 'Find the fastest way that costs at most this many USD',
    schema: positive.optional(),
  },
  epochs: withDefault(trainingSettings.epochs, 1),
  maxWorkers: {
    ...withoutDefault(membershipSettings.workers),
    describe: 'Largest number of workers to consider',
    defaultText: 'twice the largest measured',
  },
  price: {
    type: 'string',
    describe: 'Price of a worker in USD per hour, instead of the prices in the table',
    schema: usdPerHour.optional(),
  },
  prices: pricesSetting,
  json: { ...printSettings.json, describe: 'Print one JSON object on stdout' },
} as const;

export const planCommand: Command = {
  settings: planSettings,
  options: (command) =>
    command
      .positional('run', runsPositional)
      .example('$0 plan --sweep sweeps/a --target-seconds 60', 'the cheapest way to an epoch in a minute')
      .example('$0 plan --sweep sweeps/a --budget-usd 0.05 --epochs 10', 'the fastest ten epochs for five cents'),
  run(argv) {
    const settings = resolveSettings(planSettings, argv, process.env, undefined);
    const runs = readRuns(namedRuns(argv.run), settings.sweep);
    const plan = planRuns(runs, {
      ...settings,
      mostWorkers: settings.maxWorkers,
      offersOf:
        settings.price === undefined ? offersOn(loadPrices(settings.prices), today()) : fixedOffer(settings.price),
    });
    console.log(settings.json ? JSON.stringify(snakeCased(plan)) : renderPlan(plan, settings.epochs));
  },
};

function fixedOffer(usdPerHour: number): () => readonly Offer[] {
  return () => [{ label: '--price', usdPerHour }];
}

function renderPlan({ models, mixed, left, leftRuns, front, chosen }: Plan, epochs: number): string {
  const options = { columns: terminalColumns(), paint };
  const rows = [...models.map(equalRow), ...mixed.map(mixedRow)];
  return [
    `${paint('bold', 'Modelled')}: step = computing × batch / workers + communication × (workers − 1) + fixed, fitted to what was measured`,
    ...(mixed.length === 0
      ? []
      : ['unlike workers take parts of the batch by their speed, so that all are done at once']),
    '',
    renderTable(modelColumns, rows, options),
    '',
    ...rows.map((row) => wrapText(describeErrors(row), options.columns)),
    ...left.map(({ kind, reason }) => `left out: ${kind}: ${reason}`),
    ...leftRuns.map(({ folder, reason }) => `left out: ${folder}, ${reason}`),
    '',
    `${formatCount(epochs)} ${epochs === 1 ? 'epoch' : 'epochs'}, start-up and test passes included; no other modelled way is both faster and cheaper`,
    renderTable(wayColumns(chosen), front, options),
    '',
    ...(chosen === undefined
      ? ['name --target-seconds or --budget-usd to have one chosen']
      : [
          `${paint('bold', chosen.fleet)}, batch ${formatCount(chosen.globalBatchSize)}, ${chosen.offer}: ` +
            `${formatSeconds(chosen.seconds)} for ${formatUsd(chosen.usd)}`,
        ]),
    ...(front.some(({ extrapolated }) => extrapolated)
      ? ['marked +: more workers than were measured, so the error above does not hold for it']
      : []),
    'a larger batch takes fewer steps in an epoch, and learns less in it',
  ].join('\n');
}

const ms = (seconds: number) => (1000 * seconds).toPrecision(3);
interface ModelRow extends Pick<KindModel, 'points' | 'error' | 'timeError' | 'costError' | 'outside'> {
  readonly name: string;
  readonly perSample: readonly number[];
  readonly model: Omit<StepModel, 'computePerSample'>;
}

function equalRow(fitted: KindModel): ModelRow {
  return { ...fitted, name: fitted.kind, perSample: [fitted.model.computePerSample] };
}

function mixedRow(fitted: MixedModel): ModelRow {
  return { ...fitted, name: fitted.kinds.join(' + '), perSample: fitted.model.computePerSample };
}

/** `3.1 % (at most 7.0 %)` */
function errorText({ mean, worst }: RunError): string {
  return `${formatPercent(mean)} (at most ${formatPercent(worst)})`;
}

/** How far the model is off where it can be checked, in a sentence. */
function describeErrors({ name, points, error, timeError, costError }: ModelRow): string {
  const { worstForetold } = error;
  const foretold =
    worstForetold === undefined ? '' : `, ${formatPercent(worstForetold)} when each is predicted from the others`;
  return (
    `${name}: off the ${points} measured points by ${errorText(error)} in the time of a step${foretold}; ` +
    `off the measured runs by ${errorText(timeError)} in time` +
    (costError === undefined ? '' : ` and by ${errorText(costError)} in cost`)
  );
}

const modelColumns: readonly Column<ModelRow>[] = [
  { head: 'worker', cell: ({ name }) => name, align: 'left' },
  { head: 'points', cell: ({ points }) => formatCount(points) },
  { head: 'ms a sample', cell: ({ perSample }) => perSample.map(ms).join(', ') },
  { head: 'ms a worker more', cell: ({ model }) => ms(model.communicatePerWorker) },
  { head: 'ms fixed', cell: ({ model }) => ms(model.fixed) },
  { head: 's start-up', cell: ({ outside }) => outside.startupSeconds.toPrecision(3) },
  { head: 's a worker more', cell: ({ outside }) => outside.startupSecondsPerWorker.toPrecision(3), expendable: 1 },
  { head: 'ms a test image', cell: ({ outside }) => ms(outside.evaluateSecondsPerImage), expendable: 1 },
];

function wayColumns(chosen: PlannedWay | undefined): readonly Column<PlannedWay>[] {
  return [
    { head: '', cell: (way) => (way === chosen ? '>' : '') },
    { head: 'workers', cell: ({ fleet }) => fleet, align: 'left' },
    { head: 'batch', cell: ({ globalBatchSize }) => formatCount(globalBatchSize) },
    { head: 'price', cell: ({ offer }) => offer, align: 'left' },
    { head: '$/h', cell: ({ usdPerHour }) => formatUsd(usdPerHour) },
    { head: 'time', cell: ({ seconds }) => formatSeconds(seconds) },
    { head: 'cost', cell: ({ usd }) => formatUsd(usd) },
    { head: '', cell: ({ extrapolated }) => (extrapolated ? '+' : '') },
  ];
}
