import type { Budget } from '../../economics/ledger/budget.ts';
import { accruedCostUsd, pricePerHour } from '../../economics/ledger/cost.ts';
import { bookedUsd, ledgerCategories } from '../../economics/ledger/ledger.ts';
import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { ModelSpec, OptimizerSpec } from '../../shared/model/model-spec.ts';
import type { EpochEvent, LedgerEntry, LedgerEvent, MemberInfo, RunObserver, StepEvent } from '../run-events.ts';
import type { RunInfo } from './collectors/run-metrics.ts';
import type { Metrics } from './metrics.ts';

/** What the metrics say of the run itself. */
export interface ObservedRun {
  readonly runId: string;
  readonly version: string;
  readonly dataset: Pick<DatasetInfo, 'name'>;
  readonly model: Pick<ModelSpec, 'name'>;
  readonly optimizer: Pick<OptimizerSpec, 'name'>;
  readonly globalBatchSize: number;
  readonly seed: number;
  readonly budget: Budget;
  /** Workers that will come, where they are known. */
  readonly expected?: readonly { readonly workerId: string; readonly priceUsdPerHour: number | undefined }[];
}

/** The labels of `run_info`. */
export function runInfoOf(run: ObservedRun): RunInfo {
  return {
    run_id: run.runId,
    version: run.version,
    dataset: run.dataset.name,
    model: run.model.name,
    optimizer: run.optimizer.name,
    global_batch_size: String(run.globalBatchSize),
    seed: String(run.seed),
  };
}

/**
 * Turns a run's events into its metrics. Costs are those of the ledger, each time it is drawn up.
 * @param carried what the run cost before it was resumed: where its counters go on
 */
export function observeMetrics(metrics: Metrics, run: ObservedRun, carried: readonly LedgerEntry[] = []): RunObserver {
  let members: readonly MemberInfo[] = [];
  metrics.health.update({ run_id: run.runId });
  metrics.budget(run.budget);
  metrics.runInfo(runInfoOf(run));

  /** Of all workers together; undefined when none has a price. */
  const fleetPrice = () => pricePerHour(members.map(({ priceUsdPerHour }) => priceUsdPerHour));

  function beginCost(workerId: string, priceUsdPerHour: number | undefined): void {
    if (priceUsdPerHour !== undefined) metrics.costBegins(workerId);
  }

  function bookCosts({ entries }: Pick<LedgerEvent, 'entries'>): void {
    for (const { workerId, account } of entries) {
      // A worker that has no price now may have had one before the run was resumed.
      if (account.priceUsdPerHour === undefined && bookedUsd(account) === 0) continue;
      for (const category of ledgerCategories) metrics.costReached(workerId, category, account.usd[category]);
    }
  }

  bookCosts({ entries: carried });
  for (const { workerId, priceUsdPerHour } of run.expected ?? []) beginCost(workerId, priceUsdPerHour);

  function observeStep({ step, samples, loss, correct, seconds, members: steps }: StepEvent): void {
    const readings = steps.flatMap(({ rank, samples: share, phases }) => {
      const member = members[rank];
      return member === undefined ? [] : { workerId: member.workerId, share, phases };
    });
    metrics.stepCommitted({ samples, seconds, members: readings });
    metrics.scalingStep(
      seconds,
      readings.map(({ phases }) => phases),
    );
    metrics.learned('train', loss, correct / samples);
    metrics.waited(readings.map(({ workerId, phases }) => ({ workerId, waitSeconds: phases.wait })));
    for (const { workerId, share } of readings) metrics.workerShare(workerId, share / samples);
    const price = fleetPrice();
    if (price !== undefined) metrics.costOfSamples(price, metrics.samplesPerSecond());
    metrics.health.update({ step: step + 1 });
  }

  function observeEpoch({ testLoss, testAccuracy, seconds, usd, cutShort }: EpochEvent): void {
    metrics.learned('test', testLoss, testAccuracy);
    // Part of an epoch would look like a fast and cheap one.
    if (cutShort) return;
    metrics.epochFinished(seconds);
    const price = fleetPrice();
    if (price !== undefined) metrics.epochCost(usd ?? accruedCostUsd(price, seconds));
  }

  return (event) => {
    switch (event.type) {
      case 'generation':
        members = event.members;
        metrics.workersUp(event.members);
        metrics.gradientBytes(event.parameterCount * Float32Array.BYTES_PER_ELEMENT);
        for (const { workerId, backend, device, gpu, priceUsdPerHour } of event.members) {
          metrics.workerEngine(workerId, backend, device, gpu);
          if (priceUsdPerHour !== undefined) metrics.workerPrice(workerId, priceUsdPerHour);
        }
        metrics.health.update({ status: 'training', world_size: event.members.length });
        break;
      case 'worker-began':
        beginCost(event.workerId, event.priceUsdPerHour);
        break;
      case 'worker-lost':
        metrics.workerDown(event.workerId);
        break;
      case 'worker-heard':
        metrics.heartbeat(event.workerId, event.unixMs / 1000);
        if (event.gpu !== undefined) metrics.gpuRead(event.workerId, event.gpu);
        break;
      case 'frame-rejected':
        metrics.frameRejected(event.reason);
        break;
      case 'bytes':
        metrics.allReduceBytes(event.direction, event.bytes);
        break;
      case 'epoch-begun':
        metrics.epochBegun(event.epoch);
        metrics.scalingBegun();
        metrics.health.update({ epoch: event.epoch + 1 });
        break;
      case 'step':
        observeStep(event);
        break;
      case 'epoch':
        observeEpoch(event);
        break;
      case 'ledger':
        bookCosts(event);
        break;
      case 'ended':
        // A worker that finds such a loss leaves at once, before it could report it.
        if (event.code === 'diverged') metrics.learned('train', Number.NaN, Number.NaN);
        metrics.runEnded(event.status);
        metrics.health.update({ status: 'ended' });
        break;
    }
  };
}
