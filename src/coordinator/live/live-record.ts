/** From a run's events to what the live page shows of it. Pure: the time comes with each event. */
import { accruedCostUsd, aliveSeconds } from '../../economics/ledger/cost.ts';
import {
  advanceProgress,
  beginProgress,
  type ProgressState,
  progressFigures,
} from '../../report/terminal/progress-state.ts';
import { formatPercent } from '../../shared/core/number-format.ts';
import { noPhaseSeconds, type PhaseSeconds } from '../../shared/core/phases.ts';
import { stepsPerEpoch } from '../../shared/core/sampling.ts';
import type { LiveCost, LiveStage, LiveState, LiveWorker, LogEntry } from '../../shared/protocol/live/live-state.ts';
import { advanceMeter, type CostMeter, newCostMeter, readMeter } from '../record/cost-meter.ts';
import type { MemberInfo, RunEvent, StepEvent } from '../run-events.ts';
import { extendCurve, noCurve } from './curve.ts';
import { phaseRatios, recentPhases } from './recent-phases.ts';

/** What the page shows, and what it takes to go on from there. */
export interface LiveRecord {
  readonly state: LiveState;
  readonly progress: ProgressState;
  readonly members: readonly KnownMember[];
  readonly meter: CostMeter;
  /** Why frames were rejected so far: each reason is logged once, since strangers could fill the log otherwise. */
  readonly rejections: readonly string[];
}

interface KnownMember {
  readonly info: MemberInfo;
  readonly recent: PhaseSeconds;
  /** From then on it costs nothing. */
  readonly lost: boolean;
}

export interface Moment {
  /** Seconds that never go backwards. */
  readonly now: number;
  readonly unixMs: number;
}

/** What a run was told. */
export interface LivePlan {
  readonly runId: string;
  readonly version: string;
  readonly startedAtUnixMs: number;
  readonly worldSize: number;
  readonly dataset: { readonly name: string; readonly trainCount: number };
  readonly model: { readonly name: string };
  readonly optimizer: { readonly name: string };
  readonly seed: number;
  readonly epochs: number;
  readonly maxSteps: number | undefined;
  readonly globalBatchSize: number;
  readonly budgetUsd?: number | undefined;
}

/** How a run ended; the reason is that of a run that did not complete. */
export interface LiveEnding {
  readonly status: 'completed' | 'interrupted' | 'failed';
  readonly reason?: string;
}

/** Entries of the log that are kept, and the characters of each: workers' own words are as long as they like. */
const keptEntries = 100;
const longestText = 300;

export function beginLive(plan: LivePlan, { now }: Moment): LiveRecord {
  const { trainCount } = plan.dataset;
  const allSteps = plan.epochs * stepsPerEpoch(trainCount, plan.globalBatchSize);
  const totalSamples = Math.min(plan.epochs * trainCount, (plan.maxSteps ?? Infinity) * plan.globalBatchSize);
  const { runId, version, startedAtUnixMs, worldSize, seed, epochs, globalBatchSize, budgetUsd } = plan;
  return {
    state: {
      run: {
        runId,
        version,
        startedAtUnixMs,
        worldSize,
        seed,
        epochs,
        globalBatchSize,
        dataset: plan.dataset.name,
        model: plan.model.name,
        optimizer: plan.optimizer.name,
        totalSteps: Math.min(allSteps, plan.maxSteps ?? Infinity),
      },
      stage: { name: 'waiting' },
      progress: { epoch: 0, step: 0, elapsedSeconds: 0 },
      ...(budgetUsd === undefined ? {} : { budgetUsd }),
      workers: [],
      curve: noCurve,
      epochs: [],
      log: [],
    },
    progress: beginProgress({ epochs, samplesPerEpoch: trainCount, totalSamples }, now),
    members: [],
    meter: newCostMeter,
    rejections: [],
  };
}

export function advanceLive(before: LiveRecord, event: RunEvent, moment: Moment): LiveRecord {
  const record = { ...before, meter: advanceMeter(before.meter, event, moment.now) };
  const { state } = record;
  const logged = (text: string, level: LogEntry['level'] = 'info') => log(record, moment, text, level);
  switch (event.type) {
    case 'listening':
      return logged(`waiting for ${state.run.worldSize === 1 ? 'a worker' : `${state.run.worldSize} workers`}`);
    case 'worker-joined': {
      const { workerId, host } = event;
      const others = state.workers.filter((worker) => worker.workerId !== workerId);
      const workers = [...others, { workerId, host, status: 'joined' } as const];
      return change(logged(`${workerId} joined from ${host}`), { workers });
    }
    case 'worker-ready': {
      const { workerId, backend, device } = event;
      const ready = changeWorker(state, workerId, { status: 'ready', backend, device: clip(device) });
      return change(logged(`${workerId} is ready: ${backend} (${device})`), ready);
    }
    case 'worker-refused':
      return logged(`refused ${event.workerId}: ${event.reason}`, 'bad');
    case 'worker-heard':
      if (event.gpu?.utilizationRatio === undefined) return record;
      return change(record, changeWorker(state, event.workerId, { gpuUtilization: event.gpu.utilizationRatio }));
    case 'generation':
      return tickLive(
        {
          ...change(logged(`training begins: ${event.reason}`, 'good'), {
            stage: { name: 'training' },
            workers: event.members.map(memberWorker),
          }),
          members: event.members.map((info) => ({ info, recent: noPhaseSeconds, lost: false })),
          progress: beginProgress(record.progress, moment.now),
        },
        moment,
      );
    case 'worker-lost':
      return loseWorker(logged(`lost ${event.workerId}: ${event.reason}`, 'bad'), event.workerId);
    case 'frame-rejected': {
      if (record.rejections.includes(event.reason)) return record;
      const text = `rejected a frame (${event.reason}): ${event.detail}; more like it are counted in /metrics`;
      return { ...logged(text, 'bad'), rejections: [...record.rejections, event.reason] };
    }
    case 'epoch-begun':
      return change(record, {
        stage: { name: 'training' },
        progress: { ...state.progress, epoch: event.epoch + 1 },
      });
    case 'step':
      return takeStep(record, event, moment);
    case 'shares':
      return logged(`from step ${event.step + 1} ${event.reason}`);
    case 'epoch': {
      const { epoch, loss, accuracy, testLoss, testAccuracy, samples, seconds, usd, cutShort } = event;
      const rate = fleetPrice(record);
      const costUsd = rate === undefined ? {} : { costUsd: usd ?? accruedCostUsd(rate, seconds) };
      const finished = {
        epoch: epoch + 1,
        step: state.progress.step,
        loss,
        accuracy,
        testLoss,
        testAccuracy,
        seconds,
        samplesPerSecond: seconds > 0 ? samples / seconds : 0,
        ...costUsd,
        ...(cutShort ? { cutShort } : {}),
      };
      const text = `epoch ${epoch + 1} ${cutShort ? 'cut short' : 'finished'}: test accuracy ${formatPercent(testAccuracy, 2)}`;
      return tickLive(change(logged(text, 'good'), { epochs: [...state.epochs, finished] }), moment);
    }
    case 'checkpoint':
      return logged(`checkpoint at step ${event.checkpoint.step}`);
    case 'predictions':
    // The page is told by whoever knows the reason too.
    case 'ended':
    case 'spent':
    case 'worker-began':
    case 'worker-ended':
      return record;
    // The last accounts are drawn up when the run has ended: the page ends with them too.
    case 'ledger':
      return showCosts(record, moment);
    case 'resumed':
      return logged(`goes on after step ${event.step}`);
    default:
      return event satisfies never;
  }
}

/** The time has passed: elapsed seconds and costs are what they are now. */
export function tickLive(record: LiveRecord, moment: Moment): LiveRecord {
  const { now, unixMs } = moment;
  const { state, progress } = record;
  if (hasEnded(state.stage)) return record;
  const { step } = state.progress;
  const figures = progressFigures(progress, now);
  const seen =
    step === 0
      ? {}
      : {
          loss: figures.loss,
          accuracy: figures.accuracy,
          samplesPerSecond: figures.samplesPerSecond,
          ...(figures.etaSeconds === undefined ? {} : { etaSeconds: figures.etaSeconds }),
        };
  const elapsedSeconds = aliveSeconds(state.run.startedAtUnixMs, unixMs);
  const ticked = change(record, { progress: { epoch: state.progress.epoch, step, elapsedSeconds, ...seen } });
  return showCosts(ticked, moment);
}

/** What the accounts had when they were last drawn up, and the price of the time since. */
function showCosts(record: LiveRecord, { now }: Moment): LiveRecord {
  const { state } = record;
  const usdPerHour = fleetPrice(record);
  const { usd, usdByWorker } = readMeter(record.meter, now);
  if (usdPerHour === undefined && usd === 0) return record;
  const last = state.epochs.findLast(({ cutShort }) => !cutShort)?.costUsd;
  const cost: LiveCost = { usd, usdPerHour: usdPerHour ?? 0, ...(last === undefined ? {} : { lastEpochUsd: last }) };
  const workers = state.workers.map((worker) => {
    const costUsd = usdByWorker.get(worker.workerId);
    return costUsd === undefined ? worker : { ...worker, costUsd };
  });
  return change(record, { cost, workers });
}

/** How it ended. Only the last accounts come after it. */
export function endLive(record: LiveRecord, { status, reason }: LiveEnding, moment: Moment): LiveRecord {
  if (hasEnded(record.state.stage)) return record;
  const ended = status === 'completed' ? 'finished' : `${status}: ${reason ?? 'no reason given'}`;
  const logged = log(tickLive(record, moment), moment, ended, status === 'completed' ? 'good' : 'bad');
  const { etaSeconds: _, ...progress } = logged.state.progress;
  return change(logged, {
    stage: { name: status, ...(reason === undefined ? {} : { reason: clip(reason) }) },
    progress,
    workers: logged.state.workers.map((worker) =>
      worker.status === 'training' ? { ...worker, status: 'done' } : worker,
    ),
  });
}

function hasEnded({ name }: LiveStage): boolean {
  return name === 'completed' || name === 'interrupted' || name === 'failed';
}

function takeStep(record: LiveRecord, event: StepEvent, { now }: Moment): LiveRecord {
  const { state } = record;
  const { samples, loss, correct, seconds } = event;
  const step = event.step + 1;
  const progress = advanceProgress(record.progress, event);
  const partOf = (workerId: string) => event.members.find((member) => member.workerId === workerId);
  const members = record.members.map((known) => {
    const part = partOf(known.info.workerId);
    return part === undefined ? known : { ...known, recent: recentPhases(known.recent, part.phases, seconds) };
  });
  const workers = state.workers.map((worker) => {
    const part = partOf(worker.workerId);
    if (part === undefined) return worker;
    const { recent = noPhaseSeconds } = members.find(({ info }) => info.workerId === worker.workerId) ?? {};
    const phases = phaseRatios(recent);
    return { ...worker, share: part.samples / samples, ...(phases === undefined ? {} : { phases }) };
  });
  // After the last step of an epoch the test pass begins, of which no event tells.
  const testing = progressFigures(progress, now).done === 1;
  return {
    ...change(record, {
      ...(testing ? { stage: { name: 'testing' } as const } : {}),
      progress: { ...state.progress, epoch: event.epoch + 1, step },
      curve: extendCurve(state.curve, { step, samples, lossSum: loss * samples, correct, seconds }),
      workers,
    }),
    progress,
    members,
  };
}

function loseWorker(record: LiveRecord, workerId: string): LiveRecord {
  const { state, members } = record;
  // One that never trained may come back under another name any number of times.
  if (!members.some(({ info }) => info.workerId === workerId))
    return change(record, { workers: state.workers.filter((worker) => worker.workerId !== workerId) });
  return {
    ...change(record, changeWorker(state, workerId, { status: 'lost' })),
    members: members.map((member) => (member.info.workerId === workerId ? { ...member, lost: true } : member)),
  };
}

/** USD per hour of all workers that are there and have a price; undefined when none has one. */
function fleetPrice({ members }: LiveRecord): number | undefined {
  const priced = members.filter(({ info }) => info.priceUsdPerHour !== undefined);
  if (priced.length === 0) return undefined;
  return priced.reduce((sum, { info, lost }) => sum + (lost ? 0 : (info.priceUsdPerHour ?? 0)), 0);
}

function memberWorker({ workerId, host, backend, device, priceUsdPerHour }: MemberInfo): LiveWorker {
  const price = priceUsdPerHour === undefined ? {} : { priceUsdPerHour };
  return { workerId, host, backend, device: clip(device), status: 'training', ...price };
}

function change(record: LiveRecord, changes: Partial<LiveState>): LiveRecord {
  return { ...record, state: { ...record.state, ...changes } };
}

function changeWorker({ workers }: LiveState, workerId: string, changes: Partial<LiveWorker>): Partial<LiveState> {
  return { workers: workers.map((worker) => (worker.workerId === workerId ? { ...worker, ...changes } : worker)) };
}

function log(record: LiveRecord, { unixMs }: Moment, text: string, level: LogEntry['level']): LiveRecord {
  const { log: before } = record.state;
  const entry = { id: (before.at(-1)?.id ?? 0) + 1, unixMs, level, text: clip(text) };
  return change(record, { log: [...before, entry].slice(-keptEntries) });
}

function clip(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
}
