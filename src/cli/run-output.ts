/** What a run prints: for people on a terminal or in a log, or for machines with `--json`. */
import { relative } from 'node:path';
import { advanceOutlook, beginOutlook, type Outlook, plannedWork, readOutlook } from '../coordinator/record/outlook.ts';
import type { LedgerEntry, MemberInfo, RunEvent } from '../coordinator/run-events.ts';
import type { RunResult } from '../coordinator/run-options.ts';
import type { Taken } from '../economics/ledger/budget.ts';
import { billedUsd } from '../economics/ledger/ledger.ts';
import { plannedSamples } from '../economics/ledger/pace.ts';
import { restartBill } from '../economics/ledger/restart-bill.ts';
import { describePaidPrices, type PricedWorker, pricedWorkers } from '../economics/planning/gpu-offers.ts';
import type { PriceRow } from '../economics/prices/price-row.ts';
import { assumptionRemedy, describeAssumed } from '../economics/record/assumed-note.ts';
import { createJsonProgress, createProgress, type Progress, silentProgress } from '../report/terminal/progress.ts';
import type { ProgressOutlook, ProgressPlan } from '../report/terminal/progress-state.ts';
import type { PrintConfig } from '../settings/output-settings.ts';
import type { RunConfig } from '../settings/run-settings.ts';
import type { BudgetBasis } from '../shared/core/budget-basis.ts';
import { systemClock } from '../shared/core/clock.ts';
import { describeListening } from '../shared/core/server-url.ts';
import { describeClassGaps } from '../shared/data/class-gaps.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { DownloadProgress } from '../shared/data/mirror.ts';
import { noteDisk } from './disk-notes.ts';
import { printResult } from './print-result.ts';
import { createDownloadNote, createRunPrinter } from './run-printer.ts';
import { wantsColour } from './terminal.ts';
import { describeForMachines } from './worker-events.ts';
import { noteWorkers } from './worker-notes.ts';
import { canCost, today, unreachableBudget } from './worker-price.ts';

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
  /** The shipped price table, with the user's own on top. */
  readonly prices: readonly PriceRow[];
}

export function createRunOutput(
  { print, training, membership, budget, observability }: RunConfig,
  { verbose, remote = false, prices }: OutputOptions,
): RunOutput {
  const progress = chooseProgress(print);
  const printer = createRunPrinter(print, verbose, progress);
  const { note, warn, detail } = printer;
  const cost = followCosts(budget.budgetBasis);
  const observeWorkers = noteWorkers(printer, membership.workers.max, remote);
  const observeDisk = noteDisk(printer);
  const rejected = new Map<string, number>();
  let out = '';
  let plan: Omit<ProgressPlan, 'carried'> | undefined;
  let carried: ProgressPlan['carried'];
  let resumedStep: number | undefined;
  let hasBegun = false;

  return {
    note,
    warn,
    metrics: (url) =>
      note(`live page at ${new URL('/', url)} · metrics at ${url}${describeListening(observability.metricsHost)}`),
    download: createDownloadNote(note),
    workerLine: (workerId, line) => detail(`[${workerId}] ${line}`),

    begin({ runId, out: folder, dataset }) {
      out = folder;
      const work = plannedWork(training, dataset);
      plan = { epochs: work.epochs, samplesPerEpoch: work.trainCount, totalSamples: plannedSamples(work) };
      cost.begin(beginOutlook({ training, dataset, budget }));
      if (dataset.fallbackReason !== undefined) warn(fallbackWarning(dataset));
      const [height, width] = dataset.imageShape;
      note(
        `run ${runId}: ${dataset.name} (${dataset.source}), ${dataset.trainCount} + ${dataset.testCount} images ` +
          `of ${height} × ${width} pixels in ${dataset.classes} classes`,
      );
      const gaps = describeClassGaps(dataset);
      if (gaps !== undefined) warn(gaps);
    },

    observe(event) {
      cost.observe(event);
      observeWorkers(event);
      observeDisk(event);
      if (print.json) printForMachines(event);
      switch (event.type) {
        case 'listening':
          detail(`listening on ${event.endpoint}`);
          break;
        case 'generation':
          if (hasBegun) break;
          hasBegun = true;
          if (!canCost(event.members.map(({ priceUsdPerHour }) => priceUsdPerHour)) && budget.budgetUsd !== undefined)
            warn(`${unreachableBudget(budget.budgetUsd)}; give one with --price, or to a worker with --gpu`);
          for (const line of describeAssumption(event.members, budget.budgetUsd)) note(line);
          for (const line of describePaidPrices(event.members.map(pricedMember), prices, today())) note(line);
          if (plan !== undefined) progress.begin(carried === undefined ? plan : { ...plan, carried });
          break;
        case 'resumed':
          carried = { samples: event.samples, epoch: event.epoch };
          resumedStep = event.step;
          note(`resuming after step ${event.step}`);
          break;
        case 'went-on': {
          if (event.step === resumedStep) break;
          const { samplesBefore: samples, openEpoch: epoch } = event.record;
          note(`going on after step ${event.step}, which workers have kept`);
          if (plan !== undefined) progress.begin({ ...plan, carried: { samples, epoch } });
          break;
        }
        case 'step':
          if (event.skipped !== undefined) note(`step ${event.step + 1} was skipped: ${event.skipped}`);
          progress.step({
            epoch: event.epoch,
            samples: event.samples,
            loss: event.loss,
            correct: event.correct,
            seconds: event.seconds,
            usd: event.usd,
            skipped: event.skipped,
            readOutlook: cost.read,
          });
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
      }
    },

    end(result) {
      progress.close();
      const folder = relative(process.cwd(), out) || out;
      const command = remote ? 'coordinator' : 'train';
      const { spent, restart } = cost.ended();
      const cautions = describePaidPrices(pricedWorkers([result.summary]), prices, today());
      return printResult(result, { print, verbose, folder, command, budget, spent, restart, rejected, cautions });
    },
  };
}

function pricedMember({ gpu, priceUsdPerHour, priceOrigin, priceAssumed, threads }: MemberInfo): PricedWorker {
  const source = priceOrigin?.source;
  return { gpu, usdPerHour: priceUsdPerHour, source, assumedFrom: priceAssumed, threads, day: today() };
}

/** Said before training, so that nobody takes an assumed cost for a known one. */
function describeAssumption(members: readonly MemberInfo[], budgetUsd: number | undefined): readonly string[] {
  const assumed = describeAssumed(
    members.map(({ workerId, priceAssumed, priceOrigin }) => ({
      worker_id: workerId,
      price_assumed: priceAssumed,
      price_date: priceOrigin?.date,
    })),
  );
  if (assumed === undefined) return [];
  const budget = budgetUsd === undefined ? '' : `; --budget-usd ${budgetUsd} counts it`;
  return [`price ${assumed}${budget}; ${assumptionRemedy}`];
}

function printForMachines(event: RunEvent): void {
  const line = describeForMachines(event);
  if (line !== undefined) process.stdout.write(`${JSON.stringify(line)}\n`);
}

function chooseProgress({ json, quiet }: PrintConfig): Progress {
  const clock = { now: systemClock.now, stream: process.stdout };
  if (json) return createJsonProgress(clock);
  if (quiet) return silentProgress;
  return createProgress({ ...clock, isTTY: process.stdout.isTTY === true, colour: wantsColour() });
}

/** The cost of the run up to now, and what it will be, for the progress line. */
function followCosts(budgetBasis: BudgetBasis) {
  let outlook: Outlook | undefined;
  let spent: Taken = { usd: 0, billedUsd: 0, seconds: 0 };
  let entries: readonly LedgerEntry[] = [];
  let priceAssumed = false;
  return {
    begin(begun: Outlook): void {
      outlook = begun;
    },
    observe(event: RunEvent): void {
      if (outlook !== undefined) outlook = advanceOutlook(outlook, event, systemClock.now());
      if (event.type === 'generation') priceAssumed = event.members.some((member) => member.priceAssumed !== undefined);
      if (event.type !== 'ledger') return;
      entries = event.entries;
      const billed = entries.reduce((sum, { account }) => sum + billedUsd(account), 0);
      spent = { usd: event.costUsd, billedUsd: billed, seconds: event.runSeconds };
    },
    /** What the last accounts say of the run, and of resuming it. */
    ended: () => ({ spent, restart: restartBill(entries) }),
    /** Costs are undefined while no worker has a price. */
    read(): ProgressOutlook {
      if (outlook === undefined) return {};
      const { usd, usdPerHour, billedUsdAfter, projection } = readOutlook(outlook, systemClock.now());
      return usdPerHour === undefined
        ? { ...projection, budgetBasis }
        : { ...projection, budgetBasis, costUsd: usd, billedUsd: billedUsdAfter(0), usdPerHour, priceAssumed };
    },
  };
}

function fallbackWarning({ trainCount, testCount, fallbackReason }: Dataset): string {
  return (
    `MNIST is not available; training on ${trainCount} + ${testCount} GENERATED digits instead. ` +
    `Accuracy says nothing about MNIST. Reason: ${fallbackReason}`
  );
}
