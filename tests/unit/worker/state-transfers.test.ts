/** States on their way between a worker and its coordinator, without a network. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Body, CoordinatorMessage, MessageOf, WorkerMessage } from '../../../src/shared/protocol/messages.ts';
import { chunkSizes } from '../../../src/shared/protocol/state-chunks.ts';
import { createStateTransfers, sendState, TransferDropped } from '../../../src/worker/state-transfers.ts';
import { nothingUsed as usage } from '../../support/nothing-used.ts';
import { outcomeOf } from '../../support/outcome.ts';
import { promisesSettle } from '../../support/virtual-time.ts';

const envelope = { v: 8, run: 'r' } as const;
const floats = [1, 2, 3, 4, 5, 6];
const checksum = crc32(new Uint8Array(Float32Array.from(floats).buffer));

function open(lengths: readonly number[] = [2, 2, 2], chunkFloats = 2) {
  const told: Body<WorkerMessage>[] = [];
  const transfers = createStateTransfers((body) => told.push(body));
  transfers.expect(lengths, chunkSizes(chunkFloats));
  const chunk = (request: number, offset: number, values: readonly number[], total = 6) =>
    transfers.receive({ ...envelope, type: 'chunk', request, total, offset }, [Float32Array.from(values)]);
  const restore = (request: number, stateChecksum: number): MessageOf<CoordinatorMessage, 'restore'> => ({
    ...envelope,
    type: 'restore',
    request,
    applied: { step: 3, generation: 1 },
    optimizerIterations: 3,
    stateChecksum,
  });
  return { transfers, told, chunk, restore };
}

describe('a state that a worker is given', () => {
  it('is put together, and each chunk is acknowledged', () => {
    const { transfers, told, chunk, restore } = open();
    expect([chunk(4, 0, [1, 2]), chunk(4, 2, [3, 4]), chunk(4, 4, [5, 6])]).toEqual(Array(3).fill(undefined));
    expect(told).toEqual([2, 4, 6].map((offset) => ({ type: 'taken', request: 4, offset })));
    expect(transfers.collect(restore(4, checksum))).toEqual({
      vectors: [Float32Array.of(1, 2), Float32Array.of(3, 4), Float32Array.of(5, 6)],
    });
    // It was handed over, and is not kept.
    expect(transfers.collect(restore(4, checksum))).toEqual({ problem: 'its state must be here before, none is' });
  });

  it('is not half of one, nor one that was changed on its way', () => {
    const { transfers, chunk, restore } = open();
    chunk(4, 0, [1, 2]);
    expect(transfers.collect(restore(4, checksum))).toEqual({
      problem: 'all 6 floats of the state must be here before, 2 are',
    });
    for (const [offset, values] of [
      [0, [1, 2]],
      [2, [3, 4]],
      [4, [5, 7]],
    ] as const)
      chunk(5, offset, values);
    expect(transfers.collect(restore(5, checksum))).toMatchObject({
      problem: expect.stringMatching(new RegExp(`^stateChecksum must be \\d+, got ${checksum}$`)),
    });
  });

  it('begins anew with another request, at its beginning', () => {
    const { chunk } = open();
    chunk(4, 0, [1, 2]);
    expect(chunk(5, 2, [3, 4])).toBe('offset must be 0, got 2');
    expect(chunk(6, 0, [1, 2])).toBeUndefined();
  });

  it('is dropped where it comes to nothing', () => {
    const { transfers, chunk, restore } = open();
    chunk(4, 0, [1, 2]);
    transfers.drop();
    expect(chunk(4, 2, [3, 4])).toBe('offset must be 0, got 2');
    expect(transfers.collect(restore(3, checksum))).toHaveProperty('problem');
  });

  it.each([
    ['of a worker that has no model yet', [], 6, [1], 'total must be 0, got 6'],
    ['of another size', [2, 2, 2], 2 ** 52, [1], 'total must be 6, got 4503599627370496'],
    ['in shorter chunks', [2, 2, 2], 6, [1], 'it must have 2 floats, got 1'],
    ['of no number', [2, 2, 2], 6, [1, Number.NaN], 'it has NaN'],
  ])('is none %s', (_, lengths, total, values, problem) => {
    const { chunk, told } = open(lengths);
    expect(chunk(1, 0, values, total)).toBe(problem);
    expect(told).toEqual([]);
  });
});

describe('a state that a worker sends', () => {
  const body = { type: 'state', request: 2, usage, parametersChecksum: 9 } as const;
  const tensors = [Float32Array.of(1, 2), Float32Array.of(3, 4), Float32Array.of(5, 6)];

  function send(chunkFloats: number) {
    const { transfers } = open();
    const sent: (readonly unknown[])[] = [];
    const sending = sendState({ body, tensors }, transfers.open(2), chunkSizes(chunkFloats), (message, floatsOf = []) =>
      sent.push([message.type, ...floatsOf.flatMap((tensor) => [...tensor])]),
    );
    const taken = async (request: number, offset: number) => {
      transfers.noteTaken({ ...envelope, type: 'taken', request, offset });
      await promisesSettle();
    };
    return { transfers, sent, sending, taken };
  }

  it('is one message where it is short', async () => {
    const { sent, sending } = send(6);
    await sending;
    expect(sent).toEqual([['state', ...floats]]);
  });

  it('waits for room after as many chunks as may be on their way', async () => {
    const { sent, sending, taken } = send(1);
    expect(sent).toEqual([1, 2, 3, 4].map((value) => ['chunk', value]));
    await taken(1, 4);
    expect(sent).toHaveLength(4);
    await taken(2, 1);
    expect(sent.at(-1)).toEqual(['chunk', 5]);
    await taken(2, 2);
    await sending;
    expect(sent.slice(5)).toEqual([['chunk', 6], ['state']]);
  });

  it('ends with the checksum of all of it', async () => {
    const bodies: Body<WorkerMessage>[] = [];
    await sendState({ body, tensors }, open().transfers.open(2), chunkSizes(2), (message) => bodies.push(message));
    expect(bodies.at(-1)).toEqual({ ...body, stateChecksum: checksum });
    expect(bodies[1]).toEqual({ type: 'chunk', request: 2, total: 6, offset: 2 });
  });

  it.each([
    ['is dropped', undefined],
    ['ends with the link', new Error('no word from the coordinator')],
  ])('in the middle %s', async (_, reason) => {
    const { transfers, sending, sent } = send(1);
    transfers.drop(reason);
    const error = await sending.catch((caught: unknown) => caught);
    expect(reason === undefined ? error instanceof TransferDropped : error === reason).toBe(true);
    expect(sent).toHaveLength(4);
  });

  it('comes to nothing where it is asked for again', async () => {
    const { transfers, sending } = send(1);
    transfers.open(3);
    expect(await outcomeOf(sending)).toEqual({ error: 'the generation lost a member while a state was sent' });
  });
});
