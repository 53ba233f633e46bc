import { pack, unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import {
  decodeCoordinatorMessage,
  decodeWorkerMessage,
  decodeWorkerMessages,
  encode,
  joinHeaders,
} from '../../../../src/shared/protocol/codec.ts';
import {
  maxHeaderBytes,
  maxStrangerHeaderBytes,
  maxTensorFrames,
  protocolVersion,
} from '../../../../src/shared/protocol/limits.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../../../../src/shared/protocol/messages.ts';
import { coordinatorBodies, workerBodies } from './bodies.ts';

const attempt = { generation: 1, step: 7, attempt: 0 };
const seconds = { load: 0, compute: 1.5, communicate: 0.25, wait: 0, apply: 0.125, evaluate: 2, idle: 0.5 };
const usage = { seconds, bytes: { sent: 40, received: 80 } };
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
    const header = pack({ v: protocolVersion, run: 'r', type: 'heartbeat' });
    const values = Float32Array.of(1, -2.5, 1e-30);
    for (const offset of [0, 1, 2, 3, 4]) {
      const memory = new Uint8Array(offset + values.byteLength + 1);
      memory.set(new Uint8Array(values.buffer), offset);
      const frame = memory.subarray(offset, offset + values.byteLength);
      expect(frame.byteOffset).toBe(offset);
      const decoded = decodeWorkerMessage([header, frame]);
      const [tensor] = decoded.ok ? decoded.tensors : [];
      expect(tensor).toEqual(values);
      expect(tensor?.buffer === memory.buffer).toBe(offset % 4 === 0);
    }
  });

  it('may have its numbers as 64-bit integers, as encoders of other languages do', () => {
    const header = pack({ v: protocolVersion, run: 'r', type: 'ping', sentUnixMs: 200 });
    const uint64 = Buffer.concat([header.subarray(0, -2), Buffer.from('cf00000000000000c8', 'hex')]);
    expect(header.subarray(-2).toString('hex')).toBe('ccc8');
    expect(decodeWorkerMessage([uint64])).toMatchObject({ ok: true, message: { sentUnixMs: 200 } });
  });

  it('leaves out what is undefined at any depth, and is what it was', () => {
    const topology = {
      config: { name: 'm', mask: undefined, shape: [null, undefined, 3] },
      layers: [{ bias: undefined }],
    };
    const frames = asBytes(
      encode<WorkerMessage>('r', {
        type: 'state',
        request: 1,
        usage,
        parametersChecksum: 1,
        state: { topology, weightSpecs: [], optimizerIterations: 0 },
      }),
    );
    const decoded = decodeWorkerMessage(frames);
    const expected = { config: { name: 'm', shape: [null, null, 3] }, layers: [{}] };
    expect(decoded.ok && decoded.message.type === 'state' && decoded.message.state?.topology).toStrictEqual(expected);
    expect(topology.config).toHaveProperty('mask');
    expect(topology.config.shape).toHaveLength(3);

    const reading = { utilizationRatio: undefined, memoryUsedBytes: 5, powerWatts: undefined };
    const heard = decodeWorkerMessage(asBytes(encode<WorkerMessage>('r', { type: 'heartbeat', gpu: reading })));
    expect(heard).toStrictEqual({
      ok: true,
      message: { v: protocolVersion, run: 'r', type: 'heartbeat', gpu: { memoryUsedBytes: 5 } },
      tensors: [],
    });
  });

  it('leaves out fields that are undefined', () => {
    const given = { type: 'heartbeat', gpu: undefined } as const;
    const [header] = encode<WorkerMessage>('r', given);
    expect(unpack(header as Uint8Array)).toStrictEqual({ v: protocolVersion, run: 'r', type: 'heartbeat' });
    expect(given).toHaveProperty('gpu');
    const kept = { type: 'hello', workerId: '', priceUsdPerHour: 0, gpu: null } as unknown as Body<WorkerMessage>;
    expect(unpack(encode<WorkerMessage>('', kept)[0] as Uint8Array)).toMatchObject({ run: '', ...kept });
  });

  it('carries text with what a terminal would obey taken out', () => {
    const leave = {
      type: 'leave',
      code: 'run-failed',
      phase: 'a\u0000\u001b[31m',
      reason: '\u202eno\u200b\r\nyes é',
    } as const;
    const decoded = decodeWorkerMessage(asBytes(encode<WorkerMessage>('r', leave)));
    expect(decoded).toMatchObject({ ok: true, message: { phase: 'a [31m', reason: ' no yes é' } });
  });
});

describe('messages that travel together', () => {
  const headerOf = (body: Body<WorkerMessage>) => encode<WorkerMessage>('r', body)[0] as Uint8Array;
  const drains = Array.from({ length: 64 }, (_, i): Body<WorkerMessage> => ({ type: 'drain', reason: `${i}` }));

  it('come out one by one, in order', () => {
    const joined = joinHeaders(drains.map(headerOf));
    expect(decodeWorkerMessages([joined])).toEqual(
      drains.map((body) => ({ ok: true, message: { v: protocolVersion, run: 'r', ...body }, tensors: [] })),
    );
  });

  it('are all refused because of one, once', () => {
    const good = unpack(headerOf({ type: 'drain', reason: 'x' }));
    expect(decodeWorkerMessages([Buffer.from(pack([good, { v: 99 }, 5]))])).toMatchObject([
      { ok: false, reason: 'version' },
    ]);
    expect(decodeWorkerMessages([Buffer.from(pack(Array(64).fill(null)))])).toMatchObject([
      { ok: false, reason: 'header', detail: 'null, not a map' },
    ]);
  });

  it('have no tensors', () => {
    const joined = joinHeaders(drains.slice(0, 2).map(headerOf));
    expect(decodeWorkerMessages([joined, new Uint8Array(4)])).toMatchObject([{ ok: false, reason: 'frames' }]);
  });
});

describe('a message that is not one of ours', () => {
  const heartbeat = pack({ v: protocolVersion, run: 'r', type: 'heartbeat' });
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
  const { usage: _, ...withoutUsage } = good;
  const speaks = `this side speaks ${protocolVersion}`;
  it.each([
    ['another protocol version', { ...good, v: 99 }, 'version', `protocol version 99, ${speaks}`],
    ['a version in words', { ...good, v: 'x'.repeat(50) }, 'version', `protocol version ${'x'.repeat(40)}, ${speaks}`],
    ['a version that is a list', { ...good, v: [4] }, 'version', `protocol version object, ${speaks}`],
    ['no version', { type: 'vote' }, 'version', `protocol version undefined, ${speaks}`],
    ['a list', [[1, 2]], 'header', 'a list, not a map'],
    ['a list of two', [good, good], 'header', '2 messages, not one'],
    ['a list of none', [], 'header', 'a list of 0 messages, it must have 1 to 64'],
    ['a list that is too long', Array(65).fill(good), 'header', 'a list of 65 messages, it must have 1 to 64'],
    ['a number', 5, 'header', 'a number, not a map'],
    ['text', 'vote', 'header', 'a string, not a map'],
    ['nothing', null, 'header', 'null, not a map'],
    ['an unknown type', { ...good, type: 'nope' }, 'fields', expect.stringMatching(/^type: Invalid discriminator/)],
    ['a negative attempt', { ...good, attempt: -1 }, 'fields', 'attempt: Too small: expected number to be >=0'],
    ['a missing field', withoutUsage, 'fields', 'usage: Invalid input: expected object, received undefined'],
    [
      'a negative time',
      { ...good, usage: { ...usage, seconds: { ...seconds, idle: -1 } } },
      'fields',
      'usage.seconds.idle: Too small: expected number to be >=0',
    ],
  ])('%s is rejected with a reason', (_, value, reason, detail) => {
    expect(decodeWorkerMessage([pack(value)])).toMatchObject({ ok: false, reason, detail });
  });

  it('says which version it has, where that is what differs', () => {
    expect(decodeWorkerMessage([pack({ ...good, v: 5 })])).toMatchObject({ version: '5' });
    expect(decodeWorkerMessage([pack({ ...good, attempt: -1 })])).not.toHaveProperty('version');
  });

  it('a message of the other direction is rejected', () => {
    const frames = asBytes(encode<CoordinatorMessage>('r', { type: 'stop', outcome: 'completed', reason: 'x' }));
    expect(decodeWorkerMessage(frames)).toMatchObject({ ok: false, reason: 'fields' });
  });

  it('no frames, and half a float, are rejected', () => {
    expect(decodeWorkerMessage([])).toEqual({ ok: false, reason: 'frames', detail: 'no header frame' });
    expect(decodeWorkerMessage([heartbeat, Buffer.alloc(4), Buffer.alloc(6)])).toEqual({
      ok: false,
      reason: 'tensor',
      detail: 'a tensor frame of 6 bytes',
    });
  });

  it('bytes that are no MessagePack are rejected with where they go wrong', () => {
    const decoded = decodeWorkerMessage([heartbeat.subarray(0, -1)]);
    expect(decoded).toEqual({ ok: false, reason: 'header', detail: 'cut off in the value at byte 17' });
  });

  it('a message has as many tensors as it may, and not one more', () => {
    const tensors = (count: number): Buffer[] => Array(count).fill(Buffer.alloc(4));
    expect(decodeWorkerMessage([heartbeat, ...tensors(maxTensorFrames)])).toMatchObject({ ok: true });
    expect(decodeWorkerMessage([heartbeat, ...tensors(maxTensorFrames + 1)])).toEqual({
      ok: false,
      reason: 'frames',
      detail: '6 tensor frames',
    });
  });

  it('a header is as long as it may be, and not one byte longer', () => {
    const padded = (text: string) => pack({ v: protocolVersion, run: 'r', type: 'heartbeat', text });
    const text = 'x'.repeat(maxHeaderBytes - padded('x'.repeat(maxHeaderBytes / 2)).length + maxHeaderBytes / 2);
    expect(padded(text)).toHaveLength(maxHeaderBytes);
    expect(decodeWorkerMessage([padded(text)])).toMatchObject({ ok: true });
    expect(decodeWorkerMessage([padded(`${text}x`)])).toEqual({
      ok: false,
      reason: 'header',
      detail: `header of ${maxHeaderBytes + 1} bytes`,
    });
  });
});

describe('a stranger', () => {
  const heartbeat = pack({ v: protocolVersion, run: 'r', type: 'heartbeat' });

  it('sends no header longer than 8 KiB', () => {
    const padded = (text: string) => pack({ v: protocolVersion, run: '', type: 'heartbeat', text });
    const text = 'x'.repeat(maxStrangerHeaderBytes - padded('x'.repeat(8000)).length + 8000);
    expect(padded(text)).toHaveLength(8192);
    expect(decodeWorkerMessage([padded(text)], 'stranger')).toMatchObject({ ok: true });
    const detail = 'header of 8193 bytes';
    expect(decodeWorkerMessage([padded(`${text}x`)], 'stranger')).toEqual({ ok: false, reason: 'header', detail });
    expect(decodeWorkerMessage([padded(`${text}x`)], 'member')).toMatchObject({ ok: true });
  });

  it('sends no tensors', () => {
    const detail = '1 tensor frames';
    expect(decodeWorkerMessage([heartbeat], 'stranger')).toMatchObject({ ok: true });
    expect(decodeWorkerMessage([heartbeat, Buffer.alloc(4)], 'stranger')).toEqual({
      ok: false,
      reason: 'frames',
      detail,
    });
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
