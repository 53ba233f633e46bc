/** Carries out a schedule: the real coordinator and real workers on a network that fails, in virtual time. */
import type { RunEnd } from '../../../src/coordinator/run-end.ts';
import type { LedgerEntry, RunEvent } from '../../../src/coordinator/run-events.ts';
import { createDeferred, type Deferred } from '../../../src/shared/core/deferred.ts';
import { PennygradError } from '../../../src/shared/core/errors.ts';
import { createRandom, type Random } from '../../../src/shared/core/random.ts';
import { createFaultyNetwork, type FaultyNetwork } from '../../support/faulty-network.ts';
import { createVirtualTime, promisesRun, promisesSettle, type VirtualTime } from '../../support/virtual-time.ts';
import { beginCoordinator, type CoordinatorLife, idsOf, specOf, trainingOf } from './coordinator-life.ts';
import { inflict } from './inflict.ts';
import { datasetOf } from './plain-loop.ts';
import { createRunRecord, type RunRecord } from './run-record.ts';
import type { Fault, Schedule } from './schedule.ts';
import { createSimulatedHosts, type SimulatedHosts } from './simulated-hosts.ts';
import { beginLife, endLife, type Life, type Update } from './worker-life.ts';

/** What was seen of a run. */
export interface Seen {
  readonly schedule: Schedule;
  /** In order, each with when it happened: of all coordinators. A step is there as soon as it is on record. */
  readonly events: readonly { readonly at: number; readonly event: RunEvent }[];
  /** How the run ended; undefined if it did not, in the time that it has. */
  readonly end: RunEnd | undefined;
  readonly endedAt: number;
  readonly lives: readonly Life[];
  /** In order, each with whether the step was on record, and whether it had to be. */
  readonly updates: readonly (Update & { readonly isCommitted: boolean; readonly waitsForCommit: boolean })[];
  readonly ledger: readonly LedgerEntry[];
  /** Generations whose members read each other's gradients. */
  readonly meshes: ReadonlySet<number>;
  /** What members still had when it was decided to train it again, in words. */
  readonly forgotten: readonly string[];
  /** Messages that were delivered, and those that coordinators sent. */
  readonly messages: number;
  readonly sent: number;
  /** The state of the whole when the last fault struck. */
  readonly stateAtFault: string | undefined;
  /** Timers of the coordinator that outlive it. */
  readonly timersLeft: number;
}

/** No run may take longer, in milliseconds of virtual time: five faults, each of which may cost twice the timeout. */
const longestRunMs = 60_000;
/** When a run is over, its workers have so long to end: those that are frozen go on before. */
const leavingMs = 30_000;
/** What was set off just before the end is over then. */
const lastTimersMs = 1000;
const restartMs = 100;
/** How soon a parent knows of the end of a process. */
const exitNoticeMs = 3;
/** The longest that a checkpoint takes to be written. */
const longestWritingMs = 30;
const delayStream = 2;
/** Messages travel as bytes in one run of so many. */
const codedEvery = 32;

/** A run and all that it runs in. */
interface World {
  readonly schedule: Schedule;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly network: FaultyNetwork;
  readonly hosts: SimulatedHosts;
  readonly record: RunRecord;
  readonly lives: Life[];
  readonly events: Seen['events'][number][];
  readonly updates: Seen['updates'][number][];
  /** Attempts on record, as generation/step. */
  readonly committed: Set<string>;
  /** The generation that committed each step of the run as it went on. */
  readonly lineage: Map<number, number>;
  /** Steps of the states that were sent, by request. */
  readonly restores: Map<number, { readonly step: number; readonly generation: number }>;
  readonly waitingFaults: Fault[];
  readonly forgotten: string[];
  readonly ended: Deferred<RunEnd>;
  coordinator: CoordinatorLife | undefined;
  /** Members of each generation, by its number. */
  readonly generations: Map<number, readonly string[]>;
  /** Generations whose members read each other's gradients. */
  readonly meshes: Set<number>;
  generation: number;
  ledger: readonly LedgerEntry[];
  messages: number;
  sent: number;
  stateAtFault: string | undefined;
  isOver: boolean;
  /** How the run ended, if it failed and has not ended yet. */
  failure: RunEnd | undefined;
}

export async function simulate(schedule: Schedule): Promise<Seen> {
  // Half of what an error costs, and nobody reads them.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await carryOut(createWorld(schedule));
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    // Whoever waits for the event loop has waited long enough.
    await promisesSettle();
  }
}

async function carryOut(world: World): Promise<Seen> {
  const { schedule, time, lives, ended } = world;
  beginSitting(world);
  for (const id of idsOf(schedule.workers)) start(world, id);
  for (const { at } of schedule.faults) {
    if ('ms' in at) time.timers.after(at.ms, () => strike(world, (fault) => 'ms' in fault.at && fault.at.ms === at.ms));
  }
  const end = await time.until(ended.promise, longestRunMs).catch(() => undefined);
  const endedAt = time.clock.now();
  await time.until(Promise.all(lives.map(({ left }) => left.promise)), leavingMs).catch(() => {});
  world.ledger = world.coordinator?.closeBooks() ?? world.ledger;
  const { promise, resolve } = createDeferred<void>();
  time.timers.after(lastTimersMs, resolve);
  await time.until(promise);
  const { events, updates, ledger, meshes, forgotten, messages, sent, stateAtFault, coordinator } = world;
  const timersLeft = coordinator?.process.pending() ?? 0;
  return {
    schedule,
    events,
    end,
    endedAt,
    lives,
    updates,
    ledger,
    meshes,
    forgotten,
    messages,
    sent,
    stateAtFault,
    timersLeft,
  };
}

function createWorld(schedule: Schedule): World {
  const { workload, checkpointEvery } = schedule;
  const time = createVirtualTime(promisesRun);
  const random = createRandom(schedule.seed, delayStream);
  const network = createFaultyNetwork({
    ...time,
    random,
    isCoded: schedule.seed % codedEvery === 0,
    beforeDelivery({ body }) {
      const moment = world.messages++;
      if (body.type === 'restore') world.restores.set(body.request, body.applied);
      if (body.type === 'exchange') world.meshes.add(body.generation);
      strike(world, ({ at }) => 'message' in at && at.message === moment);
    },
    beforeOrder() {
      const moment = world.sent++;
      strike(world, ({ at }) => 'sent' in at && at.sent === moment);
    },
    onSent({ worker, body }) {
      const life = world.lives.find(({ process }) => process === worker);
      if (life === undefined) return;
      if (body.type === 'vote') life.voted = { generation: body.generation, step: body.step };
      if (body.type !== 'restored') return;
      const { step, generation } = world.restores.get(body.request) ?? { step: Number.NaN, generation: Number.NaN };
      noteGivenUp(world, life, step);
      [life.step, life.generation] = [step, generation];
    },
  });
  const told = {
    spec: specOf(schedule),
    training: trainingOf(workload, checkpointEvery),
    trainCount: workload.trainCount,
  };
  const world: World = {
    schedule,
    time,
    random,
    network,
    // Workers load in any order, so that some neighbours are on one host and some are not.
    hosts: createSimulatedHosts({ hosts: schedule.hosts ?? 1, areWalled: schedule.areWalled === true, time, random }),
    record: createRunRecord(told, time, () => random.float() * longestWritingMs),
    lives: [],
    events: [],
    updates: [],
    committed: new Set(),
    lineage: new Map(),
    restores: new Map(),
    waitingFaults: [...schedule.faults],
    forgotten: [],
    ended: createDeferred(),
    coordinator: undefined,
    generations: new Map(),
    meshes: new Set(),
    generation: 0,
    ledger: [],
    messages: 0,
    sent: 0,
    stateAtFault: undefined,
    isOver: false,
    failure: undefined,
  };
  return world;
}

/** The first coordinator, or another one that resumes the run. */
function beginSitting(world: World): void {
  const { schedule, time, network, record, ended } = world;
  try {
    const life = beginCoordinator(schedule, {
      time,
      network,
      record,
      observe: (event) => note(world, event),
      onOver(end) {
        world.isOver = true;
        if (end.status === 'failed') world.failure = end;
      },
    });
    world.coordinator = life;
    life.end.then(ended.resolve, ended.reject);
  } catch (error) {
    // The coordinator before had done everything but say so.
    if (!(error instanceof PennygradError) || !/has trained (all|its only)/.test(error.message)) throw error;
    world.isOver = true;
    ended.resolve({ status: 'completed', error: undefined });
  }
}

/** Workers of its host end with a coordinator, and the next one starts them anew. */
function afterCrash(world: World, ms: number): void {
  const { schedule, time, lives, network, ended } = world;
  const local = schedule.isLocal ? idsOf(schedule.workers) : [];
  for (const life of lives) {
    if (life.outcome !== undefined || !local.includes(life.workerId)) continue;
    endLife(life, new Error('its parent is gone'));
    network.killed(life.process, true);
  }
  time.timers.after(ms, () => {
    if (world.failure !== undefined) {
      // It had failed, and was about to say so: nobody would resume it without mending what it lacks.
      ended.resolve(world.failure);
      return;
    }
    beginSitting(world);
    for (const id of world.isOver ? [] : local) start(world, id);
  });
}

function note(world: World, event: RunEvent): void {
  const { events, time, generations, committed, lineage } = world;
  events.push({ at: time.clock.now(), event });
  switch (event.type) {
    case 'generation':
      world.generation = event.number;
      generations.set(
        event.number,
        event.members.map(({ workerId }) => workerId),
      );
      break;
    case 'step': {
      const generation = event.generation ?? world.generation;
      committed.add(`${generation}/${event.step}`);
      lineage.set(event.step + 1, generation);
      break;
    }
    case 'went-on':
    case 'rolled-back':
      noteForgotten(world, event.step);
      for (const step of lineage.keys()) if (step > event.step) lineage.delete(step);
      break;
    case 'ledger':
      world.ledger = event.entries;
      break;
  }
}

/** Training goes on from a step: what do its members have that came after it? */
function noteForgotten({ lives, generations, generation, lineage, forgotten }: World, from: number): void {
  const members = generations.get(generation) ?? [];
  for (const { workerId, step, generation: committedBy, outcome } of lives) {
    if (outcome !== undefined || !members.includes(workerId) || step <= from) continue;
    if (lineage.get(step) === committedBy)
      forgotten.push(`${workerId} has ${step} steps, the run goes on from ${from}`);
  }
}

/** A member takes over a state: had it more steps itself, that follow from what is on record? It could have told of them. */
function noteGivenUp(world: World, { workerId, step, generation }: Life, from: number): void {
  const { lineage, forgotten } = world;
  if (!runsAhead(world, generation)) return;
  const recorded = Math.min(step, Math.max(0, ...lineage.keys()));
  if (step > from && lineage.get(recorded) === generation)
    forgotten.push(`${workerId} has ${step} steps, and is given the state of ${from}`);
}

/** Whether nobody waited for commits in a generation. */
function runsAhead({ generations, meshes }: Pick<World, 'generations' | 'meshes'>, generation: number): boolean {
  return meshes.has(generation) || generations.get(generation)?.length === 1;
}

function start(world: World, workerId: string): void {
  const { schedule, time, random, network, updates, committed } = world;
  const life = beginLife(workerId, {
    time,
    random,
    network,
    dataset: datasetOf(schedule.workload),
    hosts: world.hosts,
    chunkFloats: schedule.chunkFloats,
    onUpdate(update) {
      const isCommitted = committed.has(`${update.generation}/${update.step - 1}`);
      const { generation = Number.NaN } = update;
      updates.push({ ...update, isCommitted, waitsForCommit: !runsAhead(world, generation) });
    },
    onEnd: (ended) => tellParent(world, ended, ended.outcome?.error?.message ?? 'exited with code 0', false),
  });
  world.lives.push(life);
}

/** The parent of local workers learns how each ended, and may start it again. */
function tellParent(world: World, { workerId }: Life, reason: string, returns: boolean): void {
  const { schedule, time, coordinator } = world;
  if (!schedule.isLocal || coordinator === undefined) return;
  const { process } = coordinator;
  time.timers.after(exitNoticeMs, () =>
    process.run(() => {
      if (world.isOver) return;
      coordinator.control?.workerEnded(workerId);
      coordinator.control?.workerGone(workerId, { cause: returns ? 'killed' : 'exited', reason, returns });
      const startAgain = () => world.isOver || !process.isAlive() || start(world, workerId);
      if (returns) time.timers.after(restartMs, startAgain);
    }),
  );
}

/** Faults whose moment has come. */
function strike(world: World, isDue: (fault: Fault) => boolean): void {
  const { waitingFaults, time, lives, network, coordinator } = world;
  if (waitingFaults.length === 0 || coordinator === undefined) return;
  for (const fault of waitingFaults.filter(isDue)) {
    waitingFaults.splice(waitingFaults.indexOf(fault), 1);
    if (world.isOver) continue;
    world.stateAtFault = describeState(world);
    inflict(fault, {
      timers: time.timers,
      network,
      coordinator: coordinator.process,
      lives,
      join: () => start(world, `w${lives.length}`),
      onKilled: (life, returns) => tellParent(world, life, 'killed by SIGKILL', returns),
      onCrashed: (ms) => afterCrash(world, ms),
    });
  }
}

function describeState({ lives, generation, generations, committed, events, network }: World): string {
  const replicas = lives.map(({ step, voted, process }) => `${step} ${voted?.step} ${process.isAlive()}`);
  const size = generations.get(generation)?.length;
  return [generation, size, committed.size, events.length, ...replicas, ...network.inTransit()].join('; ');
}
