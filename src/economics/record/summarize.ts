import { sumOf } from '../../shared/core/sums.ts';
import type { Budget } from '../ledger/budget.ts';
import { accruedCostUsd, secondsPerHour } from '../ledger/cost.ts';
import { rentalRule, type SourcedBillingRule } from '../prices/billing-rules.ts';
import { type EpochTotals, epochMeans } from './epoch-totals.ts';
import { extrapolateEpoch } from './extrapolated-epoch.ts';
import { findFleetChanges } from './fleet-change.ts';
import { effectiveUsdPerHour } from './interruption.ts';
import { summarizeInterruptions } from './interruption-summary.ts';
import type { DepartedWorker, EpochRecord, RunRecord, WorkerRecord } from './run-record.ts';
import type { EpochSummary, Summary, WorkerSummary } from './summary.ts';
import { timeToAccuracy } from './time-to-accuracy.ts';

/** Fleet changes that are kept, the latest: a run on spot machines may have thousands. */
const mostFleetChanges = 100;

/** Derives rates, shares and costs from a run's record. */
export function summarize(record: RunRecord): Summary {
  const { dataset, model, reason, workers, departedWorkers = [], interruptions = [] } = record;
  const { openEpoch, formerWorkers } = record;
  const price = sumOf(workers.map(({ priceUsdPerHour }) => priceUsdPerHour ?? 0));
  const workerSummaries = workers.map(summarizeWorker);
  const fleetChanges = findFleetChanges(record.fleets);
  const summary: Summary = {
    run_id: record.runId,
    version: record.version,
    status: record.status,
    reason,
    started_at: new Date(record.startedAtUnixMs).toISOString(),
    dataset: {
      name: dataset.name,
      train: dataset.trainCount,
      test: dataset.testCount,
      source: dataset.source,
      sha256: { ...dataset.sha256 },
      fallback_reason: dataset.fallbackReason,
    },
    model: { name: model.name, parameters: model.parameters },
    backend: [...new Set(workers.map(({ backend }) => backend))].sort().join('+'),
    world_size: workers.length,
    global_batch_size: record.globalBatchSize,
    local_steps: record.localSteps === 1 ? undefined : record.localSteps,
    seed: record.seed,
    deterministic: record.deterministic === true ? true : undefined,
    compression: record.compression,
    budget: summarizeBudget(record.budget),
    steps: record.steps,
    skipped_steps: record.skippedSteps || undefined,
    epochs: record.epochs.map((epoch) => summarizeEpoch(epoch, price)),
    interrupted_epoch: openEpoch && summarizeOpenEpoch(openEpoch, price),
    workers: workerSummaries,
    departed_workers: departedWorkers.length === 0 ? undefined : departedWorkers.map(summarizeDeparted),
    interruptions: summarizeInterruptions(interruptions),
    fleet_changes: fleetChanges.length === 0 ? undefined : fleetChanges.slice(-mostFleetChanges),
    gaps: record.gaps.length === 0 ? undefined : [...record.gaps],
    test_accuracy: record.epochs.at(-1)?.testAccuracy ?? null,
    train_seconds: record.trainSeconds,
    samples_per_second: ratioOf(record.samples, record.trainSeconds),
    seconds_to_first_step: record.secondsToFirstStep ?? null,
    coordinator_cpu_share: ratioOf(record.coordinatorCpuSeconds, record.trainSeconds - record.trainSecondsBefore),
    price_usd_per_hour: workers.some(({ priceUsdPerHour }) => priceUsdPerHour !== undefined) ? price : undefined,
    ...summarizeEffectivePrice([...workers, ...departedWorkers]),
    cost_usd_total: sumOf(workerSummaries.map(({ cost_usd }) => cost_usd)) + formerWorkers.costUsd,
    billed_usd_total: sumOf(workerSummaries.map(({ billed_usd }) => billed_usd)) + formerWorkers.billedUsd,
    former_workers_cost_usd: formerWorkers.costUsd,
    former_workers_billed_usd: formerWorkers.billedUsd,
    rentals: sumOf(workers.map(({ booked }) => booked.rentals)) + formerWorkers.rentals,
    time_to_accuracy: [...timeToAccuracy(record.epochs, record.milestones)],
    replicas_identical: record.replicas?.identical ?? null,
    replicas_difference: record.replicas?.difference ?? null,
  };
  const extrapolated = extrapolateEpoch(record, summary, price);
  return extrapolated === undefined ? summary : { ...summary, extrapolated_epoch: extrapolated };
}

/** Every worker that ever trained counts, wherever it is now. */
function summarizeEffectivePrice(workers: readonly Pick<WorkerRecord, 'booked'>[]) {
  const usd = sumOf(workers.map(({ booked }) => sumOf(Object.values(booked.usd))));
  const effective = effectiveUsdPerHour(usd, sumOf(workers.map(({ booked }) => booked.seconds.compute)));
  if (effective === undefined) return {};
  const alive = sumOf(workers.map(({ booked }) => sumOf(Object.values(booked.seconds))));
  return { effective_usd_per_hour: effective, paid_usd_per_hour: (usd * secondsPerHour) / alive };
}

function summarizeDeparted(worker: DepartedWorker): NonNullable<Summary['departed_workers']>[number] {
  const { booked } = worker;
  return {
    worker_id: worker.workerId,
    backend: worker.backend,
    device: worker.device,
    gpu: worker.gpu,
    emulated_speed: worker.emulatedSpeed,
    price_usd_per_hour: worker.priceUsdPerHour,
    price_assumed: worker.priceAssumed,
    samples: worker.samples,
    alive_seconds: sumOf(Object.values(booked.seconds)),
    rentals: booked.rentals,
    cost_usd: sumOf(Object.values(booked.usd)),
    billed_usd: booked.billedUsd,
    seconds_by_category: { ...booked.seconds },
    cost_usd_by_category: { ...booked.usd },
    left: worker.left,
  };
}

function summarizeBudget(budget: Budget | undefined): Summary['budget'] {
  if (budget === undefined || (budget.usd === undefined && budget.hours === undefined)) return undefined;
  return { usd: budget.usd, hours: budget.hours, basis: budget.basis };
}

/** @param price USD per hour of all workers together, for an epoch whose cost was not recorded */
function summarizeEpoch(epoch: EpochRecord, price: number): EpochSummary {
  return {
    epoch: epoch.epoch + 1,
    loss: finiteOrNull(epoch.loss),
    accuracy: epoch.accuracy,
    test_loss: finiteOrNull(epoch.testLoss),
    test_accuracy: epoch.testAccuracy,
    seconds: epoch.seconds,
    evaluate_seconds: epoch.evaluateSeconds,
    samples: epoch.samples,
    samples_per_second: ratioOf(epoch.samples, epoch.seconds),
    cost_usd: epoch.usd ?? accruedCostUsd(price, epoch.seconds),
    cut_short: epoch.cutShort,
  };
}

function summarizeOpenEpoch(totals: EpochTotals, price: number) {
  const { epoch, samples, seconds, usd } = totals;
  const { loss, accuracy } = epochMeans(totals);
  return {
    epoch: epoch + 1,
    samples,
    seconds,
    loss: finiteOrNull(loss),
    accuracy,
    samples_per_second: ratioOf(samples, seconds),
    cost_usd: usd ?? accruedCostUsd(price, seconds),
  };
}

function summarizeWorker(worker: WorkerRecord): WorkerSummary {
  const { priceUsdPerHour, emulatedSpeed, booked } = worker;
  const { compute, communicate, wait, load } = booked.seconds;
  const inSteps = compute + communicate + wait + load;
  return {
    worker_id: worker.workerId,
    rank: worker.rank,
    backend: worker.backend,
    device: worker.device,
    threads: worker.threads,
    host: worker.host,
    samples: worker.samples,
    alive_seconds: sumOf(Object.values(booked.seconds)),
    compute_seconds: compute,
    communicate_seconds: communicate,
    wait_seconds: wait,
    load_seconds: load,
    compute_share: ratioOf(compute, inSteps),
    communicate_share: ratioOf(communicate, inSteps),
    wait_share: ratioOf(wait, inSteps),
    load_share: ratioOf(load, inSteps),
    emulated_speed: emulatedSpeed,
    price_usd_per_hour: priceUsdPerHour,
    ...summarizePrice(worker),
    cost_usd: sumOf(Object.values(booked.usd)),
    seconds_by_category: { ...booked.seconds },
    cost_usd_by_category: { ...booked.usd },
    left: worker.left,
  };
}

/** Where the price comes from, and what the provider bills. */
function summarizePrice({ priceOrigin, priceAssumed, gpu, booked }: WorkerRecord) {
  const rule = rentalRule(gpu);
  return {
    gpu,
    price_source: priceOrigin?.source,
    price_date: priceOrigin?.date,
    price_assumed: priceAssumed,
    billed_usd: booked.billedUsd,
    rentals: booked.rentals,
    billing: rule && describeBilling(rule),
  };
}

function describeBilling({ provider, granularitySeconds, minimumSeconds, source, date }: SourcedBillingRule) {
  return { provider, granularity_seconds: granularitySeconds, minimum_seconds: minimumSeconds, source, date };
}

/** 0 for an empty whole, rather than NaN. */
function ratioOf(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
