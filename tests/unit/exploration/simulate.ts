/**
 * Carries out a schedule: the real coordinator and real workers on a network that fails, in virtual time. The crash of the
 * coordinator itself belongs here as well: a second `openCoordinator` on the same network, with what the first recorded.
 */
import { type ControlPlane, openControlPlane } from '../../../src/coordinator/control-plane.ts';
import { publishTo } from '../../../src/coordinator/publish-events.ts';
import { createBookkeeper } from '../../../src/coordinator/record/bookkeeper.ts';
import { endOfFailure, endOfTraining, type RunEnd } from '../../../src/coordinator/run-end.ts';
import type { LedgerEntry, RunEvent, RunObserver } from '../../../src/coordinator/run-events.ts';
import { train } from '../../../src/coordinator/training/train.ts';
import { createRandom, type Random } from '../../../src/shared/core/random.ts';
import { createFaultyNetwork, type FaultyNetwork } from '../../support/faulty-network.ts';
import { trainingConfig } from '../../support/settings.ts';
import { createSimulatedProcess, type SimulatedProcess } from '../../support/simulated-process.ts';
import { createVirtualTime, type VirtualTime } from '../../support/virtual-time.ts';
import { inflict } from './inflict.ts';
import { datasetOf, model, optimizer, seed, testCount } from './plain-loop.ts';
import { type Fault, type Schedule, timeoutSeconds } from './schedule.ts';
import { beginLife, type Life, type Update } from './worker-life.ts';

/** What was seen of a run. */
export interface Seen {
  readonly schedule: Schedule;
  /** In order, each with when it happened. */
  readonly events: readonly { readonly at: number; readonly event: RunEvent }[];
  /** How the run ended; undefined if it did not, in the time that it has. */
  readonly end: RunEnd | undefined;
  readonly endedAt: number;
  readonly lives: readonly Life[];
  /** In order, each with whether the coordinator had committed the step, and how many members the generation has. */
  readonly updates: readonly (Update & { readonly isCommitted: boolean; readonly worldSize: number })[];
  readonly ledger: readonly LedgerEntry[];
  /** Messages that were delivered. */
  readonly messages: number;
  /** The state of the whole when the last fault struck. */
  readonly stateAtFault: string | undefined;
  /** Timers of the coordinator that outlive it. */
  readonly timersLeft: number;
}

/** No run may take longer, in milliseconds of virtual time: five faults, each of which may cost twice the timeout. */
const longestRunMs = 50_000;
/** When a run is over, its workers have so long to end: those that are frozen go on before. */
const leavingMs = 30_000;
/** What was set off just before the end is over then. */
const lastTimersMs = 1000;
const restartMs = 100;
/** How soon a parent knows of the end of a process. */
const exitNoticeMs = 3;
const tickMs = 1000;
const delayStream = 2;
/** Messages travel as bytes in one run of so many. */
const codedEvery = 8;

/** A run and all that it runs in. */
interface World {
  readonly schedule: Schedule;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly coordinator: SimulatedProcess;
  readonly network: FaultyNetwork;
  readonly lives: Life[];
  readonly events: Seen['events'][number][];
  readonly updates: Seen['updates'][number][];
  /** Committed attempts, as generation/step. */
  readonly committed: Set<string>;
  /** Steps of the states that were sent, by request. */
  readonly restores: Map<number, number>;
  readonly waitingFaults: Fault[];
  control: ControlPlane | undefined;
  generation: { readonly number: number; readonly size: number };
  ledger: readonly LedgerEntry[];
  messages: number;
  stateAtFault: string | undefined;
  isOver: boolean;
}

export async function simulate(schedule: Schedule): Promise<Seen> {
  const world = createWorld(schedule);
  const { time, lives, coordinator } = world;
  const beganAt = time.clock.now();
  const bookkeeper = createBookkeeper({ clock: time.clock, startedAt: beganAt, carried: undefined });
  const observe = publishTo([(event) => note(world, event)], bookkeeper.observe);
  const control = await openCoordinator(world, observe);
  world.control = control;
  for (const id of firstIds(schedule)) start(world, id);
  for (const { at } of schedule.faults) {
    if ('ms' in at) time.timers.after(at.ms, () => strike(world, (fault) => 'ms' in fault.at && fault.at.ms === at.ms));
  }
  const running = carryOut(world, control, observe, () => bookkeeper.spent().usd);
  const end = await time.until(running, longestRunMs).catch(() => undefined);
  const endedAt = time.clock.now();
  await time.until(Promise.all(lives.map(({ left }) => left.promise)), leavingMs).catch(() => {});
  world.ledger = bookkeeper.close()?.entries ?? world.ledger;
  await time.advanceAsync(lastTimersMs);
  const { events, updates, ledger, messages, stateAtFault } = world;
  const timersLeft = coordinator.pending();
  return { schedule, events, end, endedAt, lives, updates, ledger, messages, stateAtFault, timersLeft };
}

function firstIds({ workers }: Schedule): readonly string[] {
  return Array.from({ length: workers }, (_, index) => `w${index}`);
}

function createWorld(schedule: Schedule): World {
  const time = createVirtualTime();
  const random = createRandom(schedule.seed, delayStream);
  const coordinator = createSimulatedProcess(time);
  const network = createFaultyNetwork({
    ...time,
    random,
    coordinator,
    isCoded: schedule.seed % codedEvery === 0,
    beforeDelivery({ body }) {
      const moment = world.messages++;
      if (body.type === 'restore') world.restores.set(body.request, body.applied.step);
      strike(world, ({ at }) => 'message' in at && at.message === moment);
    },
    onSent({ worker, body }) {
      const life = world.lives.find(({ process }) => process === worker);
      if (life === undefined) return;
      if (body.type === 'vote') life.voted = { generation: body.generation, step: body.step };
      if (body.type === 'restored') life.step = world.restores.get(body.request) ?? Number.NaN;
    },
  });
  const world: World = {
    schedule,
    time,
    random,
    coordinator,
    network,
    lives: [],
    events: [],
    updates: [],
    committed: new Set(),
    restores: new Map(),
    waitingFaults: [...schedule.faults],
    control: undefined,
    generation: { number: 0, size: 0 },
    ledger: [],
    messages: 0,
    stateAtFault: undefined,
    isOver: false,
  };
  return world;
}

function openCoordinator({ schedule, time, coordinator, network }: World, observe: RunObserver): Promise<ControlPlane> {
  const { min, max, onLoss, checksumEvery, isLocal, workload } = schedule;
  return openControlPlane({
    bind: 'memory',
    run: 'run-1',
    fleet: { min, max },
    onLoss,
    checksumEvery,
    identity: { version: '1', model, datasetDigest: datasetOf(workload).digest, seed },
    parameterCount: 2,
    startedAt: time.clock.now(),
    timeoutSeconds,
    datasetName: 'toy',
    optimizer,
    defaultPriceUsdPerHour: 1,
    expectedIds: isLocal ? firstIds(schedule) : undefined,
    allReduce: 'star',
    observe,
    clock: time.clock,
    timers: coordinator.timers,
    bindSocket: network.bindSocket,
  });
}

/** As `train-with-workers.ts` does. */
async function carryOut(
  world: World,
  control: ControlPlane,
  observe: RunObserver,
  spentUsd: () => number,
): Promise<RunEnd> {
  const { schedule, time, coordinator } = world;
  const { epochs, batchSize, trainCount } = schedule.workload;
  const { checkpointEvery } = schedule;
  const training = trainingConfig({ epochs, batchSize, lr: optimizer.learningRate, checkpointEvery });
  const context = { clock: time.clock, observe, signal: new AbortController().signal, spentUsd };
  const stopTicks = coordinator.timers.every(tickMs, () => observe({ type: 'tick' }));
  const end = await train(control, { training, trainCount, testCount }, context).then(endOfTraining, endOfFailure);
  world.isOver = true;
  stopTicks();
  await control.close(end.error);
  observe({ type: 'ended', status: end.status, code: end.error?.code });
  return end;
}

function note(world: World, event: RunEvent): void {
  world.events.push({ at: world.time.clock.now(), event });
  if (event.type === 'generation') world.generation = { number: event.number, size: event.members.length };
  if (event.type === 'step') world.committed.add(`${world.generation.number}/${event.step}`);
  if (event.type === 'ledger') world.ledger = event.entries;
}

function start(world: World, workerId: string): void {
  const { schedule, time, random, network, updates, committed } = world;
  const life = beginLife(workerId, {
    time,
    random,
    network,
    dataset: datasetOf(schedule.workload),
    onUpdate(update) {
      const isCommitted = committed.has(`${update.generation}/${update.step - 1}`);
      updates.push({ ...update, isCommitted, worldSize: world.generation.size });
    },
    onEnd: (ended) => tellParent(world, ended, ended.outcome?.error?.message ?? 'exited with code 0', false),
  });
  world.lives.push(life);
}

/** The parent of local workers learns how each ended, and may start it again. */
function tellParent(world: World, { workerId }: Life, reason: string, returns: boolean): void {
  const { schedule, time, coordinator } = world;
  if (!schedule.isLocal) return;
  time.timers.after(exitNoticeMs, () =>
    coordinator.run(() => {
      if (world.isOver) return;
      world.control?.workerEnded(workerId);
      world.control?.workerGone(workerId, { cause: returns ? 'killed' : 'exited', reason, returns });
      if (returns) time.timers.after(restartMs, () => world.isOver || start(world, workerId));
    }),
  );
}

/** Faults whose moment has come. */
function strike(world: World, isDue: (fault: Fault) => boolean): void {
  const { waitingFaults, time, lives, network, coordinator } = world;
  for (const fault of waitingFaults.filter(isDue)) {
    waitingFaults.splice(waitingFaults.indexOf(fault), 1);
    if (world.isOver) continue;
    world.stateAtFault = describeState(world);
    inflict(fault, {
      timers: time.timers,
      network,
      coordinator,
      lives,
      join: () => start(world, `w${lives.length}`),
      onKilled: (life, returns) => tellParent(world, life, 'killed by SIGKILL', returns),
    });
  }
}

function describeState({ lives, generation, committed, events, network }: World): string {
  const replicas = lives.map(({ step, voted, process }) => `${step} ${voted?.step} ${process.isAlive()}`);
  const { number, size } = generation;
  return [number, size, committed.size, events.length, ...replicas, ...network.inTransit()].join('; ');
}
