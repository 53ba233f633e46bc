import type { AllReduce, FromHub, ToHub } from '../../src/shared/collectives/collective.ts';
import type { ErrorFeedback } from '../../src/shared/collectives/compression/error-feedback.ts';
import { type AllReduceName, collectiveOf } from '../../src/shared/collectives/registry.ts';
import { decodeCoordinatorMessage, decodeWorkerMessage, encode } from '../../src/shared/protocol/codec.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../../src/shared/protocol/messages.ts';
import type { CollectiveUnderTest } from './all-reduce.contract.ts';
import { now, openHubSide } from './hub-side.ts';

/** Everything between ranks and hub is encoded and decoded, and arrives a turn of the event loop later. */
export async function overFrames(
  name: AllReduceName,
  worldSize: number,
  sizes: readonly number[],
  feedbacks: readonly ErrorFeedback[] = [],
): Promise<CollectiveUnderTest> {
  const { buckets, signal, begin, abort, take } = openHubSide(name, worldSize, sizes, feedbacks[0]?.codec);
  const bytes = (frames: readonly (Uint8Array | Float32Array)[]) =>
    frames.map((frame) => Buffer.from(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)));

  function sendToHub(rank: number, body: Body<ToHub>, tensors: readonly Float32Array[]): void {
    const decoded = decodeWorkerMessage(bytes(encode<WorkerMessage>('run', body, tensors)));
    if (!decoded.ok || decoded.message.type !== 'contribute') throw new Error('not a contribution');
    for (const reply of take(rank, decoded.message, decoded.tensors)) {
      setImmediate(() => sendToRank(reply.rank, reply.body, reply.tensors));
    }
  }

  function sendToRank(rank: number, body: Body<FromHub>, tensors: readonly Float32Array[]): void {
    const decoded = decodeCoordinatorMessage(bytes(encode<CoordinatorMessage>('run', body, tensors)));
    if (decoded.ok && decoded.message.type === 'reduced') ranks[rank]?.receive(decoded.message, decoded.tensors);
  }

  const ranks: AllReduce[] = Array.from({ length: worldSize }, (_, rank) =>
    collectiveOf(name).createRank({
      rank,
      worldSize,
      buckets,
      feedback: feedbacks[rank],
      sendToHub: (body, tensors) => sendToHub(rank, body, tensors),
      now,
      signal,
    }),
  );
  return {
    ranks,
    begin,
    abort,
    close() {},
  };
}
