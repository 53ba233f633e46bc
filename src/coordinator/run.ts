/** A run from its first bind to its summary: the parts of the coordinator, put together. */
import { type Budget, findSpentBudget } from '../economics/ledger/budget.ts';
import { bookedUsd } from '../economics/ledger/ledger.ts';
import type { RunStatus } from '../economics/record/run-record.ts';
import { summarize } from '../economics/record/summarize.ts';
import type { Summary } from '../economics/record/summary.ts';
import { type Predictions, renderPredictionsSvg } from '../report/predictions/predictions-svg.ts';
import { type AllReduceName, chooseAllReduce } from '../shared/collectives/registry.ts';
import type { Clock } from '../shared/core/clock.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { ModelSpec, OptimizerSpec } from '../shared/model/model-spec.ts';
import { observeLive } from './live/observe-live.ts';
import { type ControlPlane, openControlPlane } from './membership/control-plane.ts';
import { runInfoOf } from './metrics/collectors/run-metrics.ts';
import { startMetricsServer } from './metrics/endpoint/metrics-server.ts';
import { type PushTarget, pushMetrics } from './metrics/endpoint/pushgateway.ts';
import { createScrapeWatch } from './metrics/endpoint/scrape-watch.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import type { OtlpExport } from './metrics/otlp/otlp-export.ts';
import type { OtlpTarget } from './metrics/otlp/otlp-target.ts';
import { publishTo } from './publish-events.ts';
import { type Bookkeeper, createBookkeeper } from './record/bookkeeper.ts';
import { type Resumption, readResumption } from './record/resumption.ts';
import { openRunFolder, type RunFolder } from './record/run-folder.ts';
import { lockRun, type RunLock } from './record/run-lock.ts';
import { createRunRecorder, nothingRecorded } from './record/run-recorder.ts';
import type { MemberInfo, RunObserver } from './run-events.ts';
import type { ReplicaComparison } from './training/replicas.ts';
import type { BalanceMode } from './training/share-balance.ts';
import { type StartingPoint, type TrainOutcome, train } from './training/train.ts';

export interface ExpectedWorker {
  readonly workerId: string;
  readonly priceUsdPerHour: number | undefined;
}

export interface RunOptions {
  readonly runId: string;
  readonly version: string;
  /** When this process began. */
  readonly startedAtUnixMs: number;
  readonly bind: string;
  readonly worldSize: number;
  /** The workers that will come, where they are known. */
  readonly expected?: readonly ExpectedWorker[];
  readonly timeoutSeconds: number;
  readonly dataset: Dataset;
  readonly model: ModelSpec;
  readonly optimizer: OptimizerSpec;
  readonly seed: number;
  readonly epochs: number;
  readonly maxSteps: number | undefined;
  readonly globalBatchSize: number;
  readonly balance: BalanceMode;
  readonly allReduce: AllReduceName | 'auto';
  /** Replicas compare their parameters every so many steps. */
  readonly checksumEvery: number;
  readonly priceUsdPerHour: number | undefined;
  readonly budget: Budget;
  /** Ends training after the test pass that first has it, 0 to 1. */
  readonly targetAccuracy: number | undefined;
  /** Of a run that goes on: when it began at first. The run folder is its own. */
  readonly resumed?: { readonly startedAtUnixMs: number } | undefined;
  readonly metrics: { readonly port: number | undefined; readonly host: string };
  /** Where to leave the last metrics. */
  readonly push: PushTarget | undefined;
  /** Where to export the metrics to while the run lasts, and when it ends. */
  readonly otlp: OtlpTarget | undefined;
  /** The longest to wait at the end for whoever scrapes the metrics to see the last ones; 0: not at all. */
  readonly lastScrapeSeconds: number;
  /** The run folder. */
  readonly out: string;
  /** Everything the run was told, for `config.json`. */
  readonly config: object;
}

export interface RunContext {
  readonly clock: Clock;
  readonly timers: Timers;
  /** CPU time that this process has used so far, of all its threads. */
  readonly cpuSeconds: () => number;
  readonly observe: RunObserver;
  readonly warn: (line: string) => void;
  readonly note: (line: string) => void;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  /** The coordinator listens: workers may come. */
  readonly onListening: (coordinator: Pick<ControlPlane, 'endpoint' | 'workerGone' | 'workerEnded'>) => void;
  /** Workers were told to leave: resolves when those that this process started are gone. */
  readonly workersLeft?: () => Promise<void>;
  /** The metrics endpoint serves. */
  readonly onMetrics: (url: string) => void;
  /** The run is over, and its files are written. Only the metrics endpoint may still wait to be read once more. */
  readonly onResult: (result: RunResult) => void;
}

export interface RunResult {
  readonly summary: Summary;
  /** Of the first test images; absent when the run ended before. */
  readonly predictions: Predictions | undefined;
  /** What ended the run early, if anything did. */
  readonly error: PennygradError | undefined;
}

/**
 * Runs to the end, whatever the end is: a run that fails has a summary too, which `onResult` is told.
 * @throws bad-input when it cannot even begin: the folder, the metrics port or the address to bind
 */
export async function runTraining(options: RunOptions, context: RunContext): Promise<void> {
  const lock = await lockRun(options.out, ({ pid, host }, seconds) =>
    context.note(`process ${pid} on ${host} wrote this run last: watching for ${seconds} s whether it still does`),
  );
  try {
    await runLocked(options, context, lock);
  } finally {
    lock.release();
  }
}

async function runLocked(options: RunOptions, context: RunContext, lock: RunLock): Promise<void> {
  const { clock } = context;
  const { dataset, startedAtUnixMs, out } = options;
  const startedAt = clock.now() - (clock.unixMs() - startedAtUnixMs) / 1000;
  const resumption = options.resumed && readResumption(out, { ...options, trainCount: dataset.trainCount });
  requireBudgetLeft(options.budget, resumption);
  const metrics = createMetrics({ ...options, carried: resumption?.accounts.entries });
  const live = observeLive({ ...options, budgetUsd: options.budget.usd }, clock);
  const scrapes = createScrapeWatch(clock);
  const server = await startMetricsServer({
    ...options.metrics,
    metrics,
    live: live.stream,
    onScrape: scrapes.observe,
  });
  const folder = await closingOnError(server, async () => openRunFolder(out, options, clock, resumption?.keptMetrics));
  const recorder = createRunRecorder({ ...options, modelName: options.model.name }, clock, context.cpuSeconds, {
    startedAtUnixMs,
    ...options.resumed,
    ...(resumption?.record ?? nothingRecorded),
  });
  const bookkeeper = createBookkeeper({ clock, startedAt, carried: resumption?.accounts });
  let probabilities: Float32Array | undefined;
  let exporting: OtlpExport | undefined;
  const observers: RunObserver[] = [
    folder.observe,
    recorder.observe,
    metrics.observe,
    live.observe,
    context.observe,
    (event) => {
      // Only now the folder is this run's: one that could not begin leaves it to the next try.
      if (event.type === 'listening') folder.write('config.json', json(options.config));
      // Who computes is known only now.
      if (event.type === 'generation')
        folder.write('config.json', json({ ...options.config, workers: event.members.map(describeMember) }));
      if (event.type === 'predictions') probabilities = event.probabilities;
    },
  ];
  const observe = publishTo(observers, bookkeeper.observe);

  try {
    if (server.warning !== undefined) context.warn(server.warning);
    for (const note of resumption?.notes ?? []) context.warn(note);
    if (resumption !== undefined) {
      const { steps, samples, openEpoch } = resumption.record;
      observe({ type: 'resumed', step: steps, samples, epoch: openEpoch });
    }
    context.onMetrics(server.url);
    exporting = await exportMetrics(options, metrics, context);
    const end = await trainToTheEnd({ ...options, start: resumption?.start }, context, observe, bookkeeper);
    live.end(end);
    observe({ type: 'ended', status: end.status, code: end.error?.code });
    await context.workersLeft?.();
    const lostAccounts = errorOf(() => {
      const accounts = bookkeeper.close();
      if (accounts !== undefined) observe(accounts);
    });
    const summary = summarize(recorder.record(end));
    const predictions = probabilities && predictionsOf(options.dataset, probabilities);
    const lost = writeResults(folder, summary, predictions);
    const [unpushed] = await Promise.all([
      options.push && pushMetrics(options.push, metrics.application),
      exporting?.close(),
    ]);
    if (unpushed !== undefined) context.warn(unpushed);
    context.onResult({ summary, predictions, error: end.error ?? lostAccounts ?? lost });
    lock.release();
    await scrapes.waitForLast(options.lastScrapeSeconds, context.signal, (seconds) =>
      context.note(`waiting up to ${Math.ceil(seconds)} s for the next scrape of /metrics (Ctrl-C does not wait)`),
    );
  } finally {
    await Promise.all([server.close(), exporting?.close()]);
  }
}

async function exportMetrics(
  options: RunOptions,
  { application }: Metrics,
  { clock, warn }: RunContext,
): Promise<OtlpExport | undefined> {
  if (options.otlp === undefined) return undefined;
  // Who exports nothing need not load what it takes.
  const { startOtlpExport } = await import('./metrics/otlp/otlp-export.ts');
  return startOtlpExport({ target: options.otlp, registry: application, run: runInfoOf(options), clock, warn });
}

/** @throws bad-input: a run that would end at once had better say so at once */
function requireBudgetLeft(budget: Budget, resumption: Resumption | undefined): void {
  if (resumption === undefined) return;
  const { entries, runSeconds } = resumption.accounts;
  const usd = entries.reduce((sum, { account }) => sum + bookedUsd(account), 0);
  const reason = findSpentBudget(budget, { usd, seconds: runSeconds });
  if (reason === undefined) return;
  throw badInput(
    `${reason}: the run has cost $${usd.toFixed(6)} in ${(runSeconds / 3600).toFixed(4)} h so far; ` +
      'give it more with --budget-usd or --budget-hours',
  );
}

/** @returns what went wrong: a full disk must not take the summary from the terminal as well */
function writeResults(
  folder: RunFolder,
  summary: Summary,
  predictions: Predictions | undefined,
): PennygradError | undefined {
  return errorOf(() => {
    folder.close();
    folder.write('summary.json', json(summary));
    if (predictions !== undefined) folder.write('predictions.svg', renderPredictionsSvg(predictions));
  });
}

function errorOf(write: () => void): PennygradError | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    return error instanceof PennygradError
      ? error
      : new PennygradError('run-failed', messageOf(error), { cause: error });
  }
}

interface End {
  readonly status: RunStatus;
  readonly reason?: string;
  readonly replicas?: ReplicaComparison | undefined;
  readonly error: PennygradError | undefined;
}

interface Begun extends RunOptions {
  readonly start: StartingPoint | undefined;
}

async function trainToTheEnd(
  options: Begun,
  context: RunContext,
  observe: RunObserver,
  bookkeeper: Bookkeeper,
): Promise<End> {
  const { version, model, seed, dataset } = options;
  const control = await openControlPlane({
    ...options,
    expectedIds: options.expected?.map(({ workerId }) => workerId),
    run: options.runId,
    identity: { version, model: { ...model, inputShape: [...model.inputShape] }, datasetDigest: dataset.digest, seed },
    datasetName: dataset.name,
    defaultPriceUsdPerHour: options.priceUsdPerHour,
    allReduce: chooseAllReduce(options.allReduce),
    clock: context.clock,
    timers: context.timers,
    observe,
  });
  let failure: Error | undefined;
  try {
    observe({ type: 'listening', endpoint: control.endpoint });
    if (!context.signal.aborted) context.onListening(control);
    const end = endOf(await trainWithWorkers(control, options, { ...context, observe }, bookkeeper));
    failure = end.error;
    return end;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(messageOf(error));
    return failedEnd(failure);
  } finally {
    await control.close(failure);
  }
}

async function trainWithWorkers(
  control: ControlPlane,
  options: Begun,
  context: Pick<RunContext, 'clock' | 'observe' | 'signal'>,
  bookkeeper: Bookkeeper,
): Promise<TrainOutcome> {
  const { signal } = context;
  const giveUp = () => control.fail(interrupted('interrupted before training began'));
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  const generation = await control.rendezvous();
  signal.removeEventListener('abort', giveUp);
  const { trainCount, testCount } = options.dataset;
  return train(
    generation,
    { ...options, trainCount, testCount },
    {
      ...context,
      findSpentBudget: () => findSpentBudget(options.budget, bookkeeper.spent()),
      spentUsd: () => bookkeeper.spent().usd,
    },
  );
}

function interrupted(message: string): PennygradError {
  return new PennygradError('interrupted', message);
}

/** A run that gets here has compared its replicas at the last checkpoint. */
function endOf({ end, steps, replicas }: TrainOutcome): End {
  switch (end.kind) {
    case 'completed':
      return { status: 'completed', replicas, error: undefined };
    case 'target':
      return { status: 'completed', reason: end.reason, replicas, error: undefined };
    case 'interrupted':
      return endedEarly(interrupted(`interrupted after step ${steps}; the checkpoint has it`), replicas);
    case 'budget':
      return endedEarly(
        new PennygradError('budget-reached', `${end.reason} after step ${steps}; the checkpoint has it`),
        replicas,
      );
    default:
      return end satisfies never;
  }
}

function endedEarly(error: PennygradError, replicas: ReplicaComparison | undefined): End {
  return { status: 'interrupted', reason: error.message, replicas, error };
}

function failedEnd(failure: Error): End {
  const error =
    failure instanceof PennygradError
      ? failure
      : new PennygradError('run-failed', `unexpected: ${failure.message}`, { cause: failure });
  return { status: error.code === 'interrupted' ? 'interrupted' : 'failed', reason: error.message, error };
}

/** The first test images, beside what the model makes of them. */
function predictionsOf(dataset: Dataset, probabilities: Float32Array): Predictions {
  const { test, classes, imageShape } = dataset;
  const count = probabilities.length / classes;
  const [height, width, channels] = imageShape;
  return {
    images: test.images.subarray(0, count * height * width * channels),
    labels: test.labels.subarray(0, count),
    imageShape,
    probabilities,
  };
}

async function closingOnError(server: { close(): Promise<void> }, open: () => Promise<RunFolder>): Promise<RunFolder> {
  try {
    return await open();
  } catch (error) {
    await server.close();
    throw error;
  }
}

function describeMember(member: MemberInfo): object {
  const { workerId, rank, host, cpu, backend, device, gpu, emulatedSpeed, priceUsdPerHour, priceOrigin } = member;
  return {
    worker_id: workerId,
    rank,
    host,
    cpu,
    backend,
    device,
    gpu,
    price_usd_per_hour: priceUsdPerHour,
    price_source: priceOrigin?.source,
    price_date: priceOrigin?.date,
    emulated_speed: emulatedSpeed,
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
