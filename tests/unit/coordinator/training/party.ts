/**
 * A coordinator and workers in one process, with an engine small enough to check by hand. Messages travel in memory and
 * time is virtual, unless a test asks for sockets.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  openControlPlane,
} from '../../../../src/coordinator/control-plane.ts';
import type { RunEvent, RunObserver } from '../../../../src/coordinator/run-events.ts';
import {
  type TrainContext,
  type TrainOutcome,
  type TrainSettings,
  train,
} from '../../../../src/coordinator/training/train.ts';
import type { TrainingConfig } from '../../../../src/settings/training-settings.ts';
import { systemClock } from '../../../../src/shared/core/clock.ts';
import { systemTimers } from '../../../../src/shared/core/timers.ts';
import type { Dataset } from '../../../../src/shared/data/dataset.ts';
import { runWorker, type WorkerDependencies, type WorkerOptions } from '../../../../src/worker/run-worker.ts';
import { createMemoryNetwork, type MemoryNetwork } from '../../../support/memory-network.ts';
import { trainingConfig } from '../../../support/settings.ts';
import { type ToyFaults, toyDataset, toyProvider } from '../../../support/toy-engine.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';

export const model = { name: 'softmax' as const, inputShape: [1, 1, 1] as [number, number, number], classes: 2 };
export const dataset = toyDataset(50);
export const settings = { epochs: 3, batchSize: 16 };

/** What a worker without faults computes for in each step. */
const computeMs = 5;

/** Where a party takes place. */
export interface Place
  extends Pick<ControlPlaneOptions, 'clock' | 'timers' | 'timeoutSeconds' | 'bindSocket'>,
    Pick<WorkerDependencies, 'connectSocket'> {
  sleep(milliseconds: number): Promise<void>;
  /** Lets time pass until the promise settles. */
  until<Value>(promise: Promise<Value>): Promise<Value>;
}

/** Where a coordinator may be killed, and another one come in its place. */
export interface CrashingPlace extends Place {
  readonly crash: MemoryNetwork['crash'];
}

export function inVirtualTime(): CrashingPlace {
  const { clock, timers, until } = createVirtualTime();
  return {
    clock,
    timers,
    timeoutSeconds: 5,
    until,
    ...createMemoryNetwork(timers),
    sleep: (milliseconds) => new Promise((resolve) => timers.after(milliseconds, resolve)),
  };
}

export const overSockets: Place = {
  clock: systemClock,
  timers: systemTimers,
  // A deadline for what hangs, not for a slow machine.
  timeoutSeconds: 60,
  sleep,
  until: (promise) => promise,
};

export interface Party extends Pick<Place, 'clock' | 'sleep' | 'until'> {
  readonly control: ControlPlane;
  readonly events: RunEvent[];
  /** Connects a worker; the promise is its life. */
  join(
    workerId: string,
    faults?: ToyFaults,
    options?: Partial<WorkerOptions>,
    data?: Dataset | (() => Promise<Dataset>),
    dependencies?: Partial<WorkerDependencies>,
  ): Promise<void>;
  /** Settles when the lives of all workers have ended, too. */
  train(
    options?: Partial<
      TrainingConfig &
        Pick<TrainSettings, 'start'> &
        Pick<TrainContext, 'signal' | 'findSpentBudget' | 'spentUsd' | 'record' | 'recordAt'>
    >,
  ): Promise<TrainOutcome>;
  /** Does something at the first event that matches. */
  when(matches: (event: RunEvent) => boolean, act: () => void): void;
  eventsOf<Type extends RunEvent['type']>(type: Type): Extract<RunEvent, { type: Type }>[];
}

export async function open(
  size: number | ControlPlaneOptions['fleet'],
  overrides: Partial<ControlPlaneOptions> = {},
  place: Place = inVirtualTime(),
  alsoObserve: RunObserver = () => {},
): Promise<Party> {
  const { clock, sleep, until } = place;
  const events: RunEvent[] = [];
  const lives: Promise<void>[] = [];
  const awaited: { readonly matches: (event: RunEvent) => boolean; readonly act: () => void }[] = [];
  const observe = (event: RunEvent) => {
    alsoObserve(event);
    events.push(event);
    const index = awaited.findIndex(({ matches }) => matches(event));
    const [found] = index < 0 ? [] : awaited.splice(index, 1);
    found?.act();
  };
  const control = await openControlPlane({
    bind: 'tcp://127.0.0.1:*',
    run: 'run-1',
    fleet: typeof size === 'number' ? { min: size, max: size } : size,
    onLoss: 'fail',
    checksumEvery: 1,
    identity: { version: '1', model, datasetDigest: 'toy', seed: 1 },
    parameterCount: 2,
    startedAt: clock.now(),
    datasetName: 'toy',
    optimizer: { name: 'sgd', learningRate: 0.5 },
    defaultPriceUsdPerHour: undefined,
    expectedIds: undefined,
    allReduce: 'star',
    observe,
    ...place,
    ...overrides,
  });
  return {
    control,
    events,
    clock,
    sleep,
    until,
    join(workerId, faults = {}, options = {}, data = dataset, dependencies = {}) {
      const life = runWorker(
        {
          connect: control.endpoint,
          workerId,
          version: '1',
          cpu: 'x',
          timeoutSeconds: place.timeoutSeconds,
          expected: {},
          signal: new AbortController().signal,
          ...options,
        },
        {
          ...place,
          uptime: () => 0,
          loadDataset: async () => (typeof data === 'function' ? data() : data),
          ipFamilyOf: async () => 4,
          log() {},
          processorSeconds: () => 0,
          readGpu: async () => undefined,
          // Faults are for steps.
          measureSpeed: async () => undefined,
          ...dependencies,
          selectEngine: async () => ({
            provider: toyProvider({ beforeGradients: () => sleep(computeMs), ...faults }),
            reason: 'toy',
          }),
        },
      );
      life.catch(() => {}); // a test that expects one to fail says so
      lives.push(life);
      return life;
    },
    train({
      signal = new AbortController().signal,
      findSpentBudget,
      spentUsd,
      record,
      recordAt,
      start,
      ...changes
    } = {}) {
      const context = {
        clock,
        observe,
        signal,
        findSpentBudget,
        spentUsd,
        record,
        recordAt,
      };
      const training = trainingConfig({ ...settings, ...changes });
      const run = async () => {
        try {
          const outcome = await train(control, { training, trainCount: 50, testCount: 20, start }, context);
          await control.close();
          return outcome;
        } catch (error) {
          await control.close(error as Error);
          throw error;
        }
      };
      return until(run().finally(() => Promise.allSettled(lives)));
    },
    when: (matches, act) => awaited.push({ matches, act }),
    eventsOf: (type) => events.filter((event): event is never => event.type === type),
  };
}
