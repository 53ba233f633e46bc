/** What each field of each message may hold, at its limits and one step past them. */
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import {
  decodeCoordinatorMessage,
  decodePeerMessage,
  decodeWorkerMessage,
} from '../../../../src/shared/protocol/codec.ts';
import * as limits from '../../../../src/shared/protocol/limits.ts';
import { leaveCodes } from '../../../../src/shared/protocol/messages.ts';
import { coordinatorBodies, peerBodies, workerBodies } from './bodies.ts';

/** Values that a field takes, and values that it does not. */
interface Domain {
  readonly takes: readonly unknown[];
  readonly refuses: readonly unknown[];
}

const most = Number.MAX_SAFE_INTEGER;
const noNumbers = [Number.NaN, Number.POSITIVE_INFINITY, '1', null, undefined, [1]];

const text = (least: number, longest: number): Domain => ({
  takes: ['x'.repeat(least), 'x'.repeat(longest)],
  refuses: ['x'.repeat(longest + 1), 1, null, undefined, ...(least > 0 ? ['x'.repeat(least - 1)] : [])],
});
const integer = (least: number, largest: number): Domain => ({
  takes: [least, largest],
  refuses: [least - 1, largest + 1, least + 0.5, ...noNumbers],
});
const real = (least: number, largest: number): Domain => ({
  takes: [least, (least + largest) / 2, largest],
  refuses: [least - 1e-3, largest * 1.001, ...noNumbers],
});
/** Seconds: sums of them are finite, whatever peers say. */
const duration = real(0, 1e9);
/** Above 0. */
const positive: Domain = { takes: [1e-9, 1e300], refuses: [0, -1, ...noNumbers] };
const choice = (...options: readonly string[]): Domain => ({ takes: options, refuses: ['', 'other', 1, undefined] });
const optional = ({ takes, refuses }: Domain): Domain => ({
  takes: [...takes, undefined],
  refuses: refuses.filter((value) => value !== undefined),
});

const count = integer(0, most);
/** Whether it is a number at all, and within what was asked, is judged with the step. */
const computed: Domain = { takes: [-1e300, 0, 1e300, Number.NaN, -Infinity], refuses: ['1', null, undefined, [1]] };
/** Set, or left out. */
const set = optional({ takes: [true], refuses: [false, 0, 1, 'true', null] });
const name = text(1, 200);
const words = text(0, 4000);
const unixMs: Domain = { takes: [0, 0.5, most], refuses: [-0.5, 2 ** 54, ...noNumbers] };

type Fields = Readonly<Record<string, Domain>>;

const attempt = { generation: count, step: count, attempt: count };
const usage: Fields = {
  'usage.seconds.load': duration,
  'usage.seconds.compute': duration,
  'usage.seconds.communicate': duration,
  'usage.seconds.wait': duration,
  'usage.seconds.apply': duration,
  'usage.seconds.evaluate': duration,
  'usage.seconds.idle': duration,
  'usage.bytes.sent': count,
  'usage.bytes.received': count,
};
const modelAt = (path: string): Fields => ({
  [`${path}.name`]: choice('cnn', 'mlp', 'softmax'),
  [`${path}.inputShape.0`]: count,
  [`${path}.inputShape.1`]: count,
  [`${path}.inputShape.2`]: count,
  [`${path}.inputShape`]: { takes: [], refuses: [[28, 28], [28, 28, 1, 1], [], undefined] },
  [`${path}.classes`]: integer(2, 256),
});

const vectorsAt = (path: string): Fields => ({
  [`${path}.memory`]: optional({ takes: [], refuses: [{}, 'x', null] }),
  [`${path}.memory.host`]: name,
  [`${path}.memory.pid`]: count,
  [`${path}.memory.fd`]: count,
  [`${path}.memory.secret`]: text(32, 32),
  [`${path}.network`]: optional({ takes: [], refuses: [{}, 'x', null] }),
  [`${path}.network.addresses`]: {
    takes: [['x'], Array(8).fill('x')],
    refuses: [[], Array(9).fill('x'), 'x', undefined],
  },
  [`${path}.network.addresses.0`]: name,
  [`${path}.network.secret`]: text(32, 32),
});

const trainedStep = { bounds: [0, 8], lossSum: 1, correct: 1 };

const workerFields: Readonly<Record<string, Fields>> = {
  hello: {
    workerId: name,
    version: name,
    host: name,
    cpu: name,
    pid: count,
    uptime: real(0, 315_360_000),
    priceUsdPerHour: optional({ ...real(0, 10_000), takes: [0, 5000, 10_000, 'none'] }),
    pricePer: optional(choice('vcpu')),
    emulatedSpeed: optional({ takes: [1e-9, 1], refuses: [0, 1.001, ...noNumbers] }),
    priceOrigin: optional({ takes: [], refuses: [{}, { source: 's' }, { date: 'd' }, 's'] }),
    'priceOrigin.source': words,
    'priceOrigin.date': name,
    gpu: optional(name),
    asked: optional(count),
  },
  ready: {
    'identity.version': name,
    ...modelAt('identity.model'),
    'identity.datasetDigest': text(0, 128),
    'identity.seed': count,
    backend: name,
    device: words,
    backendReason: words,
    threads: optional(integer(1, 4096)),
    card: optional(words),
    parameterCount: integer(1, 134_217_728),
    parametersChecksum: count,
    uptime: optional(real(0, 315_360_000)),
    bucketEnds: { takes: [[1], Array(10_000).fill(1)], refuses: [[], Array(10_001).fill(1), 1, undefined] },
    'bucketEnds.1': count,
    vectors: optional({ takes: [{}], refuses: ['x', null] }),
    ...vectorsAt('vectors'),
    vectorsProblem: optional(words),
    kept: optional({ takes: [], refuses: [{}, 'x', null] }),
    'kept.applied': optional({ takes: [], refuses: [{}, 'x', null] }),
    'kept.applied.step': count,
    'kept.applied.generation': count,
    ...Object.fromEntries(Object.entries(usage).map(([name, field]) => [`kept.${name}`, field])),
  },
  contribute: { ...attempt, bucket: count },
  vote: {
    ...attempt,
    samples: count,
    lossSum: computed,
    correct: count,
    ...usage,
    parametersChecksum: optional(count),
    gradientNorm: optional({ takes: [0, 1e30], refuses: [-1, ...noNumbers] }),
    nonFinite: optional({ takes: [], refuses: [{}, 'x', null] }),
    'nonFinite.float': count,
    'nonFinite.value': computed,
  },
  chunk: { request: count, total: count, offset: count },
  taken: { request: count, offset: count },
  evaluated: { request: count, samples: count, lossSum: computed, correct: count, ...usage },
  state: {
    request: count,
    ...usage,
    applied: optional({ takes: [], refuses: [{}, 'x', null] }),
    'applied.step': count,
    'applied.generation': count,
    trained: optional({ takes: [], refuses: [{}, 'x', null] }),
    'trained.since': { takes: [], refuses: [{}, undefined] },
    'trained.since.step': count,
    'trained.since.generation': count,
    'trained.generation': count,
    'trained.workers': { takes: [['w0'], Array(256).fill('w0')], refuses: [[], Array(257).fill('w0'), undefined] },
    'trained.workers.0': name,
    'trained.steps': {
      takes: [[], Array(32).fill(trainedStep)],
      refuses: [{}, undefined, Array(33).fill(trainedStep)],
    },
    'trained.steps.0.bounds': { takes: [[0, 1], Array(257).fill(1)], refuses: [[1], Array(258).fill(1), undefined] },
    'trained.steps.0.bounds.0': count,
    'trained.steps.0.lossSum': { takes: [0, 1e9], refuses: noNumbers },
    'trained.steps.0.correct': count,
    'trained.steps.0.skipped': set,
    parametersChecksum: count,
    stateChecksum: optional(count),
    state: optional({ takes: [], refuses: [{}, 'x', null] }),
    'state.topology': { takes: [{}, { a: [1], b: { c: null } }], refuses: [1, 'x', null, [1]] },
    'state.optimizerIterations': count,
    'state.weightSpecs': { takes: [[]], refuses: [{}, undefined] },
    'state.weightSpecs.0.name': name,
    'state.weightSpecs.0.dtype': choice('float32'),
    'state.weightSpecs.0.shape': { takes: [[], Array(8).fill(1)], refuses: [Array(9).fill(1), undefined] },
    'state.weightSpecs.0.shape.0': count,
  },
  predicted: { request: count, ...usage },
  restored: { request: count, ...usage, parametersChecksum: count },
  linked: { request: count, ...usage, problem: optional(words), overNetwork: optional(integer(1, 256)) },
  measured: {
    request: count,
    ...usage,
    link: optional({ takes: [], refuses: [{}, 1, null] }),
    'link.delaySeconds': real(0, 60),
    'link.bytesPerSecond': real(1, 1e12),
  },
  heartbeat: {
    gpu: optional({ takes: [{}], refuses: ['x', null] }),
    'gpu.utilizationRatio': optional(real(0, 1)),
    'gpu.memoryUsedBytes': optional(real(0, most)),
    'gpu.memoryTotalBytes': optional(real(0, most)),
    'gpu.temperatureCelsius': optional(real(-300, 10_000)),
    'gpu.powerWatts': optional(real(0, 1e6)),
    awaited: { takes: [['w1'], Array(4).fill('w1'), undefined], refuses: [[], Array(5).fill('w1'), 'w1', null] },
    'awaited.0': name,
  },
  drain: { reason: words },
  leave: {
    code: choice('bad-input', 'run-failed', 'diverged', 'quorum-lost', 'interrupted'),
    phase: name,
    reason: words,
  },
  ping: { sentUnixMs: unixMs },
};

const coordinatorFields: Readonly<Record<string, Fields>> = {
  welcome: {
    'dataset.name': text(1, 4096),
    'dataset.digest': text(0, 128),
    ...modelAt('model'),
    'optimizer.name': choice('adam', 'sgd'),
    'optimizer.learningRate': positive,
    'optimizer.compression': optional({
      takes: ['bf16', 'int8', 'topk:1', 'topk:0.000001', 'topk:49.999999'],
      refuses: ['', 'none', 'int4', 'topk', 'topk:0', 'topk:50', 'topk:-1', 'topk:1e1', 'topk:100', 'bf16 ', 1, null],
    }),
    seed: count,
    timeout: positive,
    checksumEvery: { takes: [1, most], refuses: [0, 1.5, ...noNumbers] },
    generation: count,
    offerVectors: set,
  },
  refuse: {
    field: name,
    expected: words,
    actual: words,
    passing: optional({ takes: [true, false], refuses: [0, 1, 'true', null] }),
  },
  quorum: {
    generation: count,
    rank: integer(0, 1023),
    worldSize: integer(1, 1024),
    allReduce: name,
    skipNonfinite: set,
  },
  link: {
    request: count,
    ranks: { takes: [[]], refuses: [{}, undefined] },
    'ranks.0.workerId': name,
    'ranks.0.vectors': { takes: [{}], refuses: ['x', undefined] },
    ...vectorsAt('ranks.0.vectors'),
  },
  measure: { request: count },
  exchange: { generation: count, allReduce: name },
  assign: {
    ...attempt,
    epoch: count,
    from: count,
    to: count,
    globalBatch: { takes: [1, most], refuses: [0, 1.5, ...noNumbers] },
  },
  reduced: { ...attempt, bucket: count, waited: duration },
  commit: { ...attempt, skipped: set },
  abort: { generation: count },
  evaluate: { request: count, split: choice('train', 'test'), from: count, to: count },
  'report-state': {
    request: count,
    extent: choice('checksum', 'parameters', 'residual', 'parameters-and-residual', 'state'),
  },
  restore: {
    request: count,
    'applied.step': count,
    'applied.generation': count,
    optimizerIterations: count,
    ownsResidual: set,
    stateChecksum: optional(count),
  },
  chunk: { request: count, total: count, offset: count },
  taken: { request: count, offset: count },
  predict: { request: count, count: integer(1, 1000) },
  heartbeat: {},
  stop: { outcome: choice('completed', 'bad-input', 'run-failed', 'diverged', 'quorum-lost'), reason: words },
  pong: { sentUnixMs: unixMs, receivedUnixMs: unixMs, answeredUnixMs: unixMs, version: name },
};

const peerFields: Readonly<Record<string, Fields>> = {
  subscribe: {
    generation: count,
    floats: count,
    parts: {
      takes: [[], Array(4).fill({ slot: 0, from: 0, to: 1 })],
      refuses: [Array(5).fill({ slot: 0, from: 0, to: 1 }), undefined],
    },
    'parts.0.slot': integer(0, 1),
    'parts.0.from': count,
    'parts.0.to': count,
  },
  subscribed: {},
  values: { ...attempt, slot: integer(0, 1), from: count },
  published: {
    ...attempt,
    slot: integer(0, 1),
    figures: { takes: [[], [Number.NaN], Array(16).fill(0.5)], refuses: [Array(17).fill(1), ['1'], 1, undefined] },
  },
  probe: { probe: count, floats: integer(0, 16_384) },
  probed: { probe: count },
};

const everywhere: Fields = { v: { takes: [8], refuses: [] }, run: text(0, 200) };

/** The body with everything that the message may carry. */
function fullBody(bodies: readonly { readonly type: string }[], type: string): object {
  const body = bodies.findLast((candidate) => candidate.type === type);
  if (body === undefined) throw new Error(`no ${type}`);
  return { v: limits.protocolVersion, run: 'r', ...body };
}

function withValue(container: unknown, [key = '', ...inner]: readonly string[], value: unknown): unknown {
  const copy = structuredClone(container) as Record<string, unknown>;
  if (inner.length > 0) copy[key] = withValue(copy[key], inner, value);
  // An undefined field is one that is not there.
  else if (value === undefined && !Array.isArray(copy)) delete copy[key];
  else copy[key] = value ?? null;
  return copy;
}

const decodePeer = (frames: readonly Uint8Array[]) => decodePeerMessage(frames, 'member');

const directions = [
  { to: 'to the coordinator', table: workerFields, bodies: workerBodies, decode: decodeWorkerMessage },
  { to: 'to workers', table: coordinatorFields, bodies: coordinatorBodies, decode: decodeCoordinatorMessage },
  { to: 'between workers', table: peerFields, bodies: peerBodies, decode: decodePeer },
];

describe.each(directions)('messages $to', ({ table, bodies, decode }) => {
  it.each(Object.keys(table))('%s', (type) => {
    const full = fullBody(bodies, type);
    for (const [field, { takes, refuses }] of Object.entries({ ...everywhere, ...table[type] })) {
      const decodeWith = (value: unknown) => decode([pack(withValue(full, field.split('.'), value))]);
      const isTaken = (value: unknown) => decodeWith(value).ok;
      expect(takes.filter((value) => !isTaken(value)).map(show), `${field} takes these`).toEqual([]);
      const isRefused = (value: unknown) => {
        const decoded = decodeWith(value);
        return !decoded.ok && decoded.reason === 'fields' && decoded.detail.startsWith(field);
      };
      expect(refuses.filter((value) => !isRefused(value)).map(show), `${field} refuses these`).toEqual([]);
    }
  });

  it('are all in the table', () => {
    expect(Object.keys(table)).toEqual([...new Set(bodies.map(({ type }) => type))]);
  });
});

it('the fields of no message are in those of another', () => {
  for (const { bodies, decode } of directions) {
    for (const type of new Set(bodies.map((body) => body.type))) {
      const decoded = decode([pack({ ...fullBody(bodies, type), stray: 1 })]);
      expect(decoded.ok && decoded.message).not.toHaveProperty('stray');
    }
  }
});

it('the limits of the protocol', () => {
  expect({ ...limits }).toEqual({
    protocolVersion: 8,
    vectorSlots: 2,
    maxFollowedParts: 4,
    maxProbeFloats: 16_384,
    maxProbedFloats: 2_097_152,
    maxThreads: 4096,
    maxHeaderBytes: 262_144,
    maxStrangerHeaderBytes: 8192,
    maxHeaderValues: 16_384,
    maxHeaderDepth: 32,
    maxTensorFrames: 5,
    maxChunkFloats: 1_048_576,
    chunkWindow: 4,
    maxFrameBytes: 4_194_304,
    maxParameterBytes: 536_870_912,
    maxWorldSize: 1024,
    maxMeshSize: 256,
    maxJoinedMessages: 64,
    maxJoinedBytes: 16_383,
    mostAssignedAhead: 32,
    maxReportedSteps: 32,
    maxNamedAwaited: 4,
    maxRunLength: 200,
    maxSeconds: 1e9,
    frameBytesFor: expect.any(Function),
  });
  expect([1, 65_536, 65_537, 1_048_576, 134_217_728].map(limits.frameBytesFor)).toEqual([
    262_144, 262_144, 262_148, 4_194_304, 4_194_304,
  ]);
});

it('a worker leaves with the code of any failure, or because it was told to', () => {
  expect(leaveCodes).toEqual(['bad-input', 'run-failed', 'diverged', 'quorum-lost', 'interrupted']);
});

function show(value: unknown): string {
  return String(JSON.stringify(value) ?? value).slice(0, 30);
}
