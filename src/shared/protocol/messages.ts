/**
 * Every message of the control plane, one union per direction. A message is a msgpackr header, described here, and raw
 * little-endian float32 frames, named in the message's comment. What is not described here does not exist on the wire.
 */
import { z } from 'zod';
import { maxPriceUsdPerHour } from '../core/price-limit.ts';
import { printable } from '../core/printable.ts';
import { maxParameters } from '../model/model-fit.ts';
import { modelNames } from '../model/model-spec.ts';
import { optimizerSchema } from '../model/optimizer-schema.ts';
import {
  maxMeshSize,
  maxNamedAwaited,
  maxReportedSteps,
  maxRunLength,
  maxSeconds,
  maxThreads,
  maxWorldSize,
  protocolVersion,
} from './limits.ts';

export const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** What a member computed. NaN and infinity are for the generation to judge: it knows the step and what was asked. */
const computed = z.custom<number>((value) => typeof value === 'number', 'Invalid input: expected number');
/** Control characters in a peer's text must not reach a terminal. */
const name = z.string().min(1).max(200).transform(printable);
const text = z.string().max(4000).transform(printable);
const path = z.string().min(1).max(4096);
const digest = z.string().max(128);
const seconds = z.number().min(0).max(maxSeconds);
const rank = z
  .int()
  .min(0)
  .max(maxWorldSize - 1);

/** Which try at which step a message belongs to. Messages of another attempt are stale. */
export const attempt = { generation: count, step: count, attempt: count };

/** What a worker has used since its first generation began, up to this message. Totals, so that a lost report costs nothing. */
const usage = z.object({
  /** Where its time went. */
  seconds: z.object({
    load: seconds,
    compute: seconds,
    communicate: seconds,
    wait: seconds,
    apply: seconds,
    evaluate: seconds,
    idle: seconds,
  }),
  /** Bytes of gradients that its all-reduce exchanged. */
  bytes: z.object({ sent: count, received: count }),
});

/**
 * Which of the run's states a replica has: how many steps it has seen, and the generation that committed the last of them.
 * A step that is lost is trained again by a later generation, so the number of steps alone does not tell.
 */
const applied = z.object({ step: count, generation: count });

/**
 * What a replica has been trained on last: the steps from `since` to what it has applied, all of one generation. Where no
 * step is committed, a generation's coordinator may not know of them yet, or may have died before they were on record.
 */
const trained = z.object({
  /** The state before the first of them. */
  since: applied,
  generation: count,
  /** The members of the generation, in rank order. */
  workers: z.array(name).min(1).max(maxMeshSize).readonly(),
  steps: z
    .array(
      z.object({
        /** Positions of the epoch's order: where rank 0's share begins, and where each rank's ends. */
        bounds: z
          .array(count)
          .min(2)
          .max(1 + maxMeshSize)
          .readonly(),
        lossSum: z.number(),
        correct: count,
        /** The step was not finite, and changed nothing; its loss and correct are left at 0. */
        skipped: z.literal(true).optional(),
      }),
    )
    .max(maxReportedSteps)
    .readonly(),
});

const modelSpec = z.object({
  name: z.enum(modelNames),
  inputShape: z.tuple([count, count, count]),
  classes: z.int().min(2).max(256),
});

/** What all replicas must agree on to be replicas. */
const identity = z.object({
  version: name,
  model: modelSpec,
  datasetDigest: digest,
  seed: count,
});

/** `ErrorCode`s that a run can fail with. */
const failureCodes = ['bad-input', 'run-failed', 'diverged', 'quorum-lost'] as const;

/** `ErrorCode`s that a worker can leave with. */
export const leaveCodes = [...failureCodes, 'interrupted'] as const;

export const message = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ v: z.literal(protocolVersion), run: z.string().max(maxRunLength), type: z.literal(type), ...shape });

const uptime = seconds.max(10 * 365 * 24 * 3600);

/** A worker's first message. `run` is empty: the worker learns it from the welcome. */
const hello = message('hello', {
  workerId: name,
  version: name,
  host: name,
  /** Architecture and model of the host's CPU: rounding may depend on it. */
  cpu: name,
  pid: count,
  /** Seconds the process has been alive: its cost counts from its start. */
  uptime,
  /** The worker's own price; without one the coordinator's default applies. `none`: it has none, and none is assumed. */
  priceUsdPerHour: z.union([z.number().min(0).max(maxPriceUsdPerHour), z.literal('none')]).optional(),
  /** Set if that is the price of each virtual CPU that it computes on. */
  pricePer: z.literal('vcpu').optional(),
  /** Set on a worker that emulates a slower one: the share of its own speed that it runs at. */
  emulatedSpeed: z.number().positive().max(1).optional(),
  /** Where the price is from, if it was looked up. */
  priceOrigin: z.object({ source: text, date: name }).optional(),
  /** The label of the card, for summaries, metrics and billing rules: for example `gcp/t4/spot`. */
  gpu: name.optional(),
  /** How often this worker has asked for a place before. */
  asked: count.optional(),
});

/** Shows that whoever is reached is the right one, or may ask. */
const secret = z.string().length(32);

/**
 * Vectors of this process that others can read.
 * - memory: on its host. The host's boot id, the open file, and what the file begins with, so that another is not taken for it
 * - network: where it listens, and what it wants to hear
 */
const vectorsToRead = z.object({
  memory: z.object({ host: name, pid: count, fd: count, secret }).optional(),
  network: z.object({ addresses: z.array(name).min(1).max(8).readonly(), secret }).optional(),
});

/** Dataset, model and engine are loaded. Says what this worker would train, for the coordinator to compare. */
const ready = message('ready', {
  identity,
  /** As in `hello`, which may have waited for a coordinator that was not there yet. */
  uptime: uptime.optional(),
  backend: name,
  device: text,
  backendReason: text,
  /** Threads of the CPU that it computes on; left out where a GPU computes. */
  threads: z.int().min(1).max(maxThreads).optional(),
  /** The name of the GPU that it computes on, as its driver spells it. */
  card: text.optional(),
  parameterCount: z.int().min(1).max(maxParameters),
  parametersChecksum: count,
  /** Training samples a second of which this worker alone computes gradients; left out where it could not tell. */
  samplesPerSecond: z.number().positive().max(1e9).optional(),
  /** Where the buckets end in which this worker's gradients travel. */
  bucketEnds: z.array(count).min(1).max(10_000).readonly(),
  /** Where others can read this worker's gradients, if it was asked to offer them and can. */
  vectors: vectorsToRead.optional(),
  /** Why it cannot. */
  vectorsProblem: text.optional(),
  /** Set on a worker that has been a member before, and kept what it had when it lost the coordinator. */
  kept: z
    .object({
      /** Absent where its replica is as it was made. */
      applied: applied.optional(),
      usage,
    })
    .optional(),
});

/**
 * One bucket of this worker's gradient sum. Frame 1: the bucket's floats. `part` is set in a deterministic run, where a
 * worker hands over the sum of each node of the tree that its share consists of.
 */
const contribute = message('contribute', { ...attempt, bucket: count, part: count.optional() });

/** The worker's part of the attempt can no longer fail on its side. */
const vote = message('vote', {
  ...attempt,
  samples: count,
  lossSum: computed,
  correct: count,
  usage,
  /** CRC-32 of the parameters before this step, on the steps where replicas are compared. */
  parametersChecksum: count.optional(),
  /**
   * Euclidean norm of the mean gradient, where no hub has seen the sum: of a step on which replicas are compared. It is this
   * step's of a worker alone, and the one's before among others, which vote before they have the sum.
   */
  gradientNorm: z.number().nonnegative().optional(),
  /** Set where no hub sees the gradient and such a step is skipped: the first float that is not finite, or could make the sum so. */
  nonFinite: z.object({ float: count, value: computed }).optional(),
});

/** Says which request of the generation a message makes or answers: requests are numbered from 1. */
const request = { request: count };

/** Answers `evaluate`. */
const evaluated = message('evaluated', { ...request, samples: count, lossSum: computed, correct: count, usage });

/**
 * A part of a state that is too long for one message: of the vectors that were asked for, one after the other. Frame 1: its
 * floats, all of one vector. Chunks come in order. The message that the state belongs to (`state`, `restore`) comes last.
 */
const chunk = message('chunk', {
  ...request,
  /** Floats of all vectors together, and how many of them came before these. */
  total: count,
  offset: count,
});

/** So many floats of a state that travels in chunks are taken: its sender may go on. */
const taken = message('taken', { ...request, offset: count });

/** On a message whose state came in chunks before it: the CRC-32 of all its vectors, one after the other. */
const chunked = { stateChecksum: count.optional() };

/**
 * Answers `report-state`. Frames: the parameters if asked for, then the residual if it was, or the replica's slots if the state
 * was; none if they came in chunks.
 */
const state = message('state', {
  ...request,
  usage,
  /** What the replica has applied or taken over; absent where it is as it was made. */
  applied: applied.optional(),
  /** Absent where it has trained nothing since it was made or took over a state. */
  trained: trained.optional(),
  parametersChecksum: count,
  ...chunked,
  state: z
    .object({
      topology: z.record(z.string(), z.unknown()),
      weightSpecs: z
        .array(z.object({ name, shape: z.array(count).max(8).readonly(), dtype: z.literal('float32') }).readonly())
        .readonly(),
      optimizerIterations: count,
    })
    .optional(),
});

/** Answers `predict`. Frame 1: probabilities, images × classes. */
const predicted = message('predicted', { ...request, usage });

/** Answers `restore` with the checksum of the parameters that the worker now has. */
const restored = message('restored', { ...request, usage, parametersChecksum: count });

/** Answers `link`. */
const linked = message('linked', {
  ...request,
  usage,
  /** Why it cannot read the vectors of all others. */
  problem: text.optional(),
  /** How many of them it reads over the network. */
  overNetwork: z.int().min(1).max(maxMeshSize).optional(),
});

/** Answers `measure`. */
const measured = message('measured', {
  ...request,
  usage,
  /** Left out where it came to nothing in time. Whatever is said here decides no more than how gradients are summed. */
  link: z
    .object({
      /** Half of the shortest round trip to the peer that is furthest away, the time of processors included. */
      delaySeconds: z.number().min(0).max(60),
      /** What came from all of them together, without headers. */
      bytesPerSecond: z.number().min(1).max(1e12),
    })
    .optional(),
});

const gpuReading = z.object({
  utilizationRatio: z.number().min(0).max(1).optional(),
  memoryUsedBytes: z.number().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  memoryTotalBytes: z.number().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  temperatureCelsius: z.number().min(-300).max(10_000).optional(),
  powerWatts: z.number().min(0).max(1e6).optional(),
});

/** The coordinator's program still runs. (That its connection stands, ZeroMQ's own pings show.) */
const heartbeat = message('heartbeat', {});

/** The worker is still making progress. */
const workerHeartbeat = message('heartbeat', {
  /** Its GPU's last reading, if there is one. */
  gpu: gpuReading.optional(),
  /** Workers whose gradients it waits for, by name: the first of them. Left out while it waits for none. */
  awaited: z.array(name).min(1).max(maxNamedAwaited).optional(),
});

/** The worker ends by its own decision: it was asked to (Ctrl-C), or something broke. */
const leave = message('leave', {
  code: z.enum(leaveCodes),
  phase: name,
  reason: text,
});

/**
 * The worker is to leave soon (a spot notice, a host that is shut down): it finishes the step in flight and waits to be told
 * to stop.
 */
const drain = message('drain', { reason: text });

/** A wall clock's milliseconds since the Unix epoch. */
const unixMs = z.number().min(0).max(Number.MAX_SAFE_INTEGER);

/** Asks for a `pong`. Anybody may: the sender need not be a member, and does not become one. */
const ping = message('ping', { sentUnixMs: unixMs });

export const workerMessage = z.discriminatedUnion('type', [
  hello,
  ready,
  contribute,
  vote,
  evaluated,
  chunk,
  taken,
  state,
  predicted,
  restored,
  linked,
  measured,
  workerHeartbeat,
  drain,
  leave,
  ping,
]);
export type WorkerMessage = z.infer<typeof workerMessage>;

/** Answers `hello`: what this run trains. `timeout` is the run's one setting for deadlines, in seconds. */
const welcome = message('welcome', {
  dataset: z.object({ name: path, digest }),
  model: modelSpec,
  optimizer: optimizerSchema,
  seed: count,
  timeout: z.number().positive(),
  /** Replicas compare parameters every so many steps. */
  checksumEvery: z.int().min(1),
  /** The last generation that this coordinator knows of, 0 before the first. One that knows of fewer is out of date. */
  generation: count,
  /** Set where parameters must have the same bits for any fleet: only some engines can compute so. */
  deterministic: z.literal(true).optional(),
  /** Set where workers may read each other's gradients: they offer vectors when they are ready. */
  offerVectors: z.literal(true).optional(),
});

/**
 * The coordinator does not accept this worker: `field` is what does not fit. `passing`: it may fit later, because a place
 * may become free.
 */
const refuse = message('refuse', { field: name, expected: text, actual: text, passing: z.boolean().optional() });

/** A generation begins, and the one before it is over: this worker's place in it, and how gradients are summed. */
const quorum = message('quorum', {
  generation: count,
  rank,
  worldSize: z.int().min(1).max(maxWorldSize),
  /** A name of the registry of collectives. `exchange` may change it. */
  allReduce: name,
  /** Set in a deterministic run: samples of a micro-shard, whose gradient is computed by itself. */
  microShard: z.int().min(1).optional(),
  /** Set where a step whose loss or gradient is not finite is skipped: workers vote for it, and do not leave. */
  skipNonfinite: z.literal(true).optional(),
});

const rankToRead = z.object({ workerId: name, vectors: vectorsToRead });

/** Open the vectors of all ranks, in their order, but for your own. */
const link = message('link', { ...request, ranks: z.array(rankToRead).max(maxMeshSize).readonly() });

/** Measure how fast the vectors come that you read over the network. All who read some are asked at once. */
const measure = message('measure', request);

/** All ranks read each other's vectors: gradients are summed so from now on, by a collective of the registry. */
const exchange = message('exchange', { generation: count, allReduce: name });

/**
 * What one rank computes in a step: positions `[from, to)` of the epoch's sample order. May be sent ahead. `offset` is set in
 * a deterministic run: how many samples of the global batch come before.
 */
const assign = message('assign', {
  ...attempt,
  epoch: count,
  from: count,
  to: count,
  globalBatch: z.int().min(1),
  offset: count.optional(),
});

/**
 * All-reduce with a hub: the sum over ranks of one bucket. Frame 1: the floats.
 * `waited` is how long this rank's contribution waited for the last one, in seconds.
 */
const reduced = message('reduced', { ...attempt, bucket: count, waited: seconds });

/**
 * Every member voted for the attempt: apply it; or, if it is skipped, go on without. Sent where the coordinator adds the
 * gradients up.
 */
const commit = message('commit', { ...attempt, skipped: z.literal(true).optional() });

/**
 * The generation has lost a member. What was ordered and is not committed will not be: drop it. A step whose commit came
 * before this is applied. Requests may follow.
 */
const abort = message('abort', { generation: count });

/** Evaluate samples `[from, to)` of a split. */
const evaluate = message('evaluate', { ...request, split: z.enum(['train', 'test']), from: count, to: count });

/**
 * Send the checksum of the parameters; or the parameters as well; or these and the residual of compression; or everything
 * that a checkpoint holds.
 */
const reportState = message('report-state', {
  ...request,
  extent: z.enum(['checksum', 'parameters', 'residual', 'parameters-and-residual', 'state']),
});

/**
 * Take over a state: another replica's, or a checkpoint's. Frames: the parameters, then the optimizer's slots; none if they
 * came in chunks. Comes before the first assignment of a generation, or never.
 */
const restore = message('restore', {
  ...request,
  applied,
  optimizerIterations: count,
  /** Set where the residual of compression among the slots is this worker's own; otherwise it begins without one. */
  ownsResidual: z.literal(true).optional(),
  ...chunked,
});

/** Send class probabilities of the first `count` test images. */
const predict = message('predict', { ...request, count: z.int().min(1).max(1000) });

/** The run is over, well (`completed`, also when the user ended it early) or not: leave. */
const stop = message('stop', { outcome: z.enum(['completed', ...failureCodes]), reason: text });

/**
 * Answers `ping` at any time. With the moment it arrives, its three times are the four timestamps of NTP (RFC 5905,
 * section 8), from which latency and clock offset follow. `sentUnixMs` is the ping's own.
 */
const pong = message('pong', {
  sentUnixMs: unixMs,
  receivedUnixMs: unixMs,
  answeredUnixMs: unixMs,
  version: name,
});

export const coordinatorMessage = z.discriminatedUnion('type', [
  welcome,
  refuse,
  quorum,
  link,
  measure,
  exchange,
  assign,
  reduced,
  commit,
  abort,
  evaluate,
  reportState,
  chunk,
  taken,
  restore,
  predict,
  heartbeat,
  stop,
  pong,
]);
export type CoordinatorMessage = z.infer<typeof coordinatorMessage>;

export type MessageOf<Union extends { type: string }, Type extends Union['type']> = Extract<Union, { type: Type }>;
export type Attempt = { readonly generation: number; readonly step: number; readonly attempt: number };
export type Assignment = MessageOf<CoordinatorMessage, 'assign'>;
export type Applied = z.infer<typeof applied>;
export type Trained = z.infer<typeof trained>;
export type Identity = z.infer<typeof identity>;
/** What a worker measured of its link to others. */
export type MeasuredLink = NonNullable<z.infer<typeof measured>['link']>;
export type GpuReading = z.infer<typeof gpuReading>;
export type VectorsToRead = z.infer<typeof vectorsToRead>;
export type VectorsInMemory = NonNullable<VectorsToRead['memory']>;
export type VectorsOnNetwork = NonNullable<VectorsToRead['network']>;
export type RankToRead = z.infer<typeof rankToRead>;
export type Usage = z.infer<typeof usage>;

/** What a sender writes: the codec adds version and run. */
export type Body<Message> = Message extends unknown ? Omit<Message, 'v' | 'run'> : never;
