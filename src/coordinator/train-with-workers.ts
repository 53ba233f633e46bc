/** Training from the first bind to the last worker's goodbye. */
import { findSpentBudget, isBudgetNear, type TakenAndDue } from '../economics/ledger/budget.ts';
import { budgetOf } from '../settings/budget-settings.ts';
import { allReduceOfRun } from '../shared/collectives/registry.ts';
import { microShardOf } from '../shared/collectives/tree/micro-shards.ts';
import type { Clock } from '../shared/core/clock.ts';
import { messageOf, type PennygradError } from '../shared/core/errors.ts';
import { memoizedOrder } from '../shared/core/sampling.ts';
import type { Timers } from '../shared/core/timers.ts';
import { absoluteDataset } from '../shared/data/dataset-names.ts';
import type { TrainedSpec } from '../shared/model/model-spec.ts';
import { parameterCount } from '../shared/model/parameter-count.ts';
import { type ControlPlane, openControlPlane } from './control-plane.ts';
import type { Resumption } from './record/resumption.ts';
import {
  endOfFailure,
  endOfTraining,
  endWithoutCheckpoint,
  interrupted,
  type RunEnd,
  spentWhileWaiting,
} from './run-end.ts';
import type { RunObserver } from './run-events.ts';
import type { RunOptions } from './run-options.ts';
import { type Fleet, type TrainContext, type TrainOutcome, train } from './training/train.ts';

/** How often whoever watches is told that time passes, and a budget is looked at while nothing is trained. */
const tickMs = 1000;

/** Replicas compare their parameters every so many steps. */
const checksumEvery = 50;

export interface TrainingRun {
  readonly options: RunOptions;
  readonly spec: TrainedSpec;
  /** Where a resumed run goes on. */
  readonly resumption: Pick<Resumption, 'start' | 'generations'> | undefined;
  /** When the accounts of a resumed run were last drawn up, on `clock`. */
  readonly bookedUntil: number | undefined;
  readonly record: TrainContext['record'];
  readonly recordAt: TrainContext['recordAt'];
  /** Aborted when another process has taken the run over. */
  readonly lost: AbortSignal;
  readonly clock: Clock;
  /** When this process began, on `clock`. */
  readonly startedAt: number;
  readonly timers: Timers;
  readonly observe: RunObserver;
  readonly signal: AbortSignal;
  readonly onListening: (control: ControlPlane) => void;
  /** What the run has taken so far. */
  readonly spent: () => TakenAndDue;
  /** The USD of that. */
  readonly spentUsd: () => number;
  /** Resolves when no checkpoint is left to write: to why the newest one could not be written, if it could not. */
  readonly checkpointsWritten: () => Promise<PennygradError | undefined>;
}

/**
 * Waits for the workers, trains with them, and sends them away.
 * @returns how it ended, failures included
 * @throws bad-input when the address cannot be bound
 */
export async function trainWithWorkers(run: TrainingRun): Promise<RunEnd> {
  const { observe, signal, lost } = run;
  const control = await openControl(run);
  const giveWay = () => control.fail(lost.reason);
  lost.addEventListener('abort', giveWay);
  const stopTicks = run.timers.every(tickMs, () => tick(control, run));
  let failure: Error | undefined;
  try {
    observe({ type: 'listening', endpoint: control.endpoint });
    if (!signal.aborted) run.onListening(control);
    const end = await saved(endOfTraining(await trainOn(control, run)), run);
    failure = end.error;
    return end;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(messageOf(error));
    return await saved(endOfFailure(failure), run);
  } finally {
    stopTicks();
    lost.removeEventListener('abort', giveWay);
    await control.close(failure);
  }
}

/** How the run ended is not known before its last checkpoint is written. */
async function saved(end: RunEnd, { checkpointsWritten }: TrainingRun): Promise<RunEnd> {
  const failure = await checkpointsWritten();
  return failure === undefined ? end : endWithoutCheckpoint(end, failure);
}

/** While workers train, their reports move the ledger, and training looks at the budget. Otherwise only time does. */
function tick(control: ControlPlane, { options, observe, spent }: TrainingRun): void {
  observe({ type: 'tick' });
  if (control.hasBegun() && !control.isGathering()) return;
  const reason = findSpentBudget(budgetOf(options.budget), spent());
  if (reason !== undefined) control.fail(spentWhileWaiting(reason, waitingPhase(control)));
}

function openControl(run: TrainingRun): Promise<ControlPlane> {
  const { options, spec, resumption, bookedUntil, clock, startedAt, timers, observe } = run;
  const { runId, version, bind, dataset, training, membership, expected, assumePrice } = options;
  const { model, optimizer, seed } = spec;
  return openControlPlane({
    bind,
    run: runId,
    fleet: membership.workers,
    onLoss: membership.onLoss,
    expectedIds: expected?.map(({ workerId }) => workerId),
    timeoutSeconds: membership.timeout,
    identity: { version, model: { ...model, inputShape: [...model.inputShape] }, datasetDigest: dataset.digest, seed },
    parameterCount: parameterCount(spec.model),
    startedAt,
    bookedUntil,
    generationsBefore: resumption?.generations,
    // Workers may have been started elsewhere.
    datasetName: absoluteDataset(dataset.name, process.cwd()),
    optimizer,
    checksumEvery,
    defaultPriceUsdPerHour: membership.price,
    assumePrice,
    allReduce: allReduceOfRun(training.allReduce, {
      deterministic: training.deterministic,
      isCompressed: optimizer.compression !== undefined,
    }),
    microShard: microShardOf(training),
    skipNonfinite: training.skipNonfinite,
    orderOf: memoizedOrder(seed, dataset.trainCount),
    deterministic: training.deterministic,
    clock,
    timers,
    observe,
  });
}

async function trainOn(control: ControlPlane, run: TrainingRun): Promise<TrainOutcome> {
  const { resumption, record, recordAt, clock, observe, signal, spent, spentUsd } = run;
  const { training, dataset } = run.options;
  const budget = budgetOf(run.options.budget);
  const hasBudget = budget.usd !== undefined || budget.hours !== undefined;
  return train(
    waitInterruptibly(control, signal),
    { training, trainCount: dataset.trainCount, testCount: dataset.testCount, start: resumption?.start },
    {
      clock,
      observe,
      signal,
      // Asked before every step. Without a budget nobody has to know what is spent.
      findSpentBudget: hasBudget ? () => findSpentBudget(budget, spent()) : undefined,
      isBudgetNear: hasBudget ? () => isBudgetNear(budget, spent()) : undefined,
      spentUsd,
      record,
      recordAt,
    },
  );
}

function waitingPhase(control: ControlPlane): string {
  return control.hasBegun() ? 'while the run waited for workers' : 'before training began';
}

/** While the run waits for workers, Ctrl-C ends it at once: there is no step to finish. */
function waitInterruptibly(control: ControlPlane, signal: AbortSignal): Fleet {
  return {
    changeDue: control.changeDue,
    nextGeneration() {
      const giveUp = () => control.fail(interrupted(`interrupted ${waitingPhase(control)}`));
      signal.addEventListener('abort', giveUp);
      if (signal.aborted) giveUp();
      return control.nextGeneration().finally(() => signal.removeEventListener('abort', giveUp));
    },
  };
}
