/** A life of the coordinator's process: the real coordinator, as `run.ts` and `train-with-workers.ts` put it together. */
import { type ControlPlane, openControlPlane } from '../../../src/coordinator/control-plane.ts';
import { publishTo } from '../../../src/coordinator/publish-events.ts';
import { createBookkeeper } from '../../../src/coordinator/record/bookkeeper.ts';
import type { Resumption } from '../../../src/coordinator/record/resumption.ts';
import { endOfFailure, endOfTraining, type RunEnd } from '../../../src/coordinator/run-end.ts';
import type { LedgerEntry, RunEvent } from '../../../src/coordinator/run-events.ts';
import { train } from '../../../src/coordinator/training/train.ts';
import type { TrainedSpec } from '../../../src/shared/model/model-spec.ts';
import type { FaultyNetwork } from '../../support/faulty-network.ts';
import { trainingConfig } from '../../support/settings.ts';
import { createSimulatedProcess, type SimulatedProcess } from '../../support/simulated-process.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';
import { datasetOf, model, optimizer, optimizerOf, seed, testCount, type Workload } from './plain-loop.ts';
import type { RunRecord } from './run-record.ts';
import { type Schedule, timeoutSeconds } from './schedule.ts';

export interface CoordinatorLife {
  readonly process: SimulatedProcess;
  /** Undefined until it listens. */
  control: ControlPlane | undefined;
  /** Settles when the run has ended; never, if the process is killed. */
  readonly end: Promise<RunEnd>;
  /** The last accounts. */
  closeBooks(): readonly LedgerEntry[] | undefined;
}

export interface CoordinatorSurroundings {
  readonly time: VirtualTime;
  readonly network: Pick<FaultyNetwork, 'bindFrom'>;
  readonly record: RunRecord;
  /** Told of everything that the process still lives to tell; of a step, when it is on record. */
  readonly observe: (event: RunEvent) => void;
  /** Training is over. */
  readonly onOver: (end: RunEnd) => void;
}

export function specOf({ workload, compression }: Pick<Schedule, 'workload' | 'compression'>): TrainedSpec {
  return { model, optimizer: { ...optimizerOf(workload), compression }, seed };
}

const tickMs = 1000;
const usualTraining = trainingConfig({ lr: optimizer.learningRate });

export function trainingOf({ epochs, batchSize }: Workload, checkpointEvery?: number) {
  return { ...usualTraining, epochs, batchSize, checkpointEvery };
}

/** @throws bad-input where the run is to be resumed and nothing is left of it to do */
export function beginCoordinator(schedule: Schedule, surroundings: CoordinatorSurroundings): CoordinatorLife {
  const { time, record } = surroundings;
  const process = createSimulatedProcess(time);
  const resumption = record.read();
  const startedAt = time.clock.now();
  const books = createBookkeeper({ clock: time.clock, startedAt, carried: resumption?.accounts });
  const writer = record.openFor(process);
  const note = (event: RunEvent) => {
    if (event.type !== 'step' || event.generation !== undefined) surroundings.observe(event);
  };
  const publish = publishTo([note, writer.observe], books.observe);
  const observe = (event: RunEvent) => {
    if (process.isAlive()) publish(event);
  };
  const life: CoordinatorLife = {
    process,
    control: undefined,
    end: carryOut(),
    closeBooks: () => books.close()?.entries,
  };
  return life;

  async function carryOut(): Promise<RunEnd> {
    const { workload, checkpointEvery } = schedule;
    if (resumption !== undefined) {
      const { record: before, samplesBefore } = resumption;
      observe({ type: 'resumed', step: before.steps, samples: samplesBefore, epoch: before.openEpoch });
    }
    const control = await open(schedule, resumption, process, startedAt, observe, surroundings);
    life.control = control;
    const stopTicks = process.timers.every(tickMs, () => observe({ type: 'tick' }));
    observe({ type: 'listening', endpoint: control.endpoint });
    const training = trainingOf(workload, checkpointEvery);
    const { trainCount } = workload;
    const knownGaps = resumption?.record.gaps ?? [];
    const stepsBefore = resumption?.start.stepsBefore ?? 0;
    const end = await train(
      control,
      { training, trainCount, testCount, start: resumption?.start },
      {
        clock: time.clock,
        observe,
        signal: new AbortController().signal,
        spentUsd: () => books.spent().usd,
        record(step) {
          if (!process.isAlive()) return;
          writer.record(step);
          surroundings.observe(step);
        },
        recordAt: (step, savedStep, isFollowed) =>
          record.recordAt({ step, savedStep, isFollowed, stepsBefore, knownGaps }),
      },
    ).then(endOfTraining, endOfFailure);
    await writer.checkpointsWritten();
    surroundings.onOver(end);
    stopTicks();
    await control.close(end.error);
    observe({ type: 'ended', status: end.status, code: end.error?.code });
    return end;
  }
}

function open(
  schedule: Schedule,
  resumption: Resumption | undefined,
  process: SimulatedProcess,
  startedAt: number,
  observe: (event: RunEvent) => void,
  { time: { clock }, network }: CoordinatorSurroundings,
): Promise<ControlPlane> {
  const {
    min,
    max,
    onLoss,
    checksumEvery,
    isLocal,
    workers,
    workload,
    chunkFloats,
    hosts,
    allReduce = 'mesh',
  } = schedule;
  const bookedUnixMs = resumption?.bookedUntilUnixMs;
  return openControlPlane({
    bind: 'memory',
    run: 'run-1',
    fleet: { min, max },
    onLoss,
    checksumEvery,
    identity: { version: '1', model, datasetDigest: datasetOf(workload).digest, seed },
    parameterCount: 2,
    startedAt,
    bookedUntil: bookedUnixMs && Math.min(startedAt, startedAt - (clock.unixMs() - bookedUnixMs) / 1000),
    generationsBefore: resumption?.generations,
    timeoutSeconds,
    datasetName: 'toy',
    optimizer: specOf(schedule).optimizer,
    defaultPriceUsdPerHour: 1,
    expectedIds: isLocal ? idsOf(workers) : undefined,
    allReduce: hosts === undefined ? 'star' : allReduce,
    chunkFloats,
    observe,
    clock,
    timers: process.timers,
    bindSocket: network.bindFrom(process),
  });
}

/** The workers that come at first. */
export function idsOf(workers: number): readonly string[] {
  return Array.from({ length: workers }, (_, index) => `w${index}`);
}
