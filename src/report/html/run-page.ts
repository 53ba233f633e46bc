/** One run as an HTML report. */
import type { CardHistory } from '../../economics/planning/price-history.ts';
import { assumptionRemedy, describeAssumed } from '../../economics/record/assumed-note.ts';
import { emulationNote } from '../../economics/record/emulation-note.ts';
import { describeExtrapolation } from '../../economics/record/extrapolated-epoch.ts';
import { describeInterruptions, formatRecovery } from '../../economics/record/interruption-text.ts';
import { describeSkipped } from '../../economics/record/skipped-text.ts';
import type { StepPoint } from '../../economics/record/step-series.ts';
import type { Summary } from '../../economics/record/summary.ts';
import { formatCount, formatPercent, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { describeBatch } from '../batch-text.ts';
import {
  capitalized,
  costHead,
  describeChanges,
  describeEpochMarks,
  epochColumns,
  epochRows,
  workerColumns,
  workerRows,
} from '../terminal/summary-table.ts';
import type { Column } from '../terminal/table.ts';
import { type Chart, chartHtml } from './chart.ts';
import { escapeHtml, listHtml, sectionHtml, tableHtml } from './markup.ts';
import { renderPage } from './page.ts';
import { cardFigures, priceSectionHtml } from './price-charts.ts';
import type { ReportAssets } from './report-assets.ts';
import { type StackedBar, stackedBarsHtml } from './stacked-bars.ts';

/** What the page shows. What is left out is not shown. */
export interface ReportedRun {
  readonly summary: Summary;
  readonly steps?: readonly StepPoint[];
  /** Price histories of the workers' cards, as far as a price table has them. */
  readonly cards?: readonly CardHistory[];
  /** The picture of test images with the model's predictions, as SVG; undefined where there is none. */
  readonly predictions?: string | undefined;
  /** What to know of the prices: a line each. */
  readonly cautions?: readonly string[];
}

export function renderRunPage(run: ReportedRun, assets: ReportAssets): string {
  const { summary, steps = [], cards = [], predictions, cautions = [] } = run;
  const { dataset, model, workers, departed_workers: departed = [] } = summary;
  const priced = summary.price_usd_per_hour !== undefined;
  const charts = [lossChart(steps), speedChart(steps), accuracyChart(summary)].filter(({ xs }) => xs.length > 0);
  const prices = cardFigures(cards, 'this run');
  const chart = (id: string, describe: string) => {
    const found = charts.find((one) => one.id === id);
    return found === undefined ? '' : chartHtml(found, describe);
  };
  return renderPage(
    {
      title: `Run ${summary.run_id}`,
      lead: [
        `${summary.status}${summary.reason === undefined ? '' : `: ${summary.reason}`}`,
        `${model.name} with ${formatCount(model.parameters)} parameters on ${dataset.name}`,
        `${workers.length} × ${summary.backend}`,
        describeBatch(summary),
        `seed ${summary.seed}`,
      ].join(' · '),
      basis: 'measured',
      charts: [...charts, ...prices.map(({ chart: one }) => one)],
      footer: `pennygrad ${summary.version}, started ${summary.started_at}`,
      body: [
        listHtml([...headlines(summary), ...cautions]),
        sectionHtml(
          'Epochs',
          tableHtml('Epochs', epochColumns(summary, priced), epochRows(summary)),
          ...describeEpochMarks(summary).map((mark) => `<p>${escapeHtml(mark)}</p>`),
          chart('accuracy', 'Accuracy by epoch'),
        ),
        sectionHtml('Learning', chart('loss', 'Training loss by step')),
        sectionHtml('Predictions', predictions === undefined ? '' : pictureHtml(predictions)),
        sectionHtml('Speed', chart('speed', 'Samples per second by step')),
        sectionHtml(
          'Where the time went',
          workers.length === 0 ? '' : tableHtml('Workers', workerColumns(summary, priced), workerRows(summary)),
          stackedBarsHtml(
            'time',
            'Time alive, by worker',
            [...workers, ...departed].map((worker) => ({
              name: worker.worker_id,
              spending: worker.seconds_by_category,
            })),
            formatSeconds,
          ),
        ),
        sectionHtml(
          'Where the money went',
          stackedBarsHtml('money', capitalized(`${costHead(summary)}, by worker`), costBars(summary), formatUsd),
        ),
        sectionHtml('Interruptions', interruptionsHtml(summary, priced)),
        priceSectionHtml(prices),
      ],
    },
    assets,
  );
}

/** As an image, the picture keeps its styles to itself, and nothing in it can run. */
function pictureHtml(svg: string): string {
  const data = Buffer.from(svg).toString('base64');
  return `<img class="picture" alt="Test images, each with the predicted class, its probability and the true class" src="data:image/svg+xml;base64,${data}">`;
}

/** The latest interruptions, one by one. */
function interruptionsHtml({ interruptions }: Summary, priced: boolean): string {
  if (interruptions === undefined) return '';
  const columns: (Column<(typeof interruptions.last)[number]> | false)[] = [
    { head: 'after step', cell: ({ step }) => formatCount(step) },
    { head: 'worker', cell: ({ worker_id }) => worker_id, align: 'left' },
    { head: 'reason', cell: ({ reason }) => reason, align: 'left' },
    {
      head: 'recovery',
      cell: (row) => (row.recovery_seconds === null ? 'none' : formatRecovery(row.recovery_seconds)),
    },
    { head: 'wasted', cell: ({ wasted_seconds }) => formatSeconds(wasted_seconds) },
    priced && { head: 'cost', cell: ({ wasted_usd }) => formatUsd(wasted_usd) },
    { head: 'steps again', cell: ({ lost_steps }) => formatCount(lost_steps) },
  ];
  const name = interruptions.count > interruptions.last.length ? 'The latest interruptions' : 'Interruptions';
  return tableHtml(
    name,
    columns.filter((column) => column !== false),
    interruptions.last,
  );
}

/** The bars sum to the cost of the run. */
function costBars(summary: Summary): readonly StackedBar[] {
  const { workers, departed_workers: departed = [] } = summary;
  const former = workerRows(summary).find(({ worker_id }) => worker_id === 'former workers')?.cost_usd ?? 0;
  return [
    ...[...workers, ...departed]
      .filter(({ price_usd_per_hour, cost_usd }) => price_usd_per_hour !== undefined || cost_usd > 0)
      .map((worker) => ({ name: worker.worker_id, spending: worker.cost_usd_by_category })),
    ...(former > 0 ? [{ name: 'former workers', former }] : []),
  ];
}

function headlines(summary: Summary): readonly string[] {
  const {
    test_accuracy,
    dataset,
    price_usd_per_hour: price,
    workers,
    fleet_changes: changes = [],
    gaps = [],
  } = summary;
  const assumed = describeAssumed(workers);
  const extrapolation = describeExtrapolation(summary);
  return [
    ...(dataset.fallback_reason === undefined
      ? []
      : [`not real data: generated '${dataset.name}', because ${dataset.fallback_reason}`]),
    ...(test_accuracy === null
      ? []
      : [`test accuracy ${formatPercent(test_accuracy, 2)} after ${formatSeconds(summary.train_seconds)} of training`]),
    `${formatCount(summary.samples_per_second)} samples/s`,
    ...(extrapolation === undefined ? [] : [extrapolation]),
    price === undefined
      ? 'no worker has a price; --price USD_PER_HOUR gives one'
      : `${formatUsd(summary.cost_usd_total)}${changes.length === 0 ? '' : ', now'} at ${formatUsd(price)} an hour, including start-up and test passes`,
    ...(assumed === undefined ? [] : [`the price is ${assumed}; ${assumptionRemedy}`]),
    ...gaps.map((gap) => `incomplete: ${gap}`),
    ...describeChanges(changes),
    ...describeSkipped(summary),
    ...describeInterruptions(summary),
    ...workers.flatMap(({ worker_id, emulated_speed: speed }) =>
      speed === undefined ? [] : [`${worker_id} was ${emulationNote(speed)}`],
    ),
  ];
}

const stepAxis = { label: 'step', format: 'count', zero: true } as const;
const finite = (value: number) => (Number.isFinite(value) ? value : null);

function lossChart(steps: readonly StepPoint[]): Chart {
  return {
    id: 'loss',
    title: 'Training loss',
    x: stepAxis,
    xs: steps.map(({ step }) => step),
    y: { label: 'nats', format: 'count', zero: true, log: true },
    series: [{ label: 'loss', style: 'line', values: steps.map(({ loss }) => finite(loss)) }],
  };
}

function speedChart(steps: readonly StepPoint[]): Chart {
  return {
    id: 'speed',
    title: 'Samples per second',
    x: stepAxis,
    xs: steps.map(({ step }) => step),
    y: { label: 'samples/s', format: 'count', zero: true },
    series: [
      { label: 'samples/s', style: 'line', values: steps.map(({ samplesPerSecond }) => finite(samplesPerSecond)) },
    ],
  };
}

function accuracyChart({ epochs }: Summary): Chart {
  return {
    id: 'accuracy',
    title: 'Accuracy',
    xs: epochs.map(({ epoch }) => epoch),
    x: { label: 'epoch', format: 'count', zero: true, ticks: true },
    y: { label: 'accuracy', format: 'percent', zero: false },
    series: [
      { label: 'test', style: 'line', values: epochs.map(({ test_accuracy }) => test_accuracy) },
      { label: 'training', style: 'line', values: epochs.map(({ accuracy }) => accuracy) },
    ],
  };
}
