/** From the events of a run to the state of the live page. Pure: the time is passed in with each event. */
import { accruedCostUsd, aliveSeconds } from '../../economics/ledger/cost.ts';
import { plannedSamples } from '../../economics/ledger/pace.ts';
import {
  advanceProgress,
  beginProgress,
  type ProgressState,
  progressFigures,
} from '../../report/terminal/progress-state.ts';
import type { BudgetConfig } from '../../settings/budget-settings.ts';
import type { MembershipConfig } from '../../settings/membership-settings.ts';
import type { TrainingConfig } from '../../settings/training-settings.ts';
import { plannedSteps, samplesPerStep } from '../../shared/core/sampling.ts';
import type { DatasetInfo } from '../../shared/data/dataset.ts';
import type { LiveCost, LiveEpoch, LiveStage, LiveState } from '../../shared/protocol/live/live-state.ts';
import { advanceOutlook, beginOutlook, type Outlook, type OutlookReading, readOutlook } from '../record/outlook.ts';
import type { EpochEvent, RunEvent, StepEvent } from '../run-events.ts';
import { extendCurve, noCurve } from './curve.ts';
import { appendToLog, clip, describeEvent, type LogLine } from './live-log.ts';
import {
  addWorker,
  beginGeneration,
  changeWorker,
  type KnownMember,
  type LiveWorkers,
  markStragglers,
  removeWorker,
  stepWorkers,
} from './live-workers.ts';

/** The state of the page, and what it takes to update it. */
export interface LiveRecord {
  readonly state: LiveState;
  readonly progress: ProgressState;
  readonly members: readonly KnownMember[];
  readonly outlook: Outlook;
  /** Why frames were rejected so far. Each reason is logged once, because anybody can send frames. */
  readonly rejections: readonly string[];
}

export interface Moment {
  /** Seconds of a monotonic clock. */
  readonly now: number;
  readonly unixMs: number;
}

/** The settings of the run. */
export interface LivePlan {
  readonly runId: string;
  readonly version: string;
  readonly startedAtUnixMs: number;
  readonly dataset: Pick<DatasetInfo, 'name' | 'trainCount' | 'testCount'>;
  readonly training: TrainingConfig;
  readonly membership: MembershipConfig;
  readonly budget: BudgetConfig;
}

export interface LiveEnding {
  readonly status: 'completed' | 'interrupted' | 'failed';
  /** Why the run did not complete. */
  readonly reason?: string;
}

export function beginLive(plan: LivePlan): LiveRecord {
  const { runId, version, startedAtUnixMs, dataset, membership } = plan;
  const { model, optimizer, seed, epochs } = plan.training;
  const outlook = beginOutlook(plan);
  const { work } = outlook;
  return {
    state: {
      run: {
        runId,
        version,
        startedAtUnixMs,
        worldSize: membership.workers.max,
        seed,
        epochs,
        globalBatchSize: samplesPerStep(plan.training),
        dataset: dataset.name,
        model,
        optimizer,
        totalSteps: plannedSteps(work),
      },
      stage: { name: 'waiting' },
      progress: { epoch: 0, step: 0, elapsedSeconds: 0 },
      ...showBudget(plan.budget, undefined),
      workers: [],
      curve: noCurve,
      epochs: [],
      log: [],
    },
    progress: beginProgress({ epochs, samplesPerEpoch: work.trainCount, totalSamples: plannedSamples(work) }),
    members: [],
    outlook,
    rejections: [],
  };
}

export function advanceLive(before: LiveRecord, event: RunEvent, moment: Moment): LiveRecord {
  // Written out: there are hundreds of events a second, and to override fields of a copy takes several times as long.
  const metered: LiveRecord = {
    state: before.state,
    progress: before.progress,
    members: before.members,
    outlook: advanceOutlook(before.outlook, event, moment.now),
    rejections: before.rejections,
  };
  if (event.type === 'frame-rejected' && before.rejections.includes(event.reason)) return metered;
  const line = describeEvent(event, before.state.run.worldSize);
  return follow(line === undefined ? metered : log(metered, moment, line), event, moment);
}

function follow(record: LiveRecord, event: RunEvent, moment: Moment): LiveRecord {
  const { state } = record;
  const { workers } = state;
  switch (event.type) {
    case 'worker-joined': {
      const { workerId, host } = event;
      return change(record, { workers: addWorker(workers, { workerId, host, status: 'joined' }) });
    }
    case 'worker-ready': {
      const { workerId, backend, device } = event;
      const ready = { status: 'ready', backend, device: clip(device) } as const;
      return change(record, { workers: changeWorker(workers, workerId, ready) });
    }
    case 'worker-heard': {
      const gpuUtilization = event.gpu?.utilizationRatio;
      if (gpuUtilization === undefined) return record;
      return change(record, { workers: changeWorker(workers, event.workerId, { gpuUtilization }) });
    }
    case 'worker-lost':
      return changeWorkers(record, (all) => removeWorker(all, event.workerId, 'lost'));
    case 'slowdowns':
      return change(record, { workers: markStragglers(workers, event.members) });
    case 'worker-drained':
      return changeWorkers(record, (all) => removeWorker(all, event.workerId, 'done'));
    case 'waiting':
      return change(record, { stage: { name: 'waiting', reason: event.reason } });
    case 'generation': {
      const begun = changeWorkers(record, (all) => beginGeneration(all, event.members));
      const training = change(begun, { stage: { name: 'training' } });
      return tickLive(training, moment);
    }
    case 'resumed': {
      const { samples, epoch } = event;
      return { ...record, progress: beginProgress({ ...record.progress, carried: { samples, epoch } }) };
    }
    case 'went-on': {
      const { samplesBefore: samples, openEpoch: epoch } = event.record;
      return { ...record, progress: beginProgress({ ...record.progress, carried: { samples, epoch } }) };
    }
    case 'frame-rejected':
      return { ...record, rejections: [...record.rejections, event.reason] };
    case 'epoch-begun':
      return change(record, { stage: { name: 'training' }, progress: { ...state.progress, epoch: event.epoch + 1 } });
    case 'step':
      return takeStep(record, event);
    case 'epoch': {
      const { usdPerHour } = readOutlook(record.outlook, moment.now);
      const finished = finishedEpoch(state.progress.step, event, usdPerHour);
      return tickLive(change(record, { epochs: [...state.epochs, finished] }), moment);
    }
    // The last accounts are drawn up after the end of the run, and the page must show them too.
    case 'ledger':
      return showCosts(record, readOutlook(record.outlook, moment.now));
    default:
      return record;
  }
}

/** Updates elapsed time, costs, and what lies ahead. */
export function tickLive(record: LiveRecord, moment: Moment): LiveRecord {
  const { now, unixMs } = moment;
  const { state, progress } = record;
  if (hasEnded(state.stage)) return record;
  const { epoch, step } = state.progress;
  const elapsedSeconds = aliveSeconds(state.run.startedAtUnixMs, unixMs);
  const reading = readOutlook(record.outlook, now);
  if (step === 0) return showCosts(change(record, { progress: { epoch, step, elapsedSeconds } }), reading);
  const { loss, accuracy, samplesPerSecond } = progressFigures(progress);
  const { secondsLeft } = reading.projection;
  const eta = secondsLeft === undefined ? {} : { etaSeconds: secondsLeft };
  const ticked = { epoch, step, elapsedSeconds, loss, accuracy, samplesPerSecond, ...eta };
  return showCosts(change(record, { progress: ticked }), reading);
}

/** Only the last accounts may come after this. */
export function endLive(record: LiveRecord, { status, reason }: LiveEnding, moment: Moment): LiveRecord {
  if (hasEnded(record.state.stage)) return record;
  const completed = status === 'completed';
  const text = completed ? 'finished' : `${status}: ${reason ?? 'no reason given'}`;
  const logged = log(tickLive(record, moment), moment, { text, level: completed ? 'good' : 'bad' });
  const { etaSeconds: _, ...progress } = logged.state.progress;
  const ended = change(logged, {
    stage: { name: status, ...(reason === undefined ? {} : { reason: clip(reason) }) },
    progress,
    workers: logged.state.workers.map((worker) =>
      worker.status === 'training' ? { ...worker, status: 'done' } : worker,
    ),
  });
  // Nothing lies ahead any more.
  return showCosts(ended, readOutlook(ended.outlook, moment.now));
}

function hasEnded({ name }: LiveStage): boolean {
  return name === 'completed' || name === 'interrupted' || name === 'failed';
}

function takeStep(record: LiveRecord, event: StepEvent): LiveRecord {
  const { state } = record;
  const { loss, correct, seconds } = event;
  // The curve shows what was learned.
  const samples = event.skipped === undefined ? event.samples : 0;
  const step = event.step + 1;
  const progress = advanceProgress(record.progress, event);
  // The test pass begins after the last step of an epoch. No event says so.
  const testing = progressFigures(progress).done === 1;
  const { members, workers } = stepWorkers({ members: record.members, workers: state.workers }, event);
  const stepped = {
    workers,
    stage: testing ? ({ name: 'testing' } as const) : state.stage,
    progress: { ...state.progress, epoch: event.epoch + 1, step },
    curve: extendCurve(state.curve, { step, samples, lossSum: samples === 0 ? 0 : loss * samples, correct, seconds }),
  };
  return {
    state: { ...state, ...stepped },
    progress,
    members,
    outlook: record.outlook,
    rejections: record.rejections,
  };
}

/** @param usdPerHour undefined when no worker has a price */
function finishedEpoch(step: number, event: EpochEvent, usdPerHour: number | undefined): LiveEpoch {
  const { epoch, loss, accuracy, testLoss, testAccuracy, samples, seconds, usd, cutShort } = event;
  return {
    epoch: epoch + 1,
    step,
    loss,
    accuracy,
    testLoss,
    testAccuracy,
    seconds,
    samplesPerSecond: seconds > 0 ? samples / seconds : 0,
    ...(usdPerHour === undefined ? {} : { costUsd: usd ?? accruedCostUsd(usdPerHour, seconds) }),
    ...(cutShort ? { cutShort } : {}),
  };
}

/** Shows the latest accounts, plus price × the time since, and how long the budgets last. */
function showCosts(record: LiveRecord, reading: OutlookReading): LiveRecord {
  const { state, outlook } = record;
  const { usd, usdByWorker, billedUsdAfter, projection } = reading;
  const ended = hasEnded(state.stage);
  const usdPerHour = ended ? state.cost?.usdPerHour : reading.usdPerHour;
  const budgeted = change(record, showBudget(outlook.budget, ended ? undefined : projection.budgetSecondsLeft));
  if (usdPerHour === undefined && usd === 0) return budgeted;
  const last = state.epochs.findLast(({ cutShort }) => !cutShort)?.costUsd;
  const projected = ended ? undefined : projection.projectedUsd;
  const cost: LiveCost = {
    usd,
    usdPerHour: usdPerHour ?? 0,
    billedUsd: billedUsdAfter(0),
    ...(last === undefined ? {} : { lastEpochUsd: last }),
    ...(projected === undefined ? {} : { projectedUsd: projected }),
  };
  const workers = state.workers.map((worker) => {
    const costUsd = usdByWorker.get(worker.workerId);
    return costUsd === undefined ? worker : { ...worker, costUsd };
  });
  return change(budgeted, { cost, workers });
}

function showBudget(
  { budgetUsd: usd, budgetHours, budgetBasis: basis }: BudgetConfig,
  secondsLeft: number | undefined,
): Pick<LiveState, 'budget'> {
  if (usd === undefined && budgetHours === undefined) return {};
  return {
    budget: {
      basis,
      ...(usd === undefined ? {} : { usd }),
      ...(secondsLeft === undefined ? {} : { secondsLeft }),
    },
  };
}

function change(record: LiveRecord, changes: Partial<LiveState>): LiveRecord {
  return { ...record, state: { ...record.state, ...changes } };
}

function changeWorkers(record: LiveRecord, transition: (all: LiveWorkers) => LiveWorkers): LiveRecord {
  const { members, workers } = transition({ members: record.members, workers: record.state.workers });
  return { ...change(record, { workers }), members };
}

function log(record: LiveRecord, { unixMs }: Moment, line: LogLine): LiveRecord {
  return change(record, { log: appendToLog(record.state.log, unixMs, line) });
}
