/** What a run prints: for people on a terminal or in a log, or for machines with `--json`. */
import { relative } from 'node:path';
import { advanceMeter, newCostMeter, readMeter } from '../coordinator/record/cost-meter.ts';
import type { MemberInfo, RunEvent } from '../coordinator/run-events.ts';
import type { RunResult } from '../coordinator/run-options.ts';
import { raiseSpentBudget, type Spent } from '../economics/ledger/budget.ts';
import { emulationNote } from '../economics/record/emulation-note.ts';
import { renderPredictionsText } from '../report/predictions/predictions-text.ts';
import { createJsonProgress, createProgress, type Progress, silentProgress } from '../report/terminal/progress.ts';
import type { ProgressPlan } from '../report/terminal/progress-state.ts';
import { renderSummaryTable } from '../report/terminal/summary-table.ts';
import type { BudgetConfig } from '../settings/budget-settings.ts';
import { budgetOf } from '../settings/budget-settings.ts';
import type { PrintConfig } from '../settings/output-settings.ts';
import type { RunConfig } from '../settings/run-settings.ts';
import { systemClock } from '../shared/core/clock.ts';
import { exitCodeOf, exitCodes } from '../shared/core/errors.ts';
import { describeListening } from '../shared/core/server-url.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { DownloadProgress } from '../shared/data/mirror.ts';
import { paint, terminalColumns, wantsColour } from './terminal.ts';
import { canCost, unreachableBudget } from './worker-price.ts';

export interface RunOutput {
  begin(run: { readonly runId: string; readonly out: string; readonly dataset: Dataset }): void;
  observe(event: RunEvent): void;
  metrics(url: string): void;
  /** A download has made progress. */
  download(progress: DownloadProgress): void;
  /** A line that a local worker printed. */
  workerLine(workerId: string, line: string): void;
  note(line: string): void;
  warn(line: string): void;
  /** Prints the result. @returns the exit code */
  end(result: RunResult): number;
}

export interface OutputOptions {
  readonly verbose: boolean;
  /** People start the workers, and want to see them arrive. */
  readonly remote?: boolean;
}

/** Otherwise a stranger could fill the terminal. */
const shownRefusals = 20;

export function createRunOutput(
  { print, training, membership, budget, observability }: RunConfig,
  { verbose, remote = false }: OutputOptions,
): RunOutput {
  const { json, quiet } = print;
  const progress = chooseProgress(print);
  const cost = createCostMeter();
  const rejected = new Map<string, number>();
  let [out, trainCount, refusals, joined] = ['', 0, 0, 0];
  let carried: ProgressPlan['carried'];

  const note = (line: string) => (quiet ? undefined : progress.log(line));
  const detail = (line: string) => (verbose ? note(line) : undefined);
  // Warnings are printed even with --json and --quiet.
  const warn = (line: string) => {
    if (!json && !quiet && process.stderr.isTTY) progress.log(paint('yellow', line));
    else console.error(`pennygrad: warning: ${line}`);
  };

  return {
    note,
    warn,
    metrics: (url) =>
      note(`live page at ${new URL('/', url)} · metrics at ${url}${describeListening(observability.metricsHost)}`),
    download: createDownloadNote(note),
    workerLine: (workerId, line) => detail(`[${workerId}] ${line}`),

    begin({ runId, out: folder, dataset }) {
      [out, trainCount] = [folder, dataset.trainCount];
      if (dataset.fallbackReason !== undefined) warn(fallbackWarning(dataset));
      note(`run ${runId}: ${dataset.name} (${dataset.source}), ${dataset.trainCount} + ${dataset.testCount} images`);
    },

    observe(event) {
      cost.observe(event);
      switch (event.type) {
        case 'listening':
          detail(`listening on ${event.endpoint}`);
          break;
        case 'worker-joined':
          joined += 1;
          (remote ? note : detail)(
            `worker ${event.workerId} joined from ${event.host}, pid ${event.pid}: ${joined} of ${membership.workers}`,
          );
          break;
        case 'worker-ready':
          (remote ? note : detail)(`worker ${event.workerId} is ready: ${event.backend} (${event.device})`);
          break;
        case 'worker-refused':
          refusals += 1;
          if (refusals <= shownRefusals) warn(`refused worker ${event.workerId}: ${event.reason}`);
          break;
        case 'generation': {
          for (const line of [...event.members.map(describeMember), ...describeEngines(event.members)]) note(line);
          if (!canCost(event.members.map(({ priceUsdPerHour }) => priceUsdPerHour)) && budget.budgetUsd !== undefined)
            warn(`${unreachableBudget(budget.budgetUsd)}; give one with --price, or to a worker with --gpu`);
          const { epochs, steps, batchSize } = training;
          const all = epochs * trainCount;
          progress.begin({
            epochs,
            samplesPerEpoch: trainCount,
            totalSamples: steps === undefined ? all : Math.min(all, steps * batchSize),
            ...(carried === undefined ? {} : { carried }),
          });
          break;
        }
        case 'resumed':
          carried = { samples: event.samples, epoch: event.epoch };
          note(`resuming after step ${event.step}`);
          break;
        case 'step':
          progress.step({ ...event, ...cost.read() });
          break;
        case 'shares':
          note(`from step ${event.step + 1} ${event.reason}`);
          break;
        case 'epoch':
          progress.epoch({ ...event, ...cost.read() });
          break;
        case 'frame-rejected':
          rejected.set(event.reason, (rejected.get(event.reason) ?? 0) + 1);
          break;
        case 'worker-lost':
          joined -= 1;
          (remote ? note : detail)(`worker ${event.workerId} lost: ${event.reason}`);
          break;
      }
    },

    end({ summary, predictions, error }) {
      progress.close();
      const folder = relative(process.cwd(), out) || out;
      if (json) console.log(JSON.stringify({ event: 'summary', folder, ...summary }));
      else {
        if (predictions !== undefined && !quiet)
          console.log(`\n${renderPredictionsText(predictions, { colour: wantsColour() })}`);
        // A run that ended before training began has nothing to sum up.
        if (summary.world_size > 0)
          console.log(`\n${renderSummaryTable(summary, { columns: terminalColumns(), colour: wantsColour() })}`);
        if (rejected.size > 0) console.log(`frames rejected, by reason: ${describeCounts(rejected)}`);
        console.log(`files of this run: ${folder}`);
      }
      if (error === undefined) return exitCodes.done;
      console.error(`pennygrad: ${error.message}`);
      const again = `pennygrad ${remote ? 'coordinator' : 'train'} --resume ${folder}`;
      // Users of a budget mean to resume, programs too, even where start-up used all of it.
      if (error.code === 'budget-reached') console.error(`to resume: ${again}${moreBudget(budget, cost.spent())}`);
      else if (summary.steps > 0 && !json) console.error(`to resume: ${again}`);
      if (verbose) console.error(error);
      return exitCodeOf(error);
    },
  };
}

function chooseProgress({ json, quiet }: PrintConfig): Progress {
  const clock = { now: systemClock.now, stream: process.stdout };
  if (json) return createJsonProgress(clock);
  if (quiet) return silentProgress;
  return createProgress({ ...clock, isTTY: process.stdout.isTTY === true, colour: wantsColour() });
}

/** The cost of the run up to now, for the progress line. */
function createCostMeter() {
  let meter = newCostMeter;
  let spent: Spent = { usd: 0, seconds: 0 };
  return {
    observe(event: RunEvent): void {
      meter = advanceMeter(meter, event, systemClock.now());
      if (event.type === 'ledger') spent = { usd: event.costUsd, seconds: event.runSeconds };
    },
    /** What the last ledger entry says. */
    spent: () => spent,
    /** Undefined while no worker has a price. */
    read(): { readonly costUsd: number; readonly usdPerHour: number } | undefined {
      const { usd, usdPerHour } = readMeter(meter, systemClock.now());
      return usdPerHour === undefined ? undefined : { costUsd: usd, usdPerHour };
    },
  };
}

/** A budget that is used up has to be raised before the run can be resumed. */
function moreBudget(budget: BudgetConfig, spent: Spent): string {
  const raised = raiseSpentBudget(budgetOf(budget), spent);
  const flags = { 'budget-usd': raised.usd, 'budget-hours': raised.hours };
  return Object.entries(flags)
    .map(([flag, value]) => (value === undefined ? '' : ` --${flag} ${value}`))
    .join('');
}

/** Prints a line for every tenth of a file. */
function createDownloadNote(note: (line: string) => void): (progress: DownloadProgress) => void {
  let last = '';
  return ({ url, receivedBytes, totalBytes }) => {
    const tenth = totalBytes === undefined ? 0 : Math.floor((10 * receivedBytes) / totalBytes);
    const line = `downloading ${url}${tenth === 0 ? '' : ` ${tenth * 10} %`}`;
    if (line !== last) note(line);
    last = line;
  };
}

function fallbackWarning({ trainCount, testCount, fallbackReason }: Dataset): string {
  return (
    `MNIST is not available; training on ${trainCount} + ${testCount} GENERATED digits instead. ` +
    `Accuracy says nothing about MNIST. Reason: ${fallbackReason}`
  );
}

function describeMember({ workerId, rank, host, pid, backend, device, emulatedSpeed }: MemberInfo): string {
  const emulation = emulatedSpeed === undefined ? '' : `, ${emulationNote(emulatedSpeed)}`;
  return `rank ${rank}: worker ${workerId}, pid ${pid} on ${host}, ${backend} (${device})${emulation}`;
}

/** Each engine once, with the reason why it was chosen. */
function describeEngines(members: readonly MemberInfo[]): readonly string[] {
  return [...new Set(members.map(({ backendReason }) => `engine ${backendReason}`))];
}

function describeCounts(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([reason, count]) => `${reason} ${count}`).join(', ');
}
