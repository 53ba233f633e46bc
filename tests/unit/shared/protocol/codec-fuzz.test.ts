/** Nothing that a peer sends makes the decoder throw. */
import fc from 'fast-check';
import { pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeCoordinatorMessage, decodeWorkerMessage, encode } from '../../../../src/shared/protocol/codec.ts';
import { protocolVersion } from '../../../../src/shared/protocol/limits.ts';
import type { CoordinatorMessage, WorkerMessage } from '../../../../src/shared/protocol/messages.ts';
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
    fc.assert(fc.property(fc.array(frame, { maxLength: 4 }), decodeBoth), { numRuns: rounds(500, 40_000) });
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
      { numRuns: rounds(1000, 60_000) },
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
      { numRuns: rounds(400, 10_000) },
    );
  });
});
