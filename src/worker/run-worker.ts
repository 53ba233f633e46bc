/** A worker's life: join, load, then carry out orders until told to stop. */
import { hostname } from 'node:os';
import type { PriceOrigin } from '../economics/ledger/cost.ts';
import type { Engine, EngineProvider } from '../engine/engine.ts';
import type { Gpu } from '../engine/tensorflow/nvidia-smi.ts';
import { bucketEnds, gradientBuckets } from '../shared/collectives/buckets.ts';
import { createStarAllReduce } from '../shared/collectives/star.ts';
import type { Clock } from '../shared/core/clock.ts';
import { badInput, messageOf, PennygradError } from '../shared/core/errors.ts';
import { epochOrder } from '../shared/core/sampling.ts';
import type { Dataset } from '../shared/data/dataset.ts';
import type { ModelName } from '../shared/model/model-spec.ts';
import { parameterChecksum } from '../shared/model/parameter-checksum.ts';
import {
  type Body,
  type CoordinatorMessage,
  leaveCodes,
  type MessageOf,
  type WorkerMessage,
} from '../shared/protocol/messages.ts';
import { type CoordinatorLink, type Order, openCoordinatorLink, type RestoreOrder } from './coordinator-link.ts';
import { watchGpu } from './gpu-watch.ts';
import { type SlowedTime, slowEngineDown } from './slowed-engine.ts';
import { createStepRunner, diverged } from './step.ts';
import { type Stopwatch, startStopwatch } from './stopwatch.ts';
import { unobserved, type WorkerObserver } from './worker-observer.ts';

type From<Type extends CoordinatorMessage['type']> = MessageOf<CoordinatorMessage, Type>;

export interface WorkerOptions {
  readonly connect: string;
  readonly workerId: string;
  readonly version: string;
  /** Architecture and model of this host's CPU. */
  readonly cpu: string;
  readonly timeoutSeconds: number;
  readonly priceUsdPerHour?: number;
  /** Stands for a slower worker, of so much of this one's speed: above 0 and up to 1. */
  readonly emulatedSpeed?: number;
  /** Of a price that was looked up. */
  readonly priceOrigin?: PriceOrigin;
  /** What it is said to compute on. */
  readonly gpu?: string;
  /** What this worker was told to train; anything else that the coordinator trains is refused, by name. */
  readonly expected: { readonly model?: ModelName; readonly seed?: number };
  /** Ctrl-C: leave. */
  readonly signal: AbortSignal;
}

export interface WorkerDependencies {
  readonly clock: Clock;
  /** For so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Seconds of processor time that this process has had. */
  readonly processorSeconds: () => number;
  /** Seconds this process has been alive. */
  readonly uptime: () => number;
  /** Loads the data of this name as this host has it. */
  readonly loadDataset: (name: string) => Promise<Dataset>;
  /** What an NVIDIA card reports, by the name that its engine has for it. */
  readonly readGpu: (card: string) => Promise<Gpu | undefined>;
  readonly selectEngine: () => Promise<{ readonly provider: EngineProvider; readonly reason: string }>;
  readonly log: (line: string) => void;
  /** Nobody watches when left out. */
  readonly observer?: WorkerObserver;
}

/** Test images a worker evaluates before it lets its heart beat again. */
const evaluationSlice = 250;

/**
 * Resolves when the coordinator ends the run.
 * @throws whatever ended this worker; the coordinator has been told before.
 */
export async function runWorker(options: WorkerOptions, dependencies: WorkerDependencies): Promise<void> {
  const link = openCoordinatorLink({ ...options, clock: dependencies.clock });
  const life: Life = { phase: 'rendezvous', engine: undefined, stopWatching: () => {} };
  const interrupt = () => link.fail(new PennygradError('interrupted', 'interrupted: this worker leaves the run'));
  options.signal.addEventListener('abort', interrupt);
  if (options.signal.aborted) interrupt();
  try {
    await live(link, life, options, dependencies);
  } catch (error) {
    const known = error instanceof PennygradError ? error.code : undefined;
    const code = leaveCodes.find((leaveCode) => leaveCode === known) ?? 'run-failed';
    link.send({ type: 'leave', code, phase: life.phase, reason: messageOf(error).slice(0, 2000) });
    throw error;
  } finally {
    options.signal.removeEventListener('abort', interrupt);
    life.stopWatching();
    await link.close();
    life.engine?.dispose();
  }
}

interface Life {
  phase: string;
  engine: Engine | undefined;
  stopWatching: () => void;
}

async function live(
  link: CoordinatorLink,
  life: Life,
  options: WorkerOptions,
  dependencies: WorkerDependencies,
): Promise<void> {
  const { clock, log, observer = unobserved } = dependencies;
  log(`connecting to ${options.connect}`);
  link.send(helloOf(options, dependencies.uptime()));
  const welcome = await expectOrder(link, 'welcome');
  link.joinRun(welcome.run, welcome.timeout);
  log(`joined run ${welcome.run}: ${welcome.model.name} on ${welcome.dataset.name}`);

  life.phase = 'load';
  const dataset = await dependencies.loadDataset(welcome.dataset.name);
  const { provider, reason } = await dependencies.selectEngine();
  const created = await provider.create({ ...welcome, dataset });
  const { emulatedSpeed } = options;
  const engine =
    emulatedSpeed === undefined ? created : slowEngineDown(created, emulatedSpeed, timeOf(created, dependencies));
  life.engine = engine;
  const { device, parameterCount, card } = engine;
  observer.joined({ runId: welcome.run, engine: provider.name, device });
  if (card !== undefined) {
    life.stopWatching = watchGpu(
      () => dependencies.readGpu(card),
      (gpu) => link.setGpuReading(gpu),
      (error) => log(`no more figures of the GPU: ${messageOf(error)}`),
    );
  }
  const buckets = gradientBuckets(
    engine.artifacts().weightSpecs.map(({ shape }) => shape.reduce((size, n) => size * n, 1)),
  );
  link.send({
    type: 'ready',
    backend: provider.name,
    device,
    backendReason: reason,
    parameterCount,
    parametersChecksum: parameterChecksum(await engine.getParameters()),
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
  const { rank, worldSize } = await expectOrder(link, 'quorum');
  log(`training as rank ${rank} of ${worldSize}`);
  const stopwatch = startStopwatch(clock);
  const allReduce = createStarAllReduce({ rank, buckets, send: link.send });
  link.setReducedSink(allReduce);
  const orderOf = memoizedOrder(welcome.seed, dataset.trainCount);
  const { checksumEvery } = welcome;
  const runStep = createStepRunner({ rank, engine, allReduce, link, stopwatch, checksumEvery, orderOf, observer });

  for (;;) {
    life.phase = 'idle';
    const order = await link.nextOrder();
    stopwatch.lap('idle');
    life.phase = order.type;
    switch (order.type) {
      case 'plan':
        await runStep(order);
        break;
      case 'evaluate':
        link.send(await evaluate(engine, order, stopwatch));
        observer.evaluated(order.to - order.from);
        break;
      case 'capture':
        await capture(engine, order, link, stopwatch);
        break;
      case 'restore':
        await restore(engine, order, link, stopwatch);
        break;
      case 'predict': {
        const [height, width, channels] = dataset.imageShape;
        const images = dataset.test.images.subarray(0, order.count * height * width * channels);
        const probabilities = await engine.predict(images, order.count);
        stopwatch.lap('evaluate');
        link.send({ type: 'predicted', spent: stopwatch.totals() }, [probabilities]);
        break;
      }
      case 'stop':
        log(`the run is over: ${order.reason}`);
        return;
      case 'welcome':
      case 'refuse':
      case 'quorum':
        throw unexpected(order);
      default:
        order satisfies never;
    }
  }
}

function helloOf(options: WorkerOptions, uptime: number): Body<MessageOf<WorkerMessage, 'hello'>> {
  const { workerId, version, cpu, priceUsdPerHour, priceOrigin, gpu, emulatedSpeed } = options;
  return {
    type: 'hello',
    workerId,
    version,
    cpu,
    host: hostname(),
    pid: process.pid,
    uptime,
    ...(priceUsdPerHour === undefined ? {} : { priceUsdPerHour }),
    ...(priceOrigin === undefined ? {} : { priceOrigin }),
    ...(gpu === undefined ? {} : { gpu }),
    ...(emulatedSpeed === undefined ? {} : { emulatedSpeed }),
  };
}

async function expectOrder<Type extends 'welcome' | 'quorum'>(link: CoordinatorLink, type: Type): Promise<From<Type>> {
  const order = await link.nextOrder();
  if (order.type === type) return order as From<Type>;
  if (order.type === 'refuse') {
    throw badInput(
      `the coordinator refused this worker: ${order.field} differs: the run has ${order.expected}, this worker ${order.actual}`,
    );
  }
  if (order.type === 'stop') throw new PennygradError('quorum-lost', `the run ended before it began: ${order.reason}`);
  throw unexpected(order);
}

function unexpected(order: Order): PennygradError {
  return new PennygradError('run-failed', `the coordinator sent '${order.type}' out of turn`);
}

/** Evaluates slice by slice, so that a long pass on a slow engine does not look like a dead worker. */
async function evaluate(
  engine: Engine,
  { evaluation, split, from, to }: From<'evaluate'>,
  stopwatch: Stopwatch,
): Promise<Body<MessageOf<WorkerMessage, 'evaluated'>>> {
  let lossSum = 0;
  let correct = 0;
  for (let start = from; start < to; start += evaluationSlice) {
    const slice = await engine.evaluate(split, start, Math.min(start + evaluationSlice, to));
    lossSum += slice.lossSum;
    correct += slice.correct;
    if (!Number.isFinite(lossSum)) throw diverged(`on ${split} images`, lossSum);
    await new Promise((resolve) => setImmediate(resolve));
  }
  stopwatch.lap('evaluate');
  return { type: 'evaluated', evaluation, samples: to - from, lossSum, correct, spent: stopwatch.totals() };
}

async function capture(
  engine: Engine,
  { extent }: From<'capture'>,
  link: CoordinatorLink,
  stopwatch: Stopwatch,
): Promise<void> {
  const parameters = await engine.getParameters();
  const parametersChecksum = parameterChecksum(parameters);
  const { topology, weightSpecs } = engine.artifacts();
  const state = extent === 'state' ? await engine.getOptimizerState() : undefined;
  stopwatch.skip();
  link.send(
    {
      type: 'captured',
      spent: stopwatch.totals(),
      parametersChecksum,
      ...(state === undefined ? {} : { state: { topology, weightSpecs, optimizerIterations: state.iterations } }),
    },
    extent === 'checksum' ? [] : [parameters, ...(state?.slots ?? [])],
  );
}

/** The received frames are only lent: engines may keep what they are given. */
async function restore(
  engine: Engine,
  { optimizerIterations, tensors }: RestoreOrder,
  link: CoordinatorLink,
  stopwatch: Stopwatch,
): Promise<void> {
  const [parameters, ...slots] = tensors.map((tensor) => tensor.slice());
  if (parameters === undefined) throw new PennygradError('run-failed', 'the coordinator sent no parameters to restore');
  await engine.setParameters(parameters);
  await engine.setOptimizerState({ iterations: optimizerIterations, slots });
  const parametersChecksum = parameterChecksum(await engine.getParameters());
  stopwatch.lap('load');
  link.send({ type: 'restored', spent: stopwatch.totals(), parametersChecksum });
}

/** The order of an epoch is asked for once a step, and made once an epoch. */
function memoizedOrder(seed: number, sampleCount: number): (epoch: number) => Uint32Array {
  let current: { epoch: number; order: Uint32Array } | undefined;
  return (epoch) => {
    if (current?.epoch !== epoch) current = { epoch, order: epochOrder(seed, epoch, sampleCount) };
    return current.order;
  };
}

/** A GPU computes while the processor waits for it. */
function timeOf(
  { name, card }: Pick<Engine, 'name' | 'card'>,
  { clock, processorSeconds, sleep }: WorkerDependencies,
): SlowedTime {
  const onGpu = card !== undefined || name === 'webgpu';
  return { now: clock.now, busySeconds: onGpu ? clock.now : processorSeconds, sleep };
}
