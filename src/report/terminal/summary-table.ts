import { assumptionRemedy, describeAssumed } from '../../economics/record/assumed-note.ts';
import { describeBilling } from '../../economics/record/billing-text.ts';
import { emulationNote } from '../../economics/record/emulation-note.ts';
import { describeExtrapolation } from '../../economics/record/extrapolated-epoch.ts';
import { describeInterruptions } from '../../economics/record/interruption-text.ts';
import { describeSkipped } from '../../economics/record/skipped-text.ts';
import type { EpochSummary, Summary, WorkerSummary } from '../../economics/record/summary.ts';
import {
  countOf,
  formatCount,
  formatLoss,
  formatPercent,
  formatSeconds,
  formatUsd,
} from '../../shared/core/number-format.ts';
import { describeBatch } from '../batch-text.ts';
import { createPaint, type Paint } from './colour.ts';
import { type Column, renderTable } from './table.ts';

export interface SummaryTableOptions {
  /** Width of the terminal; infinite for a pipe. */
  readonly columns: number;
  readonly colour: boolean;
  /** What to know of its prices: a line each. */
  readonly cautions?: readonly string[];
}

const longestName = 20;
const longestLabel = 28;

/** The end of the terminal's output: a heading, a table of epochs, a table of workers, and sentences. */
export function renderSummaryTable(summary: Summary, { columns, colour, cautions = [] }: SummaryTableOptions): string {
  const paint = createPaint(colour);
  const options = { columns, paint };
  const priced = summary.price_usd_per_hour !== undefined || summary.cost_usd_total > 0;
  const paragraphs = [
    renderHead(summary, paint),
    renderTable(epochColumns(summary, priced), epochRows(summary), { ...options, totals: 1 }),
    ...(summary.workers.length === 0
      ? []
      : [renderTable(workerColumns(summary, priced), workerRows(summary), options)]),
    [renderClosing(summary, paint), ...cautions.map(capitalized)].join('\n'),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

function renderHead(summary: Summary, paint: Paint): string {
  const { dataset, model, reason } = summary;
  const workers = summary.world_size === 1 ? '1 worker' : `${summary.world_size} workers`;
  const lines = [
    `${paint('bold', `Run ${summary.run_id}`)} ${paintStatus(summary, paint)}${reason === undefined ? '' : `: ${reason}`}`,
    [
      dataset.name,
      `${model.name} with ${formatCount(model.parameters)} parameters`,
      `${workers} (${summary.backend})`,
      describeBatch(summary),
      `seed ${summary.seed}`,
    ].join(' · '),
  ];
  if (dataset.fallback_reason !== undefined) {
    lines.push(
      paint(['bold', 'yellow'], `Not real data: generated '${dataset.name}', because ${dataset.fallback_reason}`),
    );
  }
  return lines.join('\n');
}

function paintStatus({ status }: Summary, paint: Paint): string {
  switch (status) {
    case 'completed':
      return paint('green', status);
    case 'interrupted':
      return paint('yellow', status);
    case 'failed':
      return paint('red', status);
    default:
      return status satisfies never;
  }
}

/** The row of an epoch, or of the whole run, which lacks some of the figures. */
interface EpochRow extends Pick<EpochSummary, 'seconds' | 'samples_per_second' | 'cost_usd'> {
  readonly name: string;
  readonly loss?: number | null;
  readonly accuracy?: number;
  readonly test_loss?: number | null;
  readonly test_accuracy?: number | undefined;
}

export function epochRows(summary: Summary): readonly EpochRow[] {
  const total: EpochRow = {
    name: 'run',
    seconds: summary.train_seconds,
    samples_per_second: summary.samples_per_second,
    cost_usd: summary.cost_usd_total,
    test_accuracy: summary.test_accuracy ?? undefined,
  };
  const { interrupted_epoch: cut } = summary;
  return [
    ...summary.epochs.map((epoch) => ({ name: `${epoch.epoch}${epoch.cut_short ? '*' : ''}`, ...epoch })),
    ...(cut === undefined ? [] : [{ name: `${cut.epoch}*`, ...cut }]),
    total,
  ];
}

/** Says in the head of a column of costs whether they rest on assumed prices. */
export function costHead({ workers }: Summary): string {
  const assumed = workers.filter(({ price_assumed }) => price_assumed !== undefined).length;
  return assumed === 0 ? 'cost' : assumed === workers.length ? 'assumed cost' : 'partly assumed cost';
}

export function epochColumns(summary: Summary, priced: boolean): readonly Column<EpochRow>[] {
  const columns: readonly Column<EpochRow>[] = [
    { head: 'epoch', cell: ({ name }) => name },
    { head: 'seconds', cell: ({ seconds }) => seconds.toFixed(1), expendable: 2 },
    { head: 'samples/s', cell: (row) => formatCount(row.samples_per_second) },
    { head: 'loss', cell: ({ loss }) => optional(loss, formatLoss), expendable: 3 },
    { head: 'accuracy', cell: ({ accuracy }) => optional(accuracy, formatPercent), expendable: 4 },
    { head: 'test loss', cell: (row) => optional(row.test_loss, formatLoss), expendable: 5 },
    { head: 'test accuracy', cell: (row) => optional(row.test_accuracy, (value) => formatPercent(value, 2)) },
  ];
  return priced ? [...columns, { head: costHead(summary), cell: ({ cost_usd }) => formatUsd(cost_usd) }] : columns;
}

/** The row of a worker, or of all that left before they trained, for which only costs are known. */
export type WorkerRow = Partial<WorkerSummary> &
  Pick<WorkerSummary, 'worker_id' | 'cost_usd' | 'billed_usd'> & { readonly has_departed?: true };

type DepartedWorker = NonNullable<Summary['departed_workers']>[number];

/** Every worker that ever was a member. The costs of the rows sum to the cost of the run. */
export function workerRows(summary: Summary): readonly WorkerRow[] {
  const { workers, departed_workers: departed = [] } = summary;
  const cost_usd = restOf(summary.former_workers_cost_usd, departed, 'cost_usd');
  const billed_usd = restOf(summary.former_workers_billed_usd ?? 0, departed, 'billed_usd');
  const rows = [...workers, ...departed.map(departedRow)];
  return cost_usd > 0 || billed_usd > 0 ? [...rows, { worker_id: 'former workers', cost_usd, billed_usd }] : rows;
}

function departedRow(worker: DepartedWorker): WorkerRow {
  const { compute, communicate, wait, load } = worker.seconds_by_category;
  const inSteps = compute + communicate + wait + load;
  const shareOf = (seconds: number) => (inSteps > 0 ? seconds / inSteps : 0);
  return {
    ...worker,
    compute_share: shareOf(compute),
    communicate_share: shareOf(communicate),
    wait_share: shareOf(wait),
    load_share: shareOf(load),
    has_departed: true,
  };
}

/** What former workers cost that never trained; what is left of rounding is nothing. */
function restOf(all: number, departed: readonly DepartedWorker[], of: 'cost_usd' | 'billed_usd'): number {
  const rest = all - departed.reduce((sum, worker) => sum + worker[of], 0);
  return rest > 1e-9 * all ? rest : 0;
}

/** Whether a worker was there to the end. */
function formatPresence({ left, has_departed }: WorkerRow): string {
  return left ?? (has_departed ? 'left' : '');
}

export function workerColumns(summary: Summary, priced: boolean): readonly Column<WorkerRow>[] {
  const severalHosts = new Set(summary.workers.map(({ host }) => host)).size > 1;
  const labelled = summary.workers.some(({ gpu }) => gpu !== undefined);
  const partly = costHead(summary) === 'partly assumed cost';
  const rows = workerRows(summary);
  const someLeft = rows.some((row) => formatPresence(row) !== '');
  const someCameBack = rows.some(({ rentals = 0 }) => rentals > 1);
  const severalBackends = new Set(summary.workers.map(({ backend }) => backend)).size > 1;
  const columns: (Column<WorkerRow> | false)[] = [
    { head: 'worker', cell: ({ worker_id }) => shorten(worker_id), align: 'left' },
    severalHosts && { head: 'host', cell: ({ host }) => shorten(host ?? ''), align: 'left', expendable: 3 },
    severalBackends && { head: 'engine', cell: ({ backend }) => backend ?? '', align: 'left', expendable: 2 },
    labelled && { head: 'gpu', cell: ({ gpu }) => shorten(gpu ?? '', longestLabel), align: 'left', expendable: 2 },
    someLeft && { head: 'gone', cell: formatPresence, align: 'left' },
    someCameBack && { head: 'lives', cell: ({ rentals }) => optional(rentals, formatCount), expendable: 1 },
    { head: 'samples', cell: ({ samples }) => optional(samples, formatCount) },
    { head: 'compute', cell: (row) => optional(row.compute_share, formatPercent) },
    { head: 'communicate', cell: (row) => optional(row.communicate_share, formatPercent), expendable: 4 },
    { head: 'wait', cell: (row) => optional(row.wait_share, formatPercent) },
    { head: 'load', cell: (row) => optional(row.load_share, formatPercent), expendable: 5 },
    priced && { head: costHead(summary), cell: partly ? formatCostAndBasis : formatWorkerCost },
    priced && { head: 'billed', cell: formatWorkerBill, expendable: 1 },
  ];
  return columns.filter((column) => column !== false);
}

/** A worker without a price may have had one before the run was resumed. */
function formatWorkerCost({ cost_usd, price_usd_per_hour }: WorkerRow): string {
  return price_usd_per_hour === undefined && cost_usd === 0 ? 'no price' : formatUsd(cost_usd);
}

/** Where only some prices are assumed, each row says whether its own is. */
function formatCostAndBasis(row: WorkerRow): string {
  return `${row.price_assumed === undefined ? '' : 'assumed '}${formatWorkerCost(row)}`;
}

function formatWorkerBill({ billed_usd, price_usd_per_hour }: WorkerRow): string {
  return price_usd_per_hour === undefined && billed_usd === 0 ? '' : formatUsd(billed_usd);
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Explains the `*` in the rows of epochs. */
export function describeEpochMarks({ epochs, interrupted_epoch }: Summary): readonly string[] {
  return [
    ...(interrupted_epoch === undefined ? [] : ['* ended before its test pass']),
    ...(epochs.some(({ cut_short }) => cut_short) ? ['* cut short by --steps'] : []),
  ];
}

function renderClosing(summary: Summary, paint: Paint): string {
  const { epochs, replicas_identical, replicas_difference, test_accuracy, price_usd_per_hour, cost_usd_total } =
    summary;
  const { fleet_changes: changes = [], gaps = [] } = summary;
  const lines = [...describeEpochMarks(summary)];
  const extrapolation = describeExtrapolation(summary);
  if (extrapolation !== undefined) lines.push(capitalized(extrapolation));
  if (test_accuracy !== null) {
    lines.push(
      `Test accuracy ${paint('bold', formatPercent(test_accuracy, 2))} after ${countEpochs(epochs)}, ${formatSeconds(summary.train_seconds)} of training`,
    );
  }
  if (replicas_identical === false) {
    const difference = (replicas_difference ?? 0).toExponential(0);
    lines.push(`Replicas with different engines or CPUs ended ${difference} apart, which is rounding`);
  } else if (replicas_identical && summary.world_size > 1) {
    lines.push('All replicas ended with the same parameters, bit for bit');
  }
  for (const { worker_id, emulated_speed } of summary.workers) {
    if (emulated_speed !== undefined) lines.push(`Worker ${shorten(worker_id)} was ${emulationNote(emulated_speed)}`);
  }
  lines.push(...describeChanges(changes).map(capitalized));
  for (const gap of gaps) lines.push(`Incomplete: ${gap}`);
  lines.push(...describeSkipped(summary), ...describeInterruptions(summary).map(capitalized));
  const reached = summary.time_to_accuracy.filter(({ seconds }) => seconds !== null);
  if (reached.length > 0) lines.push(`Reached test accuracy ${reached.map(formatReached(summary)).join(', ')}`);
  if (price_usd_per_hour === undefined && cost_usd_total > 0) {
    lines.push(
      `Cost ${paint('bold', formatUsd(cost_usd_total))}; the workers no longer have a price`,
      ...describeBilling(summary),
    );
  } else if (price_usd_per_hour === undefined) {
    lines.push('Cost: no worker has a price; --price USD_PER_HOUR gives one');
  } else {
    const unpriced = summary.workers.filter((worker) => worker.price_usd_per_hour === undefined);
    const gap =
      unpriced.length === 0 ? '' : `; no price given for ${unpriced.map((w) => shorten(w.worker_id)).join(', ')}`;
    const assumed = describeAssumed(summary.workers);
    const now = changes.length === 0 ? '' : ', now';
    lines.push(
      `Cost ${paint('bold', formatUsd(cost_usd_total))}${now} at ${formatUsd(price_usd_per_hour)} an hour, including start-up and test passes${gap}`,
      ...(assumed === undefined ? [] : [`The price is ${assumed}; ${assumptionRemedy}`]),
      ...describeBilling(summary),
    );
  }
  return lines.join('\n');
}

/** Changes of the fleet that are told, the latest: a run on spot machines has very many. */
const mostChanges = 5;

export function describeChanges(changes: NonNullable<Summary['fleet_changes']>): readonly string[] {
  const earlier = changes.length - mostChanges;
  return [
    ...(earlier > 0 ? [`changed ${countOf(earlier, 'time')} before these; metrics.jsonl has all changes`] : []),
    ...changes.slice(-mostChanges).map(({ step, change }) => `changed after step ${formatCount(step)}: ${change}`),
  ];
}

/** `2 epochs`, `part of an epoch`, `2 epochs and part of one`. */
function countEpochs(epochs: readonly EpochSummary[]): string {
  const whole = epochs.filter(({ cut_short }) => !cut_short).length;
  const wholes = `${whole} ${whole === 1 ? 'epoch' : 'epochs'}`;
  if (whole === epochs.length) return wholes;
  return whole === 0 ? 'part of an epoch' : `${wholes} and part of one`;
}

/** `97 % after 12 s and $0.0021`, counted from the start of the run. */
function formatReached({ price_usd_per_hour }: Summary) {
  return ({ accuracy, seconds, cost_usd }: Summary['time_to_accuracy'][number]) =>
    `${formatPercent(accuracy, 0)} after ${formatSeconds(seconds ?? 0)}` +
    (price_usd_per_hour === undefined ? '' : ` and ${formatUsd(cost_usd ?? 0)}`);
}

function optional<Value>(value: Value | undefined, format: (value: Value) => string): string {
  return value === undefined ? '' : format(value);
}

function shorten(name: string, longest = longestName): string {
  return name.length <= longest ? name : `${name.slice(0, longest - 1)}…`;
}
