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
  /** Cost of the run so far; left out when no price was given. */
  readonly costUsd?: number | undefined;
}

/** Shows a run while it happens. */
export interface Progress {
  /** Training begins: what was before is start-up. */
  begin(plan: ProgressPlan): void;
  step(step: ProgressStep): void;
  epoch(epoch: ProgressEpoch): void;
  /** A line of its own, that leaves the progress line whole. */
  log(line: string): void;
  /** Ends the line that is being drawn. May be called twice. */
  close(): void;
}

export interface ProgressOptions {
  readonly stream: {
    write(text: string): unknown;
    /** Width of the terminal, read at every draw since it may change. */
    readonly columns?: number | undefined;
  };
  /** Seconds that never go backwards. */
  readonly now: () => number;
  readonly isTTY: boolean;
  readonly colour: boolean;
}

const defaultColumns = 80;
/** A terminal is redrawn at most every so many seconds. */
const redrawSeconds = 0.1;
/** Elsewhere so many lines an epoch are printed, or fewer: none before so many seconds have passed since the last. */
const linesPerEpoch = 10;
const lineSeconds = 10;

/** `--quiet`: nothing at all. */
export const silentProgress: Progress = { begin() {}, step() {}, epoch() {}, log() {}, close() {} };

/** On a terminal a line redrawn in place; elsewhere, as in a log file, now and then a plain line. */
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
    stream.write(
      `\r${renderProgress(state, { columns: stream.columns ?? defaultColumns, colour, now: drawnAt })}\x1b[K`,
    );
  }
  function erase(): void {
    if (drawn) stream.write('\r\x1b[K');
    drawn = false;
  }

  return {
    begin(plan) {
      state = beginProgress(plan, now());
    },
    step(step) {
      if (state === undefined) return;
      state = advanceProgress(state, step);
      // The last step of an epoch is always shown: the test pass that follows draws nothing.
      const full = progressFigures(state, now()).done === 1;
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
      state = beginProgress(plan, now());
      schedule.restart();
    },
    step(step) {
      if (state === undefined) return;
      state = advanceProgress(state, step);
      if (!schedule.due(state)) return;
      stream.write(`${renderProgress(state, { columns: stream.columns ?? 120, colour, now: now() })}\n`);
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
 * `--json`: an object a line, of the same moments at which plain lines are printed. Times in seconds, epochs
 * from 1. `cost_usd` is the epoch's, as in `summary.json`; `run_cost_usd` the run's so far.
 */
export function createJsonProgress({ stream, now }: Pick<ProgressOptions, 'stream' | 'now'>): Progress {
  const schedule = createLineSchedule(now);
  let state: ProgressState | undefined;
  const print = (event: object) => stream.write(`${JSON.stringify(event)}\n`);
  return {
    begin(plan) {
      state = beginProgress(plan, now());
      schedule.restart();
      print({ event: 'begin', epochs: plan.epochs, samples: plan.totalSamples });
    },
    step(step) {
      if (state === undefined) return;
      state = advanceProgress(state, step);
      if (!schedule.due(state)) return;
      const { loss, accuracy, samplesPerSecond, etaSeconds } = progressFigures(state, now());
      print({
        event: 'progress',
        epoch: state.totals.epoch + 1,
        epochs: state.epochs,
        samples: state.totals.samples,
        samples_per_second: samplesPerSecond,
        loss,
        accuracy,
        eta_seconds: etaSeconds,
        run_cost_usd: state.costUsd,
        usd_per_hour: state.usdPerHour,
      });
    },
    epoch({ epoch, loss, accuracy, testLoss, testAccuracy, samples, seconds, usd, costUsd, cutShort }) {
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
        ...(costUsd === undefined ? {} : { cost_usd: usd, run_cost_usd: costUsd }),
        ...(cutShort ? { cut_short: true } : {}),
      });
    },
    log(line) {
      print({ event: 'log', line });
    },
    close() {},
  };
}

interface LineSchedule {
  /** Training or an epoch begins: the wait for the next line does too. */
  restart(): void;
  /** Whether a line should be printed now; if so, it counts as printed. */
  due(state: ProgressState): boolean;
}

/** Never at the end of an epoch, since its result is a line of its own. */
function createLineSchedule(now: () => number): LineSchedule {
  let linesSoFar = 0;
  let printedAt = now();
  return {
    restart() {
      [linesSoFar, printedAt] = [0, now()];
    },
    due(state) {
      const { done } = progressFigures(state, now());
      const line = Math.floor(done * linesPerEpoch);
      if (done === 1 || line <= linesSoFar || now() - printedAt < lineSeconds) return false;
      [linesSoFar, printedAt] = [line, now()];
      return true;
    },
  };
}

/** One line, shorter than `columns` if that can be: the less telling figures go first. */
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
    ...(epoch.costUsd === undefined ? [] : [{ text: `${formatUsd(epoch.costUsd)} so far`, expendable: 0 }]),
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
