/** One body, or several, of every message: with everything that it may carry, and with no more than it must. */
import type { Body, CoordinatorMessage, WorkerMessage } from '../../../../src/shared/protocol/messages.ts';
import type { PeerMessage } from '../../../../src/shared/protocol/peer-messages.ts';

const attempt = { generation: 1, step: 7, attempt: 0 };
const seconds = { load: 0, compute: 1.5, communicate: 0.25, wait: 0, apply: 0.125, evaluate: 2, idle: 0.5 };
const usage = { seconds, bytes: { sent: 40, received: 2 ** 40 } };
const secret = '0123456789abcdef0123456789abcdef';
const memory = { host: 'b', pid: 70_000, fd: 21, secret };
const network = { addresses: ['tcp://10.0.0.2:40000', 'tcp://[fd00::2]:40000'], secret };
const vectors = { memory, network };
const model = { name: 'cnn' as const, inputShape: [28, 28, 1] as [number, number, number], classes: 10 };

const applied = { step: 469, generation: 2 };

export const workerBodies: readonly Body<WorkerMessage>[] = [
  { type: 'hello', workerId: 'w0', version: '1', host: 'h', cpu: 'c', pid: 1, uptime: 0.1 },
  {
    type: 'hello',
    workerId: 'w0',
    version: '1',
    host: 'h',
    cpu: 'c',
    pid: 70_000,
    uptime: 0.1,
    priceUsdPerHour: 1,
    emulatedSpeed: 0.5,
    priceOrigin: { source: 's', date: '2026-07' },
    gpu: 'gcp/t4/spot',
  },
  {
    type: 'ready',
    identity: { version: '1', model, datasetDigest: 'd', seed: Number.MAX_SAFE_INTEGER },
    backend: 'wasm',
    device: 'd',
    backendReason: 'r',
    parameterCount: 10,
    parametersChecksum: 4_294_967_295,
    bucketEnds: [4, 10],
  },
  {
    type: 'ready',
    identity: { version: '1', model, datasetDigest: 'd', seed: 1 },
    backend: 'wasm',
    device: 'd',
    backendReason: 'r',
    parameterCount: 10,
    parametersChecksum: 5,
    bucketEnds: [4, 10],
    vectors,
    vectorsProblem: '/dev/shm has room for 0 bytes',
    kept: {
      applied,
      usage,
    },
  },
  { type: 'contribute', ...attempt, bucket: 0 },
  { type: 'vote', ...attempt, samples: 32, lossSum: 3.5, correct: 30, usage },
  { type: 'vote', ...attempt, samples: 32, lossSum: 3.5, correct: 30, usage, parametersChecksum: 5 },
  {
    type: 'vote',
    ...attempt,
    samples: 32,
    lossSum: 3.5,
    correct: 30,
    usage,
    gradientNorm: 0.5,
    nonFinite: { float: 9, value: Number.NaN },
  },
  { type: 'chunk', request: 2, total: 402_653_184, offset: 4_194_304 },
  { type: 'taken', request: 4, offset: 8_388_608 },
  { type: 'evaluated', request: 1, samples: 100, lossSum: 1, correct: 99, usage },
  { type: 'state', request: 2, usage, parametersChecksum: 1 },
  { type: 'state', request: 2, usage, applied, parametersChecksum: 1, stateChecksum: 3_000_000_000 },
  {
    type: 'state',
    request: 2,
    usage,
    applied,
    trained: {
      since: { step: 467, generation: 1 },
      generation: 2,
      workers: ['w0', 'w1'],
      steps: [
        { bounds: [64, 96, 128], lossSum: 3.5, correct: 60 },
        { bounds: [128, 160, 192], lossSum: 0, correct: 0, skipped: true },
      ],
    },
    parametersChecksum: 1,
    state: {
      topology: { class_name: 'Sequential' },
      weightSpecs: [{ name: 'k', shape: [3, 3], dtype: 'float32' }],
      optimizerIterations: 5,
    },
  },
  { type: 'predicted', request: 3, usage },
  { type: 'restored', request: 4, usage, parametersChecksum: 7 },
  { type: 'linked', request: 5, usage },
  { type: 'linked', request: 5, usage, problem: 'it is another file here' },
  { type: 'linked', request: 5, usage, problem: 'none', overNetwork: 1 },
  { type: 'measured', request: 6, usage },
  { type: 'measured', request: 6, usage, link: { delaySeconds: 0.0003, bytesPerSecond: 11_750_000.5 } },
  { type: 'heartbeat' },
  {
    type: 'heartbeat',
    gpu: {
      utilizationRatio: 0.5,
      memoryUsedBytes: 1,
      memoryTotalBytes: 2,
      temperatureCelsius: -3,
      powerWatts: 60.5,
    },
  },
  { type: 'heartbeat', gpu: { powerWatts: 60.5 }, awaited: ['w1', 'w3'] },
  { type: 'drain', reason: 'a spot notice' },
  { type: 'leave', code: 'run-failed', phase: 'step', reason: 'why' },
  { type: 'ping', sentUnixMs: 1.8e12 + 0.25 },
];

export const coordinatorBodies: readonly Body<CoordinatorMessage>[] = [
  {
    type: 'welcome',
    dataset: { name: 'mnist', digest: 'd' },
    model,
    optimizer: { name: 'adam', learningRate: 0.001 },
    seed: 1,
    timeout: 30,
    checksumEvery: 50,
    generation: 3,
    offerVectors: true,
  },
  {
    type: 'welcome',
    dataset: { name: 'mnist', digest: 'd' },
    model,
    optimizer: { name: 'adam', learningRate: 0.001, compression: 'topk:2.5' },
    seed: 1,
    timeout: 30,
    checksumEvery: 50,
    generation: 3,
    offerVectors: true,
  },
  { type: 'refuse', field: 'seed', expected: '1', actual: '2' },
  { type: 'quorum', generation: 1, rank: 0, worldSize: 2, allReduce: 'star' },
  { type: 'quorum', generation: 1, rank: 0, worldSize: 2, allReduce: 'star', skipNonfinite: true },
  {
    type: 'link',
    request: 5,
    ranks: [
      { workerId: 'w0', vectors },
      { workerId: 'w1', vectors: { memory } },
      { workerId: 'w2', vectors: { network } },
    ],
  },
  { type: 'measure', request: 6 },
  { type: 'exchange', generation: 1, allReduce: 'mesh' },
  { type: 'assign', ...attempt, epoch: 0, from: 0, to: 32, globalBatch: 64 },
  { type: 'reduced', ...attempt, bucket: 0, waited: 0.5 },
  { type: 'commit', ...attempt },
  { type: 'commit', ...attempt, skipped: true },
  { type: 'abort', generation: 1 },
  { type: 'evaluate', request: 1, split: 'test', from: 0, to: 5000 },
  { type: 'report-state', request: 2, extent: 'state' },
  { type: 'restore', request: 4, applied: { step: 469, generation: 2 }, optimizerIterations: 469 },
  {
    type: 'restore',
    request: 4,
    applied: { step: 469, generation: 2 },
    optimizerIterations: 469,
    ownsResidual: true,
    stateChecksum: 3_000_000_000,
  },
  { type: 'chunk', request: 4, total: 402_653_184, offset: 4_194_304 },
  { type: 'taken', request: 2, offset: 8_388_608 },
  { type: 'predict', request: 3, count: 10 },
  { type: 'heartbeat' },
  { type: 'stop', outcome: 'completed', reason: 'done' },
  { type: 'pong', sentUnixMs: 1.8e12 + 0.25, receivedUnixMs: 1.8e12, answeredUnixMs: 1.8e12, version: '1' },
];

export const peerBodies: readonly Body<PeerMessage>[] = [
  { type: 'subscribe', generation: 3, floats: 93_322, parts: [{ slot: 1, from: 46_661, to: 93_322 }] },
  { type: 'subscribed' },
  { type: 'values', ...attempt, slot: 1, from: 27_786 },
  { type: 'published', ...attempt, slot: 0, figures: [0, 32, 3.5, 30, 1, 0.5] },
  { type: 'probe', probe: 7, floats: 16_384 },
  { type: 'probed', probe: 7 },
];
