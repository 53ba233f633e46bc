import type { EpochRecord } from '../../economics/record/run-record.ts';
import { formatCount, formatLoss, formatPercent, formatSeconds, formatUsd } from '../../shared/core/number-format.ts';
import { createPaint } from './colour.ts';
import { renderProgress } from './progress-line.ts';
import {
  advanceProgress,
  beginProgress,
  type ProgressPlan,
  type ProgressState,
  type ProgressStep,
  progressFigures,
} from './progress-state.ts';

/** A finished epoch with its test pass. */
export interface ProgressEpoch extends Omit<EpochRecord, 'evaluateSeconds'> {
  /** Cost of the run so far; left out when no worker has a price. */
  readonly costUsd?: number | undefined;
  /** Set if the price of any worker is assumed. */
  readonly priceAssumed?: boolean | undefined;
}

/** Shows a run while it happens. */
export interface Progress {
  /** Start-up is over and training begins. */
  begin(plan: ProgressPlan): void;
  step(step: ProgressStep): void;
  epoch(epoch: ProgressEpoch): void;
  /** Prints a line of its own without breaking the progress line. */
  log(line: string): void;
  /** Ends the progress line. May be called twice. */
  close(): void;
}

export interface ProgressOptions {
  readonly stream: {
    write(text: string): unknown;
    /** Width of the terminal, read at every draw because it may change. */
    readonly columns?: number | undefined;
  };
  /** Seconds that never go backwards. */
  readonly now: () => number;
  readonly isTTY: boolean;
  readonly colour: boolean;
}

const defaultColumns = 80;
/** Shortest time between two redraws on a terminal. */
const redrawSeconds = 0.1;
/** Outside a terminal: the most lines in an epoch, and the shortest time between two. */
const linesPerEpoch = 10;
const lineSeconds = 10;

/** For `--quiet`. */
export const silentProgress: Progress = { begin() {}, step() {}, epoch() {}, log() {}, close() {} };

/** On a terminal a line that is redrawn in place; elsewhere, as in a log file, a plain line from time to time. */
export function createProgress(options: ProgressOptions): Progress {
  return options.isTTY ? createTerminalProgress(options) : createLineProgress(options);
}

function createTerminalProgress({ stream, now, colour }: ProgressOptions): Progress {
  let state: ProgressState | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawn = false;

  function draw(): void {
    if (state === undefined) return;
    drawnAt = now();
    drawn = true;
    stream.write(`\r${renderProgress(state, { columns: stream.columns ?? defaultColumns, colour })}\x1b[K`);
  }
  function erase(): void {
    if (drawn) stream.write('\r\x1b[K');
    drawn = false;
  }

  return {
    begin(plan) {
      state = beginProgress(plan);
    },
    step(step) {
      if (state === undefined) return;
      state = advanceProgress(state, step);
      // The last step of an epoch is always shown, because nothing is drawn during the test pass after it.
      const full = progressFigures(state).done === 1;
      if (full || now() - drawnAt >= redrawSeconds) draw();
    },
    epoch(epoch) {
      erase();
      const columns = stream.columns ?? defaultColumns;
      stream.write(`${renderEpoch(epoch, state?.epochs ?? epoch.epoch + 1, colour, columns)}\n`);
    },
    log(line) {
      const wasDrawn = drawn;
      erase();
      stream.write(`${line}\n`);
      if (wasDrawn) draw();
    },
    close() {
      if (drawn) stream.write('\n');
      drawn = false;
    },
  };
}

function createLineProgress({ stream, now, colour }: ProgressOptions): Progress {
  const schedule = createLineSchedule(now);
  let state: ProgressState | undefined;
  return {
    begin(plan) {
      state = beginProgress(plan);
      schedule.restart();
    },
    step(step) {
      if (state === undefined) return;
      state = advanceProgress(state, step);
      if (!schedule.due(state)) return;
      stream.write(`${renderProgress(state, { columns: stream.columns ?? 120, colour })}\n`);
    },
    epoch(epoch) {
      schedule.restart();
      stream.write(`${renderEpoch(epoch, state?.epochs ?? epoch.epoch + 1, colour, Number.POSITIVE_INFINITY)}\n`);
    },
    log(line) {
      stream.write(`${line}\n`);
    },
    close() {},
  };
}

/**
 * For `--json`: an object a line, at the moments at which plain lines would be printed. Times are in seconds, epochs count
 * from 1. `cost_usd` is the cost of the epoch, as in `summary.json`; `run_cost_usd` that of the run so far.
 */
export function createJsonProgress({ stream, now }: Pick<ProgressOptions, 'stream' | 'now'>): Progress {
  const schedule = createLineSchedule(now);
  let state: ProgressState | undefined;
  const print = (event: object) => stream.write(`${JSON.stringify(event)}\n`);
  return {
    begin(plan) {
      state = beginProgress(plan);
      schedule.restart();
      print({ event: 'begin', epochs: plan.epochs, samples: plan.totalSamples });
    },
    step(step) {
      if (state === undefined) return;
      state = advanceProgress(state, step);
      if (!schedule.due(state)) return;
      const { loss, accuracy, samplesPerSecond } = progressFigures(state);
      const outlook = state.readOutlook();
      print({
        event: 'progress',
        epoch: state.totals.epoch + 1,
        epochs: state.epochs,
        samples: state.totals.samples,
        samples_per_second: samplesPerSecond,
        loss,
        accuracy,
        eta_seconds: outlook.secondsLeft,
        run_cost_usd: outlook.costUsd,
        run_billed_usd: outlook.billedUsd,
        usd_per_hour: outlook.usdPerHour,
        projected_cost_usd: outlook.projectedUsd,
        budget_remaining_usd: outlook.budgetUsdLeft,
        budget_remaining_seconds: outlook.budgetSecondsLeft,
        price_assumed: outlook.priceAssumed || undefined,
      });
    },
    epoch({ epoch, loss, accuracy, testLoss, testAccuracy, samples, seconds, usd, costUsd, priceAssumed, cutShort }) {
      schedule.restart();
      print({
        event: 'epoch',
        epoch: epoch + 1,
        loss,
        accuracy,
        test_loss: testLoss,
        test_accuracy: testAccuracy,
        samples,
        seconds,
        samples_per_second: seconds > 0 ? samples / seconds : 0,
        cost_usd: costUsd === undefined ? undefined : usd,
        run_cost_usd: costUsd,
        price_assumed: priceAssumed || undefined,
        cut_short: cutShort || undefined,
      });
    },
    log(line) {
      print({ event: 'log', line });
    },
    close() {},
  };
}

interface LineSchedule {
  /** Call when training or an epoch begins: restarts the wait for the next line. */
  restart(): void;
  /** Whether a line should be printed now. If so, it counts as printed. */
  due(state: ProgressState): boolean;
}

/** No line is due at the end of an epoch, because the epoch's result gets a line of its own. */
function createLineSchedule(now: () => number): LineSchedule {
  let linesSoFar = 0;
  let printedAt = now();
  return {
    restart() {
      [linesSoFar, printedAt] = [0, now()];
    },
    due(state) {
      const { done } = progressFigures(state);
      const line = Math.floor(done * linesPerEpoch);
      if (done === 1 || line <= linesSoFar || now() - printedAt < lineSeconds) return false;
      [linesSoFar, printedAt] = [line, now()];
      return true;
    },
  };
}

/** One line, shorter than `columns` if possible: the least important figures are left out first. */
function renderEpoch(epoch: ProgressEpoch, epochs: number, colour: boolean, columns: number): string {
  const paint = createPaint(colour);
  const head = `epoch ${epoch.epoch + 1}/${epochs}${epoch.cutShort ? ' cut short' : ''}`;
  const figures = [
    { text: formatSeconds(epoch.seconds), expendable: 2 },
    { text: `${formatCount(epoch.seconds > 0 ? epoch.samples / epoch.seconds : 0)} samples/s`, expendable: 1 },
    { text: `loss ${formatLoss(epoch.loss)}`, expendable: 4 },
    { text: `accuracy ${formatPercent(epoch.accuracy)}`, expendable: 3 },
    { text: `test loss ${formatLoss(epoch.testLoss)}`, expendable: 5 },
    { text: `test accuracy ${formatPercent(epoch.testAccuracy, 2)}`, expendable: 0 },
    ...(epoch.costUsd === undefined
      ? []
      : [{ text: `${formatUsd(epoch.costUsd)}${epoch.priceAssumed ? ' assumed' : ''} so far`, expendable: 0 }]),
  ];
  const width = () => figures.reduce((sum, { text }) => sum + text.length + ' · '.length, head.length);
  while (width() > columns && figures.some(({ expendable }) => expendable > 0)) {
    const least = Math.max(...figures.map(({ expendable }) => expendable));
    figures.splice(
      figures.findIndex(({ expendable }) => expendable === least),
      1,
    );
  }
  const texts = figures.map(({ text }) => (text.startsWith('test accuracy') ? paint('bold', text) : text));
  return `${paint('bold', head)} ${texts.join(paint('dim', ' · '))}`;
}
