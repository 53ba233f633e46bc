/** A run from its first bind to its summary: the parts of the coordinator, put together. */
import { summarize } from '../economics/record/summarize.ts';
import { lockRun, type RunLock } from '../run-folder/run-lock.ts';
import { requireBudgetLeft } from './budget-left.ts';
import { type CloseStack, withCloseStack } from './close-stack.ts';
import type { ControlPlane } from './control-plane.ts';
import { openObservability } from './observability.ts';
import { publishTo } from './publish-events.ts';
import { createBookkeeper } from './record/bookkeeper.ts';
import { writeConfig } from './record/config-file.ts';
import { deriveEvents } from './record/derived-events.ts';
import { guardFolder } from './record/guarded-folder.ts';
import { auditHeaderOf, recordedConfigOf } from './record/recorded-config.ts';
import { readRecord, readResumption } from './record/resumption.ts';
import { openRunFolder } from './record/run-folder.ts';
import { createRunRecorder, nothingRecorded } from './record/run-recorder.ts';
import { errorOf, writeResults } from './record/run-results.ts';
import type { RunObserver } from './run-events.ts';
import type { RunContext, RunOptions } from './run-options.ts';
import { keepPredictions } from './test-predictions.ts';
import { trainWithWorkers } from './train-with-workers.ts';
import { trainedSpec } from './trained-spec.ts';
import { watchStragglers } from './training/stragglers/straggler-watch.ts';

/**
 * Runs to the end, whatever the end is: a run that fails has a summary too, which `onResult` is told.
 * @throws bad-input when it cannot even begin: the folder, the metrics port or the address to bind
 */
export function runTraining(options: RunOptions, context: RunContext): Promise<void> {
  return withCloseStack((services) => run(options, context, services));
}

async function run(options: RunOptions, context: RunContext, services: CloseStack): Promise<void> {
  const { dataset, training, startedAtUnixMs, out, resumed } = options;
  const { clock, timers, signal, onListening } = context;
  const spec = trainedSpec(training, dataset);
  const lock = await lockFolder(out, context);
  services.use({ close: lock.release });
  const resumption = resumed && readResumption(out, { spec, training, trainCount: dataset.trainCount });
  requireBudgetLeft(options.budget, resumption?.accounts, options.expected);

  const observability = services.use(await openObservability(options, context, resumption));
  const folder = services.use(
    guardFolder(
      openRunFolder(out, spec, auditHeaderOf(options), {
        clock,
        keep: options.keep,
        report: (event) => observe(event),
        requireHeld: lock.requireHeld,
        resumed: resumption,
      }),
      lock,
    ),
  );
  context.onOpened();
  const recorder = createRunRecorder(recordedConfigOf(options), clock, context.cpuSeconds, {
    ...(resumption?.record ?? nothingRecorded),
    startedAtUnixMs: resumed?.startedAtUnixMs ?? startedAtUnixMs,
  });
  const predictions = keepPredictions(dataset);
  const startedAt = clock.now() - (clock.unixMs() - startedAtUnixMs) / 1000;
  const bookkeeper = createBookkeeper({ clock, startedAt, carried: resumption?.accounts });
  let control: ControlPlane | undefined;
  const observers: readonly RunObserver[] = [
    folder.observe,
    recorder.observe,
    ...observability.observers,
    context.observe,
    writeConfig(folder, options.config),
    predictions.observe,
    (event) => {
      if (event.type === 'straggler-overdue') control?.dropStraggler(event.workerId, event.reason);
    },
  ];
  const observe: RunObserver = publishTo(
    observers,
    deriveEvents(bookkeeper, clock),
    folder.linesWaiting,
    watchStragglers(options.membership.dropStragglers),
  );

  for (const note of resumption?.notes ?? []) context.warn(note);
  /** A moment before the resume, on this process's clock. */
  const momentOf = (unixMs: number) => Math.min(startedAt, clock.now() - (clock.unixMs() - unixMs) / 1000);
  if (resumption !== undefined) {
    const { record, samplesBefore } = resumption;
    const { steps: step, openEpoch: epoch } = record;
    const cutOffs = resumption.cutOffs.map(({ atUnixMs, ...cutOff }) => ({ at: momentOf(atUnixMs), ...cutOff }));
    observe({ type: 'resumed', step, samples: samplesBefore, epoch, cutOffs });
  }
  await observability.begin();
  const { spent, spentUsd } = bookkeeper;
  const end = await trainWithWorkers({
    options,
    spec,
    resumption,
    bookedUntil: resumption?.bookedUntilUnixMs === undefined ? undefined : momentOf(resumption.bookedUntilUnixMs),
    lost: lock.lost,
    record: folder.record,
    recordAt(step, savedStep, isFollowed) {
      const knownGaps = resumption?.record.gaps ?? [];
      const stepsBefore = resumption?.start.stepsBefore ?? 0;
      const position = { step, savedStep, isFollowed, stepsBefore, knownGaps };
      return readRecord(out, { training, trainCount: dataset.trainCount }, position);
    },
    clock,
    startedAt,
    timers,
    observe,
    signal,
    onListening(opened) {
      control = opened;
      onListening(opened);
    },
    spent,
    spentUsd,
    checkpointsWritten: folder.checkpointsWritten,
  });

  // The run goes on elsewhere, and its end is not this one's to tell.
  lock.requireHeld();
  observability.end(end);
  observe({ type: 'ended', status: end.status, code: end.error?.code });
  await context.workersLeft?.();
  const lostAccounts = errorOf(() => {
    const accounts = bookkeeper.close();
    if (accounts !== undefined) observe(accounts);
  });
  const summary = summarize(recorder.record(end));
  const lostFiles = writeResults(folder, summary, predictions.predictions());
  await observability.deliver();
  context.onResult({ summary, predictions: predictions.predictions(), error: end.error ?? lostAccounts ?? lostFiles });
  lock.release();
  await observability.waitForLastScrape();
}

function lockFolder(folder: string, { note, signal }: RunContext): Promise<RunLock> {
  return lockRun(folder, {
    signal,
    onWatch: ({ pid, host }, seconds) =>
      note(`process ${pid} on ${host} wrote this run last: watching for ${seconds} s whether it still does`),
  });
}
