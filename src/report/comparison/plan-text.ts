/** A plan for the terminal. */
import type { StepModel } from '../../economics/models/step-model.ts';
import type { KindModel, MixedModel, RunError } from '../../economics/planning/fleet-models.ts';
import type { PlannedWay } from '../../economics/planning/planned-way.ts';
import type { Plan, PlannedAccuracy } from '../../economics/planning/planning.ts';
import { describeRule, noKnownRule } from '../../economics/record/billing-text.ts';
import { formatCount, formatPercent, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { createPaint } from '../terminal/colour.ts';
import { type Column, renderTable } from '../terminal/table.ts';
import { wrapText } from '../terminal/wrap-text.ts';
import { describeMissed, formatEpochs, formatEstimate, formatTarget, joinFirst, pointName } from './comparison-text.ts';

/** What was asked for. */
export interface PlanRequest {
  readonly epochs: number;
  readonly targetSeconds: number | undefined;
  readonly budgetUsd: number | undefined;
}

export function renderPlan(
  plan: Plan,
  request: PlanRequest,
  { columns, colour }: { readonly columns: number; readonly colour: boolean },
): string {
  const paint = createPaint(colour);
  const options = { columns, paint };
  const { models, mixed, left, leftRuns, front, chosen } = plan;
  const rows = [...models.map(equalRow), ...mixed.map(mixedRow)];
  return [
    `${paint('bold', 'Modelled')}: step = computing × batch / workers + communication × (workers − 1) + fixed, fitted to what was measured`,
    ...(mixed.length === 0
      ? []
      : ['unlike workers take parts of the batch by their speed, so that all are done at once']),
    '',
    renderTable(modelColumns, rows, options),
    '',
    ...rows.map((row) => wrapText(describeErrors(row), columns)),
    ...left.map(({ kind, reason }) => `left out: ${kind}: ${reason}`),
    ...leftRuns.map(({ folder, reason }) => `left out: ${folder}, ${reason}`),
    '',
    ...(plan.accuracy === undefined ? [] : describeAccuracy(plan.accuracy)).map((line) => wrapText(line, columns)),
    wrapText(
      `${describeWork(plan, request)}, start-up and test passes included; no other way is both faster and billed less, beyond the ranges in brackets, which hold 95 of 100 such runs`,
      columns,
    ),
    renderTable(wayColumns(chosen), front, options),
    '',
    ...[...describeChoice(plan, request), ...describeMarks(plan), ...describeBilling(plan)].map((line) =>
      wrapText(line, columns),
    ),
  ].join('\n');
}

function describeWork({ accuracy }: Plan, { epochs }: PlanRequest): string {
  if (accuracy !== undefined) return `to a test accuracy of ${formatTarget(accuracy.accuracy)}`;
  return `${formatCount(epochs)} ${epochs === 1 ? 'epoch' : 'epochs'}`;
}

/** What the number of epochs at each batch size rests on, a line each. */
function describeAccuracy({ accuracy, needed, leftBatches, missed }: PlannedAccuracy): readonly string[] {
  const target = formatTarget(accuracy);
  return [
    ...needed.map(({ globalBatchSize, runs, ...epochs }) => {
      const unit = epochs.mean === 1 && epochs.most === 1 ? 'epoch' : 'epochs';
      const basis = runs === 1 ? 'one run, which says nothing of others' : `${runs} runs`;
      return `batch ${formatCount(globalBatchSize)} needs ${formatEpochs(epochs)} ${unit} to ${target}, according to ${basis}`;
    }),
    ...leftBatches.map((batch) => `batch ${formatCount(batch)} is left out: no run reached ${target} with it`),
    ...missed.map(describeMissed),
  ];
}

/** `2 × wasm, batch 256, gcp/e2/spot: 31 s (28–34) for $0.0017, …`, and what it cannot be told from. */
function describeChoice({ chosen, choice }: Plan, request: PlanRequest): readonly string[] {
  if (chosen === undefined || choice === undefined) {
    return ['name --target-seconds or --budget-usd to have one chosen'];
  }
  const { by, surelyWithin, tied, decidedBy } = choice;
  const limits = [
    ...(request.targetSeconds === undefined ? [] : [`take longer than ${formatSeconds(request.targetSeconds)}`]),
    ...(request.budgetUsd === undefined ? [] : [`be billed more than ${formatUsd(request.budgetUsd)}`]),
  ];
  const ranked = by === 'time' ? tied.toSorted((a, b) => a.seconds - b.seconds) : tied;
  const named = joinFirst(ranked.map(describeWay), mostNamed);
  const noRange = chosen.secondsInterval === undefined;
  return [
    `chosen: ${describeWay(chosen)}`,
    ...(noRange ? ['no range: nothing measured tells how accurate this estimate is'] : []),
    ...(surelyWithin || noRange ? [] : [`it may ${limits.join(' or ')}: no way is surely within the limits`]),
    ...(tied.length === 0
      ? []
      : [
          `its ${by} cannot be told from that of ${named}` +
            (decidedBy.length === 0
              ? ''
              : `; of these the one with the ${decidedBy.join(' and then the ')} was chosen`),
        ]),
  ];
}

/** Ties that a sentence names. */
const mostNamed = 3;

function describeWay(way: PlannedWay): string {
  return (
    `${pointName({ name: way.fleet, globalBatchSize: way.globalBatchSize })}, ${way.offer}, ${formatTime(way)} for ` +
    `${formatBill(way)} billed, ${formatUsd(way.usd)} accrued`
  );
}

function formatTime({ seconds: value, secondsInterval: interval }: PlannedWay): string {
  return formatEstimate({ value, interval }, formatSeconds);
}

function formatBill({ billedUsd: value, billedIntervalUsd: interval }: PlannedWay): string {
  return formatEstimate({ value, interval }, formatUsd);
}

function describeMarks({ front, unmeasured }: Plan): readonly string[] {
  return [
    ...(front.some(({ basis }) => basis === 'modelled')
      ? ['marked ~: this fleet was not measured at this batch size, so its figures are the model’s']
      : []),
    ...(front.some(({ basis }) => basis === 'beyond measured')
      ? ['marked +: more workers than were measured, so nothing measured tells how far off the model is']
      : []),
    ...(unmeasured === 0
      ? []
      : ['only fleets that were measured at their batch size are planned: --unmeasured adds those of the model']),
    'a larger batch takes fewer steps in an epoch, and learns less in it',
  ];
}

function describeBilling({ billing, billsUnknown }: Plan): readonly string[] {
  const rules = billing.map((rule) =>
    describeRule({
      provider: rule.provider,
      granularity_seconds: rule.granularitySeconds,
      minimum_seconds: rule.minimumSeconds,
    }),
  );
  const bySecond = billsUnknown ? [noKnownRule] : [];
  return [`billed: ${[...rules, ...bySecond].join('; ')}; each worker is a rental`];
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

const marks = { measured: '', modelled: '~', 'beyond measured': '+' } as const;

function wayColumns(chosen: PlannedWay | undefined): readonly Column<PlannedWay>[] {
  return [
    { head: '', cell: (way) => (way === chosen ? '>' : '') },
    { head: 'workers', cell: ({ fleet }) => fleet, align: 'left' },
    { head: 'batch', cell: ({ globalBatchSize }) => formatCount(globalBatchSize) },
    { head: 'price', cell: ({ offer }) => offer, align: 'left' },
    { head: '$/h', cell: ({ usdPerHour }) => formatUsd(usdPerHour), expendable: 2 },
    { head: 'time', cell: formatTime },
    { head: 'accrued', cell: ({ usd }) => formatUsd(usd), expendable: 1 },
    { head: 'billed', cell: formatBill },
    { head: '', cell: ({ basis }) => marks[basis] },
  ];
}
