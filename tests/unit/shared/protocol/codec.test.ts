import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeCoordinatorMessage, decodeWorkerMessage, encode } from '../../../../src/shared/protocol/codec.ts';
import { maxHeaderBytes, protocolVersion } from '../../../../src/shared/protocol/limits.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../../../../src/shared/protocol/messages.ts';
import { rounds } from '../../../support/thoroughness.ts';

const attempt = { generation: 1, step: 7, attempt: 0 };
const seconds = { load: 0, compute: 1.5, communicate: 0.25, wait: 0, apply: 0.125, evaluate: 2, idle: 0.5 };
const usage = { seconds, bytes: { sent: 40, received: 80 } };
const spec = { name: 'cnn' as const, inputShape: [28, 28, 1] as [number, number, number], classes: 10 };

const workerBodies: Body<WorkerMessage>[] = [
  { type: 'hello', workerId: 'w0', version: '1', host: 'h', cpu: 'c', pid: 1, uptime: 0.1, priceUsdPerHour: 1 },
  {
    type: 'hello',
    workerId: 'w0',
    version: '1',
    host: 'h',
    cpu: 'c',
    pid: 1,
    uptime: 0.1,
    priceUsdPerHour: 1,
    priceOrigin: { source: 's', date: '2026-07' },
    gpu: 'gcp/t4/spot',
  },
  {
    type: 'ready',
    identity: { version: '1', model: spec, datasetDigest: 'd', seed: 1 },
    backend: 'wasm',
    device: 'd',
    backendReason: 'r',
    parameterCount: 10,
    parametersChecksum: 4_294_967_295,
    bucketEnds: [4, 10],
  },
  { type: 'contribute', ...attempt, bucket: 0 },
  { type: 'vote', ...attempt, samples: 32, lossSum: 3.5, correct: 30, usage, parametersChecksum: 5 },
  { type: 'evaluated', request: 1, samples: 100, lossSum: 1, correct: 99, usage },
  {
    type: 'state',
    request: 2,
    usage,
    parametersChecksum: 1,
    state: {
      topology: { class_name: 'Sequential' },
      weightSpecs: [{ name: 'k', shape: [3, 3], dtype: 'float32' }],
      optimizerIterations: 5,
    },
  },
  { type: 'predicted', request: 3, usage },
  { type: 'restored', request: 4, usage, parametersChecksum: 7 },
  { type: 'heartbeat' },
  { type: 'heartbeat', gpu: { utilizationRatio: 0.5, memoryUsedBytes: 1, memoryTotalBytes: 2, powerWatts: 60.5 } },
  { type: 'leave', code: 'run-failed', phase: 'step', reason: 'why' },
  { type: 'ping', sentUnixMs: 1.8e12 + 0.25 },
];

const coordinatorBodies: Body<CoordinatorMessage>[] = [
  {
    type: 'welcome',
    dataset: { name: 'mnist', digest: 'd' },
    model: spec,
    optimizer: { name: 'adam', learningRate: 0.001 },
    seed: 1,
    timeout: 30,
    checksumEvery: 50,
  },
  { type: 'refuse', field: 'seed', expected: '1', actual: '2' },
  { type: 'quorum', generation: 1, rank: 0, worldSize: 2, allReduce: 'star' },
  { type: 'assign', ...attempt, epoch: 0, from: 0, to: 32, globalBatch: 64 },
  { type: 'reduced', ...attempt, bucket: 0, waited: 0.5 },
  { type: 'commit', ...attempt },
  { type: 'evaluate', request: 1, split: 'test', from: 0, to: 5000 },
  { type: 'report-state', request: 2, extent: 'state' },
  { type: 'restore', request: 4, optimizerIterations: 469 },
  { type: 'predict', request: 3, count: 10 },
  { type: 'heartbeat' },
  { type: 'stop', outcome: 'completed', reason: 'done' },
  { type: 'pong', sentUnixMs: 1.8e12 + 0.25, receivedUnixMs: 1.8e12, answeredUnixMs: 1.8e12, version: '1' },
];

/** The frames as they arrive: bytes. */
const asBytes = (frames: readonly (Uint8Array | Float32Array)[]) =>
  frames.map((frame) => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));

describe('a message that is sent', () => {
  const tensors = [Float32Array.of(1, -2.5, Number.NaN), new Float32Array(0)];

  it.each(workerBodies)('arrives as it was: $type', (body) => {
    const decoded = decodeWorkerMessage(asBytes(encode<WorkerMessage>('run-1', body, tensors)));
    expect(decoded).toEqual({ ok: true, message: { v: protocolVersion, run: 'run-1', ...body }, tensors });
  });

  it.each(coordinatorBodies)('arrives as it was: $type', (body) => {
    const decoded = decodeCoordinatorMessage(asBytes(encode<CoordinatorMessage>('run-1', body, tensors)));
    expect(decoded).toEqual({ ok: true, message: { v: protocolVersion, run: 'run-1', ...body }, tensors });
  });

  it('is read without a copy when its bytes are aligned, and with one when they are not', () => {
    const [header, tensor] = asBytes(
      encode<WorkerMessage>('r', { type: 'predicted', request: 3, usage }, [Float32Array.of(1, 2)]),
    );
    if (header === undefined || tensor === undefined) throw new Error('two frames');
    const aligned = decodeWorkerMessage([header, tensor]);
    expect(aligned.ok && aligned.tensors[0]?.buffer).toBe(tensor.buffer);
    const shifted = Buffer.concat([Buffer.of(0), tensor]).subarray(1);
    const copied = decodeWorkerMessage([header, Buffer.from(new Uint8Array(shifted).buffer)]);
    expect(copied.ok && [...(copied.tensors[0] ?? [])]).toEqual([1, 2]);
  });
});

describe('a message that is not one of ours', () => {
  const good = {
    v: protocolVersion,
    run: 'r',
    type: 'vote',
    ...attempt,
    samples: 1,
    lossSum: 1,
    correct: 1,
    usage,
  };
  const cases: [string, unknown, string][] = [
    ['another protocol version', { ...good, v: 99 }, 'version'],
    ['no version', { type: 'vote' }, 'version'],
    ['an unknown type', { ...good, type: 'nope' }, 'fields'],
    ['a negative attempt', { ...good, attempt: -1 }, 'fields'],
    ['a fractional step', { ...good, step: 1.5 }, 'fields'],
    ['a loss that is no number', { ...good, lossSum: 'high' }, 'fields'],
    ['a loss that is not finite', { ...good, lossSum: Number.NaN }, 'fields'],
    ['a missing field', { ...good, usage: undefined }, 'fields'],
    ['a negative time', { ...good, usage: { ...usage, seconds: { ...seconds, idle: -1 } } }, 'fields'],
    ['a ping from before the epoch', { v: protocolVersion, run: '', type: 'ping', sentUnixMs: -1 }, 'fields'],
    ['a ping without a time', { v: protocolVersion, run: '', type: 'ping' }, 'fields'],
    ['a list', [1, 2], 'version'],
    ['a number', 5, 'header'],
    ['nothing', null, 'header'],
  ];
  it.each(cases)('%s is rejected with a reason', (_, value, reason) => {
    expect(decodeWorkerMessage([pack(value)])).toMatchObject({ ok: false, reason });
  });

  it('a message of the other direction is rejected', () => {
    const frames = asBytes(encode<CoordinatorMessage>('r', { type: 'stop', outcome: 'completed', reason: 'x' }));
    expect(decodeWorkerMessage(frames)).toMatchObject({ ok: false, reason: 'fields' });
  });

  it('no frames, too many frames, a giant header and half a float are rejected', () => {
    const header = pack({ v: protocolVersion, run: 'r', type: 'heartbeat' });
    expect(decodeWorkerMessage([])).toMatchObject({ ok: false, reason: 'frames' });
    expect(decodeWorkerMessage([header, ...Array(9).fill(Buffer.alloc(4))])).toMatchObject({ reason: 'frames' });
    expect(decodeWorkerMessage([Buffer.alloc(maxHeaderBytes + 1)])).toMatchObject({ ok: false, reason: 'header' });
    expect(decodeWorkerMessage([header, Buffer.alloc(6)])).toMatchObject({ ok: false, reason: 'tensor' });
  });
});

describe('a header that lies about its size', () => {
  it.each([
    ['a list of 4 billion', 'ddffffffff'],
    ['a map of 4 billion', 'dfffffffff'],
    ['4 GiB of bytes', 'c6ffffffff'],
    ['4 GiB of text', 'dbffffffff'],
    ['a list of 16 million', 'dd00ffffff'],
    ['lists in lists, 200,000 deep', '91'.repeat(200_000)],
  ])('%s is rejected, not allocated', (_, hex) => {
    expect(decodeWorkerMessage([Buffer.from(hex, 'hex')])).toMatchObject({ ok: false, reason: 'header' });
  });
});

describe('the decoder under fuzz', () => {
  const valid = [
    ...workerBodies.map((body) => asBytes(encode<WorkerMessage>('r', body, [Float32Array.of(1, 2, 3)]))),
    ...coordinatorBodies.map((body) => asBytes(encode<CoordinatorMessage>('r', body, [Float32Array.of(1, 2, 3)]))),
  ];
  const decodeBoth = (frames: readonly Uint8Array[]) => {
    for (const decode of [decodeWorkerMessage, decodeCoordinatorMessage]) {
      const decoded = decode(frames);
      if (!decoded.ok) expect(decoded.detail.length).toBeLessThan(2000);
    }
  };

  it('survives random messages', () => {
    const frame = fc.uint8Array({ maxLength: 80 });
    fc.assert(fc.property(fc.array(frame, { maxLength: 4 }), decodeBoth), { numRuns: rounds(2000, 40_000) });
  });

  it('survives valid messages with a few bytes changed, cut off or repeated', () => {
    const damage = fc.record({
      message: fc.constantFrom(...valid),
      at: fc.nat(),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
      kind: fc.constantFrom('overwrite', 'truncate', 'insert', 'repeat' as const),
    });
    fc.assert(
      fc.property(damage, ({ message, at, bytes, kind }) => {
        const [header, ...rest] = message;
        if (header === undefined) return;
        const position = at % (header.length + 1);
        const [head, tail] = [header.subarray(0, position), header.subarray(position)];
        const damaged = {
          overwrite: Buffer.concat([head, bytes, tail.subarray(bytes.length)]),
          truncate: head,
          insert: Buffer.concat([head, bytes, tail]),
          repeat: Buffer.concat([header, header]),
        }[kind];
        decodeBoth([damaged, ...rest]);
      }),
      { numRuns: rounds(3000, 60_000) },
    );
  });

  it('survives well-formed maps with fields of the wrong type', () => {
    const bodies = [...workerBodies, ...coordinatorBodies] as Record<string, unknown>[];
    const wrong = fc.tuple(fc.constantFrom(...bodies), fc.nat(), fc.anything({ withBigInt: false }));
    fc.assert(
      fc.property(wrong, ([body, at, value]) => {
        const keys = Object.keys(body);
        const key = keys[at % keys.length] as string;
        let packed: Uint8Array;
        try {
          packed = pack({ v: protocolVersion, run: 'r', ...body, [key]: value });
        } catch {
          return; // Not everything can be packed.
        }
        decodeBoth([packed]);
      }),
      { numRuns: rounds(1000, 10_000) },
    );
  });
});
