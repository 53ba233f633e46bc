/** From settings to a finished run: what `train` and `coordinator` share. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import type { ControlPlane } from '../coordinator/control-plane.ts';
import { runTraining } from '../coordinator/run.ts';
import type { ExpectedWorker } from '../coordinator/run-options.ts';
import { assumePrice } from '../economics/prices/assumed-price.ts';
import type { PriceRow } from '../economics/prices/price-row.ts';
import { writeRunReport } from '../report/html/run-report.ts';
import { type FleetSize, formatFleetSize } from '../settings/fleet-size.ts';
import type { MembershipConfig } from '../settings/membership-settings.ts';
import { requireTargetsOfHost } from '../settings/observability-settings.ts';
import { writtenSettings } from '../settings/resolve-settings.ts';
import { bySubject, type RunSettings, runSettings } from '../settings/run-settings.ts';
import type { TrainingConfig } from '../settings/training-settings.ts';
import { leafCount } from '../shared/collectives/tree/micro-shard-tree.ts';
import { microShardOf } from '../shared/collectives/tree/micro-shards.ts';
import { processorSeconds, systemClock } from '../shared/core/clock.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import { orAborted } from '../shared/core/or-aborted.ts';
import { samplesPerStep } from '../shared/core/sampling.ts';
import { systemTimers } from '../shared/core/timers.ts';
import { pennygradVersion } from '../shared/core/version.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import { loadDataset } from '../shared/data/load-dataset.ts';
import { requireCompressible } from './require-compressible.ts';
import { loadRunData, type ResumedRun } from './resumed-run.ts';
import type { RunOutput } from './run-output.ts';
import { today } from './worker-price.ts';

export interface StartOptions {
  /** All of the command's settings, which `config.json` keeps. */
  readonly settings: RunSettings & Readonly<Record<string, unknown>>;
  /** Set on resume: the run that is resumed, whose settings `settings` are. */
  readonly resumed?: ResumedRun | undefined;
  readonly bind: string;
  /** The shipped price table, with the user's own on top. */
  readonly prices: readonly PriceRow[];
  readonly output: RunOutput;
  readonly signal: AbortSignal;
  /** The workers that will join, where they are known. */
  readonly expected?: readonly ExpectedWorker[] | undefined;
  readonly onListening: (
    coordinator: Pick<ControlPlane, 'endpoint' | 'workerGone' | 'workerEnded' | 'workerPreempted'>,
    dataset: Dataset,
  ) => void;
  /** Called once the workers were told to leave. Resolves when those that this process started are gone. */
  readonly workersLeft?: (() => Promise<void>) | undefined;
  /** The run is over and its result is printed; the process may still wait for a last scrape. */
  readonly onEnd: (exitCode: number) => void;
}

/** @throws bad-input when the run cannot begin */
export async function startRun({
  settings,
  resumed,
  bind,
  prices,
  output,
  signal,
  expected,
  onListening,
  workersLeft,
  onEnd,
}: StartOptions): Promise<void> {
  const { membership, data, training, budget, observability, folder } = bySubject(settings);
  requireTargetsOfHost(observability);
  requireSharesForAll(training, membership.workers);
  requireLocalSteps(training);
  requireCompressible(training);
  requireRoomToDrop(membership);
  const load = (name: string | undefined) =>
    loadDataset(data.dataset ?? name, { ...data, onWarning: output.warn, onProgress: output.download });
  const loading = resumed === undefined ? load(undefined) : loadRunData(resumed, load);
  // A download may take long, and may be given up at any point.
  const interrupted = () => new PennygradError('interrupted', 'interrupted before training began');
  const dataset = await orAborted(loading, signal, interrupted);
  const runId = resumed?.runId ?? newRunId(new Date(), dataset.name, settings);
  const out = resumed?.folder ?? folder.out ?? join('runs', runId);
  const startedAt = new Date(resumed?.startedAtUnixMs ?? performance.timeOrigin).toISOString();
  await runTraining(
    {
      runId,
      bind,
      out,
      keep: folder.keep,
      dataset,
      training,
      membership,
      assumePrice: membership.price === undefined ? (on) => assumePrice(prices, on, today()) : undefined,
      budget,
      observability,
      version: pennygradVersion,
      startedAtUnixMs: performance.timeOrigin,
      expected,
      resumed,
      config: { run_id: runId, started_at: startedAt, ...configOf(settings, dataset) },
    },
    {
      cpuSeconds: processorSeconds,
      environment: process.env,
      host: hostname(),
      clock: systemClock,
      timers: systemTimers,
      signal,
      observe: output.observe,
      warn: output.warn,
      note: output.note,
      // A run that is refused its folder has said nothing of itself.
      onOpened: () => output.begin({ runId, out, dataset }),
      onMetrics: output.metrics,
      onListening: (coordinator) => onListening(coordinator, dataset),
      workersLeft,
      onResult(result) {
        try {
          writeRunReport(out, result.summary, prices);
        } catch (error) {
          // The other files of the run are complete.
          output.warn(`no report.html: ${messageOf(error)}`);
        }
        onEnd(output.end(result));
      },
    },
  );
}

function requireRoomToDrop({ workers, dropStragglers }: MembershipConfig): void {
  if (dropStragglers === undefined || workers.min < workers.max) return;
  throw badInput(
    `--drop-stragglers ${dropStragglers}x needs --workers MIN:MAX with MIN below MAX: ` +
      `--workers ${formatFleetSize(workers)} keeps all of them`,
  );
}

function requireSharesForAll({ batchSize, deterministic, allReduce }: TrainingConfig, workers: FleetSize): void {
  const remedy = 'use fewer workers or a larger batch';
  const asked = `--workers ${formatFleetSize(workers)}`;
  if (workers.max > batchSize) {
    throw badInput(`${asked} is more than --batch-size ${batchSize}: a worker would have no samples; ${remedy}`);
  }
  const microShard = microShardOf({ deterministic, batchSize });
  if (microShard === undefined) return;
  const microShards = leafCount(batchSize, microShard);
  if (workers.max > microShards) {
    throw badInput(
      `${asked} is more than the ${microShards} micro-shards of ${microShard} samples that --deterministic cuts ` +
        `--batch-size ${batchSize} into: a worker would have no samples; ${remedy}`,
    );
  }
  if (allReduce !== 'auto') {
    throw badInput(`--all-reduce ${allReduce}: --deterministic has a sum of its own; leave --all-reduce out`);
  }
}

/** A step may have as many samples as a batch. */
const mostSamplesPerStep = 1 << 20;

function requireLocalSteps(training: TrainingConfig): void {
  const { localSteps, batchSize, deterministic, outerLr, outerMomentum } = training;
  const outer = outerLr !== undefined ? 'outer-lr' : outerMomentum !== undefined ? 'outer-momentum' : undefined;
  if (localSteps === 1 && outer !== undefined) throw badInput(`--${outer} needs --local-steps 2 or more`);
  if (localSteps > 1 && deterministic === true) {
    throw badInput(
      `--local-steps ${localSteps}: --deterministic sums gradients after every update; leave one of them out`,
    );
  }
  if (samplesPerStep(training) <= mostSamplesPerStep) return;
  const most = Math.floor(mostSamplesPerStep / batchSize);
  throw badInput(`--local-steps must be at most ${most} with --batch-size ${batchSize}, got ${localSteps}`);
}

/** For `config.json`. Whether a run was resumed is not a setting of the run. */
function configOf({ resume: _, ...settings }: StartOptions['settings'], dataset: Dataset): object {
  const { name, source, digest, sha256, trainCount: train } = dataset;
  return {
    directory: process.cwd(),
    settings: writtenSettings(runSettings, settings),
    node: process.version,
    pennygrad: pennygradVersion,
    dataset: { name, source, digest, sha256, train },
  };
}

/** A name that sorts by time, describes the run and does not repeat: `20260102-030405-mnist-cnn-w2-4f1a`, or `…-w2-8-…`. */
function newRunId(now: Date, dataset: string, { model, workers }: RunSettings): string {
  const size = workers.min === workers.max ? workers.max : `${workers.min}-${workers.max}`;
  const time = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const name = basename(dataset)
    .replace(/[^\w-]+/g, '_')
    .slice(0, 30);
  return `${time}-${name}-${model}-w${size}-${randomBytes(2).toString('hex')}`;
}
