/** A worker's life: join, load, then carry out orders until told to stop. */
import { hostname } from 'node:os';
import type { PriceOrigin } from '../economics/ledger/cost.ts';
import type { Engine, EngineProvider } from '../engine/engine.ts';
import type { Gpu } from '../engine/tensorflow/nvidia-smi.ts';
import { bucketEnds, gradientBuckets } from '../shared/collectives/buckets.ts';
import type { Clock } from '../shared/core/clock.ts';
import { deadlinesFrom } from '../shared/core/deadlines.ts';
import { createDeferred } from '../shared/core/deferred.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import { describeStandstill } from '../shared/core/standstill.ts';
import type { Timers } from '../shared/core/timers.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { ModelName } from '../shared/model/model-spec.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import { describeRefusal } from '../shared/protocol/describe-refusal.ts';
import {
  type Body,
  type CoordinatorMessage,
  leaveCodes,
  type MessageOf,
  type WorkerMessage,
} from '../shared/protocol/messages.ts';
import type { IpFamily } from '../shared/transport/ip-family.ts';
import type { connectWorkerSocket } from '../shared/transport/worker-socket.ts';
import { askForPlace } from './ask-for-place.ts';
import { nameOfCard } from './card-name.ts';
import { type CoordinatorLink, type Order, openCoordinatorLink, type QuorumOrder } from './coordinator-link.ts';
import { findCoordinator } from './find-coordinator.ts';
import { watchGpu } from './gpu-watch.ts';
import { measureSpeed } from './self-measurement.ts';
import { memoizedOrder, type Replica, runSession, unexpected } from './session.ts';
import { type SlowedTime, slowEngineDown } from './slowed-engine.ts';
import { startUsageMeter } from './usage-meter.ts';
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
  /** What this worker was told to train. The coordinator refuses it, by the name of the field, if the run differs. */
  readonly expected: { readonly model?: ModelName; readonly seed?: number };
  /** The coordinator is the parent of this process, which ends with it. */
  readonly managed?: boolean;
  /** Ctrl-C: leave. */
  readonly signal: AbortSignal;
  /** Finish the step in flight, then leave; the reason says who wants that. */
  readonly drain?: AbortSignal | undefined;
}

export interface WorkerDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Processor time of this process, in seconds. */
  readonly processorSeconds: () => number;
  /** How long this process has been alive, in seconds. */
  readonly uptime: () => number;
  /** Loads the dataset of this name, from wherever this host has it. */
  readonly loadDataset: (name: string) => Promise<Dataset>;
  /** Reads an NVIDIA card, by the name that its engine gives it. */
  readonly readGpu: (card: string) => Promise<Gpu | undefined>;
  readonly selectEngine: () => Promise<{ readonly provider: EngineProvider; readonly reason: string }>;
  /** How many samples a second the engine computes gradients of, if that can be told; `measureSpeed` unless given. */
  readonly measureSpeed?: typeof measureSpeed | undefined;
  /** How a host is reached; rejects if there is none of that name. */
  readonly ipFamilyOf: (endpoint: string) => Promise<IpFamily>;
  readonly log: (line: string) => void;
  readonly observer?: WorkerObserver;
  /** Opens the socket to the coordinator; a ZeroMQ socket unless given. */
  readonly connectSocket?: typeof connectWorkerSocket;
}

/**
 * Resolves when the coordinator ends the run.
 * @throws whatever ended this worker, after the coordinator was told
 */
export async function runWorker(options: WorkerOptions, dependencies: WorkerDependencies): Promise<void> {
  const { clock, timers, log } = dependencies;
  log(`connecting to ${options.connect}`);
  const family = await findCoordinator({ ...options, clock, timers, log, ipFamilyOf: dependencies.ipFamilyOf });
  const link = openCoordinatorLink({
    connect: options.connect,
    family,
    timeoutSeconds: options.timeoutSeconds,
    managed: options.managed ?? false,
    clock,
    timers,
    onStoodStill: (seconds) => log(describeStandstill(seconds)),
    connectSocket: dependencies.connectSocket,
  });
  const life: Life = {
    phase: 'rendezvous',
    isReady: false,
    hasTrained: false,
    engine: undefined,
    stopWatching: () => {},
  };
  const interrupt = () => link.fail(new PennygradError('interrupted', 'interrupted: this worker leaves the run'));
  options.signal.addEventListener('abort', interrupt);
  if (options.signal.aborted) interrupt();
  const abandoned = failAfterLink(link.signal, dependencies.timers, deadlinesFrom(options.timeoutSeconds).exitMs);
  const draining = whenDrained(options.drain, life, link, log);
  try {
    await Promise.race([live(link, life, options, dependencies), abandoned.failed, draining.left]);
  } catch (error) {
    const known = error instanceof PennygradError ? error.code : undefined;
    const code = leaveCodes.find((leaveCode) => leaveCode === known) ?? 'run-failed';
    link.send({ type: 'leave', code, phase: life.phase, reason: messageOf(error).slice(0, 2000) });
    throw error;
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    abandoned.cancel();
    draining.dispose();
    life.stopWatching();
    await link.close();
    life.engine?.dispose();
  }
}

/**
 * Every wait for the coordinator ends with the link, but an engine may not notice (a card that hangs, a download): what it
 * does is given up a moment later.
 */
function failAfterLink(signal: AbortSignal, timers: Timers, graceMs: number) {
  const { promise: failed, reject } = createDeferred<never>();
  let cancel = () => {};
  const begin = () => {
    cancel = timers.after(graceMs, () => reject(signal.reason));
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
    log(`leaving the run${life.hasTrained ? ' after the step in flight' : ''}: ${messageOf(drain?.reason)}`);
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
  /** It has been a member of a generation. */
  hasTrained: boolean;
  engine: Engine | undefined;
  stopWatching: () => void;
}

async function live(
  link: CoordinatorLink,
  life: Life,
  options: WorkerOptions,
  dependencies: WorkerDependencies,
): Promise<void> {
  const { clock, timers, log, observer = unobserved } = dependencies;
  const hello = () => helloOf(options, dependencies.uptime());
  const { timeoutSeconds } = options;
  const welcome = expect(await askForPlace({ link, hello, timeoutSeconds, clock, timers, log }), 'welcome');
  link.joinRun(welcome.run, welcome.timeout);
  log(`joined run ${welcome.run}: ${welcome.model.name} on ${welcome.dataset.name}`);

  life.phase = 'load';
  const dataset = await loadRunData(welcome.dataset, dependencies.loadDataset);
  const { provider, reason } = await dependencies.selectEngine();
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
      dependencies.timers,
      (gpu) => link.setGpuReading(gpu),
      (error) => log(`the GPU can no longer be read: ${messageOf(error)}`),
    );
  }
  const buckets = gradientBuckets(
    engine.artifacts().weightSpecs.map(({ shape }) => shape.reduce((size, n) => size * n, 1)),
  );
  const { measureSpeed: measure = measureSpeed } = dependencies;
  const samplesPerSecond = await measure(engine, dataset.trainCount, clock);
  const cardName = await nameOfCard(engine, dependencies.readGpu);
  const parametersChecksum = parameterChecksum(await engine.getParameters());
  life.isReady = true;
  link.send({
    type: 'ready',
    backend: provider.name,
    device,
    backendReason: reason,
    threads,
    card: cardName,
    parameterCount,
    parametersChecksum,
    samplesPerSecond,
    bucketEnds: bucketEnds(buckets),
    identity: {
      version: options.version,
      model: { ...welcome.model, name: options.expected.model ?? welcome.model.name },
      datasetDigest: dataset.digest,
      seed: options.expected.seed ?? welcome.seed,
    },
  });

  life.phase = 'rendezvous';
  log(`ready, engine ${reason}; waiting for the others`);
  const first = await link.nextOrder();
  if (first.type === 'stop' && options.drain?.aborted === true) return;
  let quorum: QuorumOrder | undefined = expect(first, 'quorum');
  life.hasTrained = true;
  const replica: Replica = { applied: undefined };
  const usage = startUsageMeter(clock);
  const orderOf = memoizedOrder(welcome.seed, dataset.trainCount);
  const { checksumEvery } = welcome;
  const onPhase = (phase: string) => {
    life.phase = phase;
  };
  while (quorum !== undefined) {
    log(`training as rank ${quorum.rank} of ${quorum.worldSize}`);
    const end = await runSession({
      link,
      quorum,
      engine,
      dataset,
      buckets,
      checksumEvery,
      orderOf,
      usage,
      replica,
      observer,
      onPhase,
    });
    quorum = end.kind === 'next' ? end.quorum : undefined;
    if (end.kind === 'over') log(`the run is over: ${end.reason}`);
  }
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
