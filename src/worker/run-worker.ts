/** A worker's life: join, load, then carry out orders until told to stop. */
import { hostname } from 'node:os';
import type { PriceOrigin } from '../economics/ledger/cost.ts';
import type { Engine, EngineProvider } from '../engine/engine.ts';
import type { Gpu } from '../engine/tensorflow/nvidia-smi.ts';
import { bucketEnds, gradientBuckets } from '../shared/collectives/buckets.ts';
import { codecNamed } from '../shared/collectives/compression/codecs.ts';
import { createErrorFeedback } from '../shared/collectives/compression/error-feedback.ts';
import type { Clock } from '../shared/core/clock.ts';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { createDeferred } from '../shared/core/deferred.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import type { EventLoopTurn } from '../shared/core/event-loop-turn.ts';
import { type Interval, memoizedOrder } from '../shared/core/sampling.ts';
import { describeStandstill } from '../shared/core/standstill.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import { type ModelName, type ModelSpec, type OptimizerSpec, slotNames } from '../shared/model/model-spec.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import { variableSizes } from '../shared/model/training-state.ts';
import { describeRefusal } from '../shared/protocol/describe-refusal.ts';
import {
  type Body,
  type CoordinatorMessage,
  type GpuReading,
  leaveCodes,
  type MessageOf,
  type WorkerMessage,
} from '../shared/protocol/messages.ts';
import { chunkSizes } from '../shared/protocol/state-chunks.ts';
import type { IpFamily } from '../shared/transport/ip-family.ts';
import type { VectorSharing } from '../shared/transport/vectors.ts';
import type { connectWorkerSocket } from '../shared/transport/worker-socket.ts';
import { askForPlace, pause } from './ask-for-place.ts';
import { nameOfCard } from './card-name.ts';
import {
  type CoordinatorLink,
  CoordinatorLost,
  type Order,
  openCoordinatorLink,
  type QuorumOrder,
} from './coordinator-link.ts';
import { findCoordinator } from './find-coordinator.ts';
import { watchGpu } from './gpu-watch.ts';
import { createLocalReplica } from './local-updates.ts';
import type { SharedVectors } from './peer-links.ts';
import { decideRejoin } from './rejoin.ts';
import { beginReplica, type Replica } from './replica.ts';
import { measureSpeed } from './self-measurement.ts';
import { runSession, unexpected } from './session.ts';
import type { ShareGradients } from './share-gradients.ts';
import { type SlowedTime, slowEngineDown } from './slowed-engine.ts';
import { startUsageMeter, type UsageMeter } from './usage-meter.ts';
import { unobserved, type WorkerObserver } from './worker-observer.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;

export interface WorkerOptions {
  readonly connect: string;
  readonly workerId: string;
  readonly version: string;
  /** Architecture and model of this host's CPU. */
  readonly cpu: string;
  readonly timeoutSeconds: number;
  /** `none`: it has no price, and none may be assumed. */
  readonly priceUsdPerHour?: number | 'none';
  /** Set if that is the price of each virtual CPU that it computes on. */
  readonly pricePer?: 'vcpu';
  /** Set to emulate a slower worker: the share of this one's speed, above 0 and up to 1. */
  readonly emulatedSpeed?: number;
  /** Set when the price was looked up. */
  readonly priceOrigin?: PriceOrigin;
  /** The label of the card it computes on. */
  readonly gpu?: string;
  /** What was said about where other workers reach it, as flags. */
  readonly reachedBy?: string | undefined;
  /** What this worker was told to train. The coordinator refuses it, by the name of the field, if the run differs. */
  readonly expected: { readonly model?: ModelName; readonly seed?: number };
  /** The coordinator is the parent of this process, which ends with it. */
  readonly managed?: boolean;
  /** Ctrl-C: leave. */
  readonly signal: AbortSignal;
  /** Finish the step in flight, then leave; the reason says who wants that. */
  readonly drain?: AbortSignal | undefined;
}

/** What a run asks of an engine. */
export interface EngineNeeds {
  readonly model: ModelSpec;
  readonly optimizer: OptimizerSpec;
  /** The run must come to the same bits with any workers, which not every engine can. */
  readonly deterministic: boolean;
  /** The run's `--timeout`. */
  readonly timeoutSeconds: number;
}

export interface WorkerDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  /** `eventLoopTurn` unless given. */
  readonly turn?: EventLoopTurn | undefined;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Processor time of this process, in seconds. */
  readonly processorSeconds: () => number;
  /** How long this process has been alive, in seconds. */
  readonly uptime: () => number;
  /** Loads the dataset of this name, from wherever this host has it. */
  readonly loadDataset: (name: string) => Promise<Dataset>;
  /** Reads an NVIDIA card, by the name that its engine gives it. */
  readonly readGpu: (card: string) => Promise<Gpu | undefined>;
  readonly selectEngine: (
    needs: EngineNeeds,
  ) => Promise<{ readonly provider: EngineProvider; readonly reason: string }>;
  /** How many samples a second the engine computes gradients of, if that can be told; `measureSpeed` unless given. */
  readonly measureSpeed?: typeof measureSpeed | undefined;
  /** The longest chunk of a state that it sends, in floats; `maxChunkFloats` unless given. */
  readonly chunkFloats?: number | undefined;
  /** How workers read each other's gradients; without it they do not. */
  readonly sharing?: VectorSharing | undefined;
  /** How a host is reached; rejects if there is none of that name. */
  readonly ipFamilyOf: (endpoint: string) => Promise<IpFamily>;
  readonly log: (line: string) => void;
  readonly observer?: WorkerObserver;
  /** Opens the socket to the coordinator; a ZeroMQ socket unless given. */
  readonly connectSocket?: typeof connectWorkerSocket;
}

/**
 * Resolves when the coordinator ends the run. A coordinator that is lost may be started again: a worker that has loaded what
 * the run trains keeps it, and its replica, and asks for its place again.
 * @throws whatever ended this worker, after the coordinator was told
 */
export async function runWorker(options: WorkerOptions, dependencies: WorkerDependencies): Promise<void> {
  const { clock, timers, log } = dependencies;
  log(`connecting to ${options.connect}`);
  const family = await findCoordinator({ ...options, clock, timers, log, ipFamilyOf: dependencies.ipFamilyOf });
  const life: Life = {
    phase: 'rendezvous',
    isReady: false,
    isMember: false,
    generation: 0,
    lostAt: undefined,
    loaded: undefined,
    engine: undefined,
    vectors: undefined,
    setGpuReading: () => {},
    stopWatching: () => {},
  };
  const closing: Promise<void>[] = [];
  try {
    for (;;) {
      const link = openLink(options, dependencies, family, life);
      try {
        await attend(link, life, options, dependencies);
        return;
      } catch (error) {
        const patienceMs = patienceAfter(error, life, options, clock);
        if (!(error instanceof CoordinatorLost) || patienceMs <= 0) throw error;
        log(describeLoss(error, life, patienceMs));
      } finally {
        // Nobody may take what is left to be sent.
        closing.push(link.close());
      }
    }
  } finally {
    life.stopWatching();
    await Promise.all(closing);
    life.vectors?.own.close();
    life.engine?.dispose();
  }
}

function openLink(
  { connect, timeoutSeconds, managed = false }: WorkerOptions,
  { clock, timers, log, connectSocket }: WorkerDependencies,
  family: IpFamily,
  { loaded }: Life,
): CoordinatorLink {
  return openCoordinatorLink({
    connect,
    family,
    timeoutSeconds: loaded?.welcome.timeout ?? timeoutSeconds,
    managed,
    clock,
    timers,
    onStoodStill: (seconds) => log(describeStandstill(seconds)),
    connectSocket,
  });
}

/** From one connection to its end. */
async function attend(
  link: CoordinatorLink,
  life: Life,
  options: WorkerOptions,
  dependencies: WorkerDependencies,
): Promise<void> {
  const { timers, clock, log } = dependencies;
  const interrupt = () => link.fail(new PennygradError('interrupted', 'interrupted: this worker leaves the run'));
  options.signal.addEventListener('abort', interrupt);
  if (options.signal.aborted) interrupt();
  const graceMs = () =>
    Math.max(patienceAfter(link.signal.reason, life, options, clock), deadlinesFrom(options.timeoutSeconds).exitMs);
  const abandoned = failAfterLink(link.signal, timers, graceMs);
  const draining = whenDrained(options.drain, life, link, log);
  life.setGpuReading = link.setGpuReading;
  try {
    await Promise.race([live(link, life, options, dependencies), abandoned.failed, draining.left]);
  } catch (error) {
    const known = error instanceof PennygradError ? error.code : undefined;
    const code = leaveCodes.find((leaveCode) => leaveCode === known) ?? 'run-failed';
    link.send({ type: 'leave', code, phase: life.phase, reason: messageOf(error).slice(0, 2000) });
    throw error;
  } finally {
    life.isReady = false;
    life.isMember = false;
    options.signal.removeEventListener('abort', interrupt);
    abandoned.cancel();
    draining.dispose();
  }
}

/**
 * For how long the worker tries to reach its coordinator again; 0 where it ends. Called when that is lost, and begins to
 * count then.
 */
function patienceAfter(error: unknown, life: Life, options: WorkerOptions, clock: Pick<Clock, 'now'>): number {
  const { loaded } = life;
  // The coordinator is its parent, and will not come back; or it has trained nothing that is worth keeping.
  if (!(error instanceof CoordinatorLost) || options.managed === true || loaded?.usage === undefined) return 0;
  life.lostAt ??= clock.now();
  return deadlinesFrom(loaded.welcome.timeout).rendezvousMs - (clock.now() - life.lostAt) * 1000;
}

function describeLoss({ what }: CoordinatorLost, { loaded }: Life, patienceMs: number): string {
  const { step = 0 } = loaded?.replica.applied ?? {};
  return `${what}; keeping step ${step} and asking for a place again for ${Math.ceil(patienceMs / 1000)} s (--timeout)`;
}

/**
 * Every wait for the coordinator ends with the link, but an engine may not notice (a card that hangs, a download): what it
 * does is given up a moment later, or when the worker would no longer be taken back.
 */
function failAfterLink(signal: AbortSignal, timers: Timers, graceMs: () => number) {
  const { promise: failed, reject } = createDeferred<never>();
  let cancel = () => {};
  const begin = () => {
    cancel = timers.after(graceMs(), () => reject(signal.reason));
  };
  signal.addEventListener('abort', begin);
  return {
    failed,
    cancel() {
      signal.removeEventListener('abort', begin);
      cancel();
    },
  };
}

/**
 * Whoever is ready is told to stop: at once, or, if it is a member of a generation by then, once its step is done. Before
 * that nobody waits for this worker, and it may leave.
 */
function whenDrained(drain: AbortSignal | undefined, life: Life, link: CoordinatorLink, log: (line: string) => void) {
  const { promise: left, resolve } = createDeferred<void>();
  const begin = () => {
    log(`leaving the run${life.isMember ? ' after the step in flight' : ''}: ${messageOf(drain?.reason)}`);
    link.send({ type: 'drain', reason: messageOf(drain?.reason) });
    if (!life.isReady) resolve();
  };
  drain?.addEventListener('abort', begin);
  if (drain?.aborted === true) begin();
  return { left, dispose: () => drain?.removeEventListener('abort', begin) };
}

interface Life {
  phase: string;
  /** It has said so, and may be a member of a generation already that it has not heard of. */
  isReady: boolean;
  /** It is a member of a generation, as far as it knows. */
  isMember: boolean;
  /** The last generation that it was in. */
  generation: number;
  /** When it lost its coordinator, in seconds of the clock; undefined while it has one. */
  lostAt: number | undefined;
  /** Undefined until it is ready for the first time. */
  loaded: Loaded | undefined;
  engine: Engine | undefined;
  /** What it offers others to read. */
  vectors: SharedVectors | undefined;
  /** Passes on what the worker's GPU reports. */
  setGpuReading: (reading: GpuReading) => void;
  stopWatching: () => void;
}

/** What a worker keeps when it loses its coordinator. */
interface Loaded {
  readonly welcome: From<'welcome'>;
  readonly engine: Engine;
  readonly localGradients: ShareGradients | undefined;
  readonly dataset: Dataset;
  readonly buckets: readonly Interval[];
  /** What it says when it is ready, but for what it has trained. */
  readonly ready: Body<MessageOf<WorkerMessage, 'ready'>>;
  readonly engineReason: string;
  readonly orderOf: (epoch: number) => Uint32Array;
  readonly replica: Replica;
  /** Undefined until it is a member for the first time. */
  usage: UsageMeter | undefined;
}

async function live(
  link: CoordinatorLink,
  life: Life,
  options: WorkerOptions,
  dependencies: WorkerDependencies,
): Promise<void> {
  const { clock, timers, log, chunkFloats, observer = unobserved, turn, uptime } = dependencies;
  const welcome = await join(link, life, options, dependencies);
  life.phase = 'load';
  life.loaded ??= await load(welcome, life, options, dependencies);
  const { loaded } = life;
  const { engine, dataset, buckets, replica, orderOf } = loaded;
  const kept = loaded.usage && {
    applied: replica.applied,
    usage: loaded.usage.totals(),
  };
  const vectors = 1 + slotNames(welcome.optimizer).length;
  link.expectState(Array<number>(vectors).fill(engine.parameterCount), chunkSizes(chunkFloats));
  life.isReady = true;
  link.send({ ...loaded.ready, uptime: uptime(), kept });

  life.phase = 'rendezvous';
  log(`ready, engine ${loaded.engineReason}; waiting for the others`);
  const first = await link.nextOrder();
  if (first.type === 'stop' && (options.drain?.aborted === true || welcome.generation > 0)) {
    // It trained with others, and did not need this one.
    log(`the run is over: ${first.reason}`);
    return;
  }
  let quorum: QuorumOrder | undefined = expect(first, 'quorum');
  life.isMember = true;
  // Time without a generation is for the coordinator to account for.
  loaded.usage?.skip();
  loaded.usage ??= startUsageMeter(clock);
  const onPhase = (phase: string) => {
    life.phase = phase;
  };
  while (quorum !== undefined) {
    life.generation = quorum.generation;
    log(`training as rank ${quorum.rank} of ${quorum.worldSize}`);
    const end = await runSession({
      link,
      quorum,
      workerId: options.workerId,
      clock,
      timers,
      engine,
      dataset,
      buckets,
      localGradients: loaded.localGradients,
      checksumEvery: welcome.checksumEvery,
      orderOf,
      usage: loaded.usage,
      replica,
      vectors: life.vectors,
      patience: deadlinesFrom(welcome.timeout),
      chunkFloats,
      observer,
      log,
      onPhase,
      turn,
    });
    quorum = end.kind === 'next' ? end.quorum : undefined;
    if (end.kind === 'over') log(`the run is over: ${end.reason}`);
  }
}

/** Asks for a place in the run, or for its place in the run that it was in. */
async function join(
  link: CoordinatorLink,
  life: Life,
  options: WorkerOptions,
  { uptime, clock, timers, log }: WorkerDependencies,
): Promise<From<'welcome'>> {
  const before = life.loaded?.welcome;
  const hello = () => helloOf(options, uptime());
  const timeoutSeconds = before?.timeout ?? options.timeoutSeconds;
  const order = await askForPlace({ link, hello, timeoutSeconds, clock, timers, log });
  const welcome = expect(order, 'welcome');
  link.joinRun(welcome.run, welcome.timeout);
  const decision = before === undefined ? ({ kind: 'join' } as const) : decideRejoin(before, life.generation, welcome);
  switch (decision.kind) {
    case 'join':
      log(`joined run ${welcome.run}: ${welcome.model.name} on ${welcome.dataset.name}`);
      life.lostAt = undefined;
      return welcome;
    case 'give-up':
      throw decision.error;
    case 'out-of-date':
      link.send({ type: 'leave', code: 'quorum-lost', phase: life.phase, reason: decision.reason });
      await pause(deadlinesFrom(welcome.timeout).heartbeatMs, timers, link.signal);
      throw new CoordinatorLost(`the coordinator at ${options.connect} is out of date`, decision.reason);
    default:
      return decision satisfies never;
  }
}

async function load(
  welcome: From<'welcome'>,
  life: Life,
  options: WorkerOptions,
  dependencies: WorkerDependencies,
): Promise<Loaded> {
  const { clock, timers, log, observer = unobserved } = dependencies;
  const dataset = await loadRunData(welcome.dataset, dependencies.loadDataset);
  const { model, optimizer, deterministic = false, timeout: timeoutSeconds } = welcome;
  const { provider, reason } = await dependencies.selectEngine({ model, optimizer, deterministic, timeoutSeconds });
  const created = await provider.create({ ...welcome, dataset });
  const { emulatedSpeed } = options;
  const engine =
    emulatedSpeed === undefined ? created : slowEngineDown(created, emulatedSpeed, timeOf(created, dependencies));
  life.engine = engine;
  const { device, parameterCount, threads, card } = engine;
  observer.joined({ runId: welcome.run, engine: provider.name, device });
  if (card !== undefined) {
    life.stopWatching = watchGpu(
      () => dependencies.readGpu(card),
      timers,
      (gpu) => life.setGpuReading(gpu),
      (error) => log(`the GPU can no longer be read: ${messageOf(error)}`),
    );
  }
  const buckets = gradientBuckets(variableSizes(engine.artifacts().weightSpecs));
  const codec = codecNamed(optimizer.compression);
  const feedback = codec && createErrorFeedback(codec, buckets);
  const shown = feedback?.words ?? parameterCount;
  const offer = welcome.offerVectors === true ? await offerVectors(shown, life, dependencies) : undefined;
  if (welcome.offerVectors !== true && options.reachedBy !== undefined)
    log(`${options.reachedBy}: not used, since workers of this run do not read each other's gradients`);
  const { measureSpeed: measure = measureSpeed } = dependencies;
  const samplesPerSecond = await measure(engine, dataset.trainCount, clock);
  const local = optimizer.local && createLocalReplica(engine, optimizer.local, dependencies.turn);
  return {
    welcome,
    engine: local?.engine ?? engine,
    localGradients: local?.gradients,
    dataset,
    buckets,
    engineReason: reason,
    orderOf: memoizedOrder(welcome.seed, dataset.trainCount),
    replica: beginReplica(feedback),
    usage: undefined,
    ready: {
      type: 'ready',
      backend: provider.name,
      device,
      backendReason: reason,
      threads,
      card: await nameOfCard(engine, dependencies.readGpu),
      parameterCount,
      parametersChecksum: parameterChecksum(await engine.getParameters()),
      samplesPerSecond,
      bucketEnds: bucketEnds(buckets),
      vectors: offer?.vectors,
      vectorsProblem: offer?.vectorsProblem,
      identity: {
        version: options.version,
        model: { ...welcome.model, name: options.expected.model ?? welcome.model.name },
        datasetDigest: dataset.digest,
        seed: options.expected.seed ?? welcome.seed,
      },
    },
  };
}

/** Keeps what others can read of this worker. @param floats of it @returns what they need to know of it, or why it offers nothing */
async function offerVectors(
  floats: number,
  life: Life,
  { sharing, log }: WorkerDependencies,
): Promise<Pick<MessageOf<WorkerMessage, 'ready'>, 'vectors' | 'vectorsProblem'>> {
  if (sharing === undefined) return { vectorsProblem: 'its program cannot' };
  const offered = await sharing.offer(floats);
  if ('problem' in offered) return { vectorsProblem: offered.problem };
  life.vectors = { own: offered.own, sharing };
  const { network } = offered.own.offer;
  if (network !== undefined) log(`listening for other workers at ${network.addresses.join(', ')}`);
  return { vectors: offered.own.offer };
}

/** @throws bad-input when this host lacks the data, with the flag that names it and the digest that it must have */
async function loadRunData({ name, digest }: From<'welcome'>['dataset'], load: WorkerDependencies['loadDataset']) {
  try {
    return await load(name);
  } catch (error) {
    throw error instanceof PennygradError ? badInput(`${error.message}; ${nameTheData(digest)}`, error) : error;
  }
}

function nameTheData(digest: string): string {
  return `name the run's data on this host with --dataset or --data-dir; its digest must be ${digest}`;
}

function helloOf(options: WorkerOptions, uptime: number): Body<MessageOf<WorkerMessage, 'hello'>> {
  const { workerId, version, cpu, priceUsdPerHour, pricePer, priceOrigin, gpu, emulatedSpeed } = options;
  return {
    type: 'hello',
    workerId,
    version,
    cpu,
    host: hostname(),
    pid: process.pid,
    uptime,
    priceUsdPerHour,
    pricePer,
    priceOrigin,
    gpu,
    emulatedSpeed,
  };
}

function expect<Type extends 'welcome' | 'quorum'>(order: Order, type: Type): Extract<Order, { type: Type }> {
  if (order.type === type) return order as Extract<Order, { type: Type }>;
  if (order.type === 'refuse') {
    const why = describeRefusal(order, 'this worker');
    // Its place is gone: another took it while this one was loading.
    if (order.passing === true) throw new PennygradError('quorum-lost', `this worker lost its place: ${why}`);
    const advice = order.field === 'dataset digest' ? `; ${nameTheData(order.expected)}` : '';
    throw badInput(`the coordinator refused this worker: ${why}${advice}`);
  }
  if (order.type === 'stop') throw new PennygradError('quorum-lost', `the run ended before it began: ${order.reason}`);
  throw unexpected(order);
}

/** A GPU's computing shows on the clock, not in the processor time of this process. */
function timeOf(
  { name, card }: Pick<Engine, 'name' | 'card'>,
  { clock, processorSeconds, sleep }: WorkerDependencies,
): SlowedTime {
  const onGpu = card !== undefined || name === 'webgpu';
  return { now: clock.now, busySeconds: onGpu ? clock.now : processorSeconds, sleep };
}
