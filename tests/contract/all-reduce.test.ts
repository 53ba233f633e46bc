import { gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import { createStarAllReduce, type StarAllReduce } from '../../src/shared/collectives/star.ts';
import { createStarReducer } from '../../src/shared/collectives/star-reducer.ts';
import { decodeCoordinatorMessage, decodeWorkerMessage, encode } from '../../src/shared/protocol/codec.ts';
import type { CoordinatorMessage, WorkerMessage } from '../../src/shared/protocol/messages.ts';
import { bindCoordinatorSocket } from '../../src/shared/transport/coordinator-socket.ts';
import { connectWorkerSocket } from '../../src/shared/transport/worker-socket.ts';
import { describeAllReduce } from './all-reduce.contract.ts';

describeAllReduce('star, over encoded frames,', async (worldSize, sizes) => {
  const buckets = gradientBuckets(sizes);
  const reducer = createStarReducer(worldSize, buckets);
  const bytes = (frames: readonly (Uint8Array | Float32Array)[]) =>
    frames.map((frame) => Buffer.from(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)));
  const ranks: StarAllReduce[] = Array.from({ length: worldSize }, (_, rank) =>
    createStarAllReduce({
      rank,
      buckets,
      send(body, tensors) {
        const decoded = decodeWorkerMessage(bytes(encode<WorkerMessage>('run', body, tensors)));
        if (!decoded.ok || decoded.message.type !== 'contribute') throw new Error('not a contribution');
        const { step, rank: from, bucket } = decoded.message;
        const values = decoded.tensors[0] ?? new Float32Array(0);
        const result = reducer.contribute(step, from, bucket, values, performance.now() / 1000);
        if (result.kind === 'refused') throw new Error(result.reason);
        if (result.kind === 'complete') setImmediate(() => reply(step, bucket, result.sum, result.waited));
      },
    }),
  );
  function reply(step: number, bucket: number, sum: Float32Array, waited: readonly number[]): void {
    for (const [rank, collective] of ranks.entries()) {
      const body = { type: 'reduced' as const, generation: 1, step, attempt: 0, bucket, waited: waited[rank] ?? 0 };
      const decoded = decodeCoordinatorMessage(bytes(encode<CoordinatorMessage>('run', body, [sum])));
      if (decoded.ok && decoded.message.type === 'reduced') collective.deliver(decoded.message, decoded.tensors[0]);
    }
  }
  return { ranks, close() {} };
});

describeAllReduce('star, over ZeroMQ,', async (worldSize, sizes) => {
  const buckets = gradientBuckets(sizes);
  const reducer = createStarReducer(worldSize, buckets);
  const centre = await bindCoordinatorSocket({ bind: 'tcp://127.0.0.1:*', run: 'run', onUnreachable() {} });
  const peers: string[] = [];
  void (async () => {
    for await (const { peer, decoded } of centre.receive()) {
      if (!decoded.ok || decoded.message.type !== 'contribute') throw new Error('not a contribution');
      const { step, rank, bucket } = decoded.message;
      peers[rank] = peer;
      const values = decoded.tensors[0] ?? new Float32Array(0);
      const result = reducer.contribute(step, rank, bucket, values, performance.now() / 1000);
      if (result.kind === 'refused') throw new Error(result.reason);
      if (result.kind !== 'complete') continue;
      for (const [to, address] of peers.entries()) {
        const body = {
          type: 'reduced',
          generation: 1,
          step,
          attempt: 0,
          bucket,
          waited: result.waited[to] ?? 0,
        } as const;
        centre.send(address, body, [result.sum]);
      }
    }
  })();

  const links = Array.from({ length: worldSize }, (_, rank) => {
    const socket = connectWorkerSocket({ connect: centre.endpoint, onUnreachable() {} });
    const collective = createStarAllReduce({ rank, buckets, send: socket.send });
    void (async () => {
      for await (const decoded of socket.receive()) {
        if (decoded.ok && decoded.message.type === 'reduced') collective.deliver(decoded.message, decoded.tensors[0]);
      }
    })();
    return { socket, collective };
  });
  return {
    ranks: links.map(({ collective }) => collective),
    close() {
      for (const { socket } of links) socket.close();
      centre.close();
    },
  };
});
