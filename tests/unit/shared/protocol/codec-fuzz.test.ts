/** Nothing that a peer sends makes the decoder throw. */
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeCoordinatorMessage, decodeWorkerMessage, encode } from '../../../../src/shared/protocol/codec.ts';
import { protocolVersion } from '../../../../src/shared/protocol/limits.ts';
import type { CoordinatorMessage, WorkerMessage } from '../../../../src/shared/protocol/messages.ts';
import { sharedGraph } from '../../../support/shared-graph.ts';
import { rounds } from '../../../support/thoroughness.ts';
import { coordinatorBodies, workerBodies } from './bodies.ts';

/** The frames as they arrive: bytes. */
const asBytes = (frames: readonly (Uint8Array | Float32Array)[]) =>
  frames.map((frame) => Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));

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
    fc.assert(fc.property(fc.array(frame, { maxLength: 4 }), decodeBoth), { numRuns: rounds(200, 40_000) });
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
      { numRuns: rounds(300, 60_000) },
    );
  });

  it('survives well-formed maps with fields of the wrong type', () => {
    const bodies = [...workerBodies, ...coordinatorBodies] as readonly Record<string, unknown>[];
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
      { numRuns: rounds(150, 10_000) },
    );
  });
});

/** Half a millisecond, and ten microseconds a byte: nearly four times what the costliest header here took at a load of 20. */
const boundMs = (bytes: number) => 0.5 + bytes / 100;

/**
 * Processor time, which a busy machine stretches by little. Once, or the least of three where that is too much: threads of the
 * runtime compile and collect garbage meanwhile.
 */
function decodeMs(header: Uint8Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && least > boundMs(header.length); i++) {
    const before = process.cpuUsage();
    decodeWorkerMessage([header], 'member');
    decodeCoordinatorMessage([header]);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

describe('the time to decode is linear in the bytes', () => {
  it.each([1, 2, 3, 4, 5, 12])('for a graph of %i levels whose nodes are shared', (levels) => {
    const header = sharedGraph({ levels, fanOut: 10, members: 50 });
    expect(decodeMs(header)).toBeLessThan(boundMs(header.length));
    expect(decodeWorkerMessage([header])).toMatchObject({ ok: false, detail: expect.stringMatching(/^an extension/) });
  });

  it('for headers that are as long, as deep and as full as they may be', () => {
    const map = { v: protocolVersion, run: 'r', type: 'state', request: 1, parametersChecksum: 1 };
    const ofTopology = (topology: unknown) =>
      pack({ ...map, state: { topology, weightSpecs: [], optimizerIterations: 0 } });
    const deep = Array.from({ length: 25 }).reduce<unknown>((inner) => [inner, {}], 1);
    const specs = Array.from({ length: 1200 }, (_, i) => ({ name: '', shape: [i, -1, 0.5], dtype: 'x' }));
    for (const header of [
      ofTopology(Array(16_000).fill({})),
      ofTopology(Array(300).fill(deep)),
      ofTopology('\u001b'.repeat(200_000)),
      ofTopology(Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`key ${i}`, i]))),
      pack({ ...map, state: { topology: 1, weightSpecs: specs, optimizerIterations: 0 } }),
      pack({ ...map, type: 'ready', bucketEnds: Array(16_000).fill(-1) }),
      pack({ ...map, type: 'leave', code: 'run-failed', phase: '\u001b'.repeat(200), reason: '\u200b'.repeat(4000) }),
    ]) {
      expect(decodeMs(header)).toBeLessThan(boundMs(header.length));
    }
  });

  it('for random bytes and random structures', () => {
    const text = fc.string({ maxLength: 300 });
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.double(),
        fc.integer(),
        text,
        fc.array(tie('tree')),
        fc.dictionary(text, tie('tree')),
      ),
    }));
    const packed = tree.map((value) => pack(value));
    // Type bytes above 0x7f begin containers, text and extensions: the rest are numbers.
    const noise = fc.array(fc.oneof(fc.integer({ min: 0x80, max: 0xdf }), fc.nat(255)), { maxLength: 2000 });
    const bytes = noise.map((values) => Uint8Array.from(values));
    fc.assert(
      fc.property(fc.oneof(packed, bytes), (header) => {
        expect(decodeMs(header)).toBeLessThan(boundMs(header.length));
      }),
      { numRuns: rounds(100, 10_000) },
    );
  });
});

/** Any subset of what a body may leave out is undefined: our own decoder takes what our own encoder writes. */
it('whatever is left out of a body, the other side understands it', () => {
  const bodies = [...workerBodies, ...coordinatorBodies];
  const optional = ['priceUsdPerHour', 'emulatedSpeed', 'priceOrigin', 'gpu', 'parametersChecksum', 'state'];
  const readings = ['utilizationRatio', 'memoryUsedBytes', 'memoryTotalBytes', 'temperatureCelsius', 'powerWatts'];
  const required = new Set(['state.parametersChecksum', 'ready.parametersChecksum', 'restored.parametersChecksum']);
  const withHoles = (body: object, holes: readonly string[]): object =>
    Object.fromEntries(
      Object.entries(body).map(([field, value]) => {
        const type = (body as { readonly type?: string }).type;
        if (holes.includes(field) && !required.has(`${type}.${field}`)) return [field, undefined];
        return [field, typeof value === 'object' && !Array.isArray(value) ? withHoles(value, holes) : value];
      }),
    );
  fc.assert(
    fc.property(fc.constantFrom(...bodies), fc.subarray([...optional, ...readings]), (body, holes) => {
      const frames = asBytes(encode<WorkerMessage | CoordinatorMessage>('r', withHoles(body, holes) as typeof body));
      const decode = workerBodies.includes(body as never) ? decodeWorkerMessage : decodeCoordinatorMessage;
      expect(decode(frames)).toMatchObject({ ok: true });
    }),
    { numRuns: rounds(120, 5000) },
  );
});
