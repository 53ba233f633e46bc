/** A run from its first bind to its summary: the parts of the coordinator, put together. */
import { type Budget, findSpentBudget } from '../economics/ledger/budget.ts';
import { bookedUsd } from '../economics/ledger/ledger.ts';
import type { RunStatus } from '../economics/record/run-record.ts';
import { summarize } from '../economics/record/summarize.ts';
import type { Summary } from '../economics/record/summary.ts';
import { type Predictions, renderPredictionsSvg } from '../report/predictions/predictions-svg.ts';
import { budgetOf } from '../settings/budget-settings.ts';
import type { ObservabilityConfig } from '../settings/observability-settings.ts';
import { chooseAllReduce } from '../shared/collectives/registry.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { TrainedSpec } from '../shared/model/model-spec.ts';
import { observeLive } from './live/observe-live.ts';
import { type ControlPlane, openControlPlane } from './membership/control-plane.ts';
import { runInfoOf } from './metrics/collectors/run-metrics.ts';
import { startMetricsServer } from './metrics/endpoint/metrics-server.ts';
import { pushMetrics } from './metrics/endpoint/pushgateway.ts';
import { createScrapeWatch } from './metrics/endpoint/scrape-watch.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import type { OtlpExport } from './metrics/otlp/otlp-export.ts';
import { chooseOtlpTarget, type OtlpTarget, shownUrl } from './metrics/otlp/otlp-target.ts';
import { publishTo } from './publish-events.ts';
import { type Bookkeeper, createBookkeeper } from './record/bookkeeper.ts';
import { type Resumption, readResumption } from './record/resumption.ts';
import { openRunFolder, type RunFolder } from './record/run-folder.ts';
import { lockRun, type RunLock } from './record/run-lock.ts';
import { createRunRecorder, nothingRecorded } from './record/run-recorder.ts';
import type { MemberInfo, RunObserver } from './run-events.ts';
import type { RunContext, RunOptions } from './run-options.ts';
import type { ReplicaComparison } from './training/replicas.ts';
import { type StartingPoint, type TrainOutcome, train } from './training/train.ts';

/** Replicas compare their parameters every so many steps. */
const checksumEvery = 50;

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
  const { dataset, startedAtUnixMs, out, training, budget, observability } = options;
  const spec = trainedSpec(options);
  const startedAt = clock.now() - (clock.unixMs() - startedAtUnixMs) / 1000;
  const resumption = options.resumed && readResumption(out, { spec, training, trainCount: dataset.trainCount });
  requireBudgetLeft(budgetOf(budget), resumption);
  const metrics = createMetrics({
    runId: options.runId,
    version: options.version,
    dataset,
    training,
    budget,
    expected: options.expected,
    carried: resumption?.accounts.entries,
  });
  const live = observeLive(options, clock);
  const scrapes = createScrapeWatch(clock);
  const server = await startMetricsServer({
    port: observability.metricsPort,
    host: observability.metricsHost,
    metrics,
    live: live.stream,
    onScrape: scrapes.observe,
  });
  const folder = await closingOnError(server, async () => openRunFolder(out, spec, clock, resumption?.keptMetrics));
  const recorder = createRunRecorder(
    {
      runId: options.runId,
      version: options.version,
      startedAtUnixMs,
      dataset,
      modelName: training.model,
      globalBatchSize: training.batchSize,
      seed: training.seed,
    },
    clock,
    context.cpuSeconds,
    {
      startedAtUnixMs,
      ...options.resumed,
      ...(resumption?.record ?? nothingRecorded),
    },
  );
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
    const end = await trainToTheEnd(options, spec, resumption?.start, context, observe, bookkeeper);
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
      observability.pushgateway &&
        pushMetrics({ url: observability.pushgateway, instance: context.host }, metrics.application),
      exporting?.close(),
    ]);
    if (unpushed !== undefined) context.warn(unpushed);
    context.onResult({ summary, predictions, error: end.error ?? lostAccounts ?? lost });
    lock.release();
    await scrapes.waitForLast(observability.lastScrape, context.signal, (seconds) =>
      context.note(`waiting up to ${Math.ceil(seconds)} s for the next scrape of /metrics (Ctrl-C does not wait)`),
    );
  } finally {
    await Promise.all([server.close(), exporting?.close()]);
  }
}

async function exportMetrics(
  options: RunOptions,
  { application }: Metrics,
  context: RunContext,
): Promise<OtlpExport | undefined> {
  const target = otlpTarget(options.observability, context);
  if (target === undefined) return undefined;
  // Who exports nothing need not load what it takes.
  const { startOtlpExport } = await import('./metrics/otlp/otlp-export.ts');
  return startOtlpExport({
    target,
    registry: application,
    run: runInfoOf(options),
    clock: context.clock,
    warn: context.warn,
  });
}

/** Says where metrics go: the variables may have been set for other programs. */
function otlpTarget({ otlp }: ObservabilityConfig, { environment, warn, note }: RunContext): OtlpTarget | undefined {
  const choice = chooseOtlpTarget(otlp, environment);
  switch (choice.kind) {
    case 'none':
      return undefined;
    case 'refused':
      warn(choice.reason);
      return undefined;
    case 'export':
      note(`metrics are exported to ${shownUrl(choice.target.url)} (${choice.target.namedBy})`);
      return choice.target;
    default:
      return choice satisfies never;
  }
}

function trainedSpec({ training, dataset }: RunOptions): TrainedSpec {
  return {
    model: { name: training.model, inputShape: dataset.imageShape, classes: dataset.classes },
    optimizer: { name: training.optimizer, learningRate: training.lr },
    seed: training.seed,
  };
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

async function trainToTheEnd(
  options: RunOptions,
  { model, optimizer, seed }: TrainedSpec,
  start: StartingPoint | undefined,
  context: RunContext,
  observe: RunObserver,
  bookkeeper: Bookkeeper,
): Promise<End> {
  const { version, dataset, membership } = options;
  const control = await openControlPlane({
    bind: options.bind,
    worldSize: membership.workers,
    timeoutSeconds: membership.timeout,
    optimizer,
    checksumEvery,
    expectedIds: options.expected?.map(({ workerId }) => workerId),
    run: options.runId,
    identity: { version, model: { ...model, inputShape: [...model.inputShape] }, datasetDigest: dataset.digest, seed },
    datasetName: dataset.name,
    defaultPriceUsdPerHour: membership.price,
    allReduce: chooseAllReduce(options.training.allReduce),
    clock: context.clock,
    timers: context.timers,
    observe,
  });
  let failure: Error | undefined;
  try {
    observe({ type: 'listening', endpoint: control.endpoint });
    if (!context.signal.aborted) context.onListening(control);
    const end = endOf(await trainWithWorkers(control, options, start, { ...context, observe }, bookkeeper));
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
  { training, dataset, budget }: RunOptions,
  start: StartingPoint | undefined,
  context: Pick<RunContext, 'clock' | 'observe' | 'signal'>,
  bookkeeper: Bookkeeper,
): Promise<TrainOutcome> {
  const { signal } = context;
  const giveUp = () => control.fail(interrupted('interrupted before training began'));
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  const generation = await control.rendezvous();
  signal.removeEventListener('abort', giveUp);
  const { trainCount, testCount } = dataset;
  return train(
    generation,
    { training, trainCount, testCount, start },
    {
      ...context,
      findSpentBudget: () => findSpentBudget(budgetOf(budget), bookkeeper.spent()),
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
