import type { ErrorFeedback } from '../../src/shared/collectives/compression/error-feedback.ts';
import { type AllReduceName, collectiveOf } from '../../src/shared/collectives/registry.ts';
import { systemTimers } from '../../src/shared/core/timers.ts';
import { maxFrameBytes } from '../../src/shared/protocol/limits.ts';
import { type Arrival, bindCoordinatorSocket } from '../../src/shared/transport/coordinator-socket.ts';
import { connectWorkerSocket } from '../../src/shared/transport/worker-socket.ts';
import type { CollectiveUnderTest } from './all-reduce.contract.ts';
import { now, openHubSide } from './hub-side.ts';

async function* oneByOne(arrivals: AsyncIterable<Arrival>) {
  for await (const { peer, messages } of arrivals) for (const decoded of messages) yield { peer, decoded };
}

/** Ranks and hub have the sockets of workers and coordinator. */
export async function overSockets(
  name: AllReduceName,
  worldSize: number,
  sizes: readonly number[],
  feedbacks: readonly ErrorFeedback[] = [],
): Promise<CollectiveUnderTest> {
  const { buckets, signal, begin, abort, take } = openHubSide(name, worldSize, sizes, feedbacks[0]?.codec);
  const centre = await bindCoordinatorSocket({
    bind: 'tcp://127.0.0.1:*',
    run: 'run',
    largestFrameBytes: maxFrameBytes,
    parameterBytes: maxFrameBytes,
    timers: systemTimers,
    heartbeatMs: 1000,
    connectionMs: 10_000,
    stalledMs: 10_000,
    onUnreachable() {},
    onDisconnect() {},
  });
  const peers: string[] = [];

  const links = Array.from({ length: worldSize }, (_, rank) => {
    const socket = connectWorkerSocket({
      connect: centre.endpoint,
      family: 4,
      timers: systemTimers,
      stalledMs: () => 10_000,
      onUnreachable() {},
      onDisconnect() {},
    });
    // The first message of a connection says whose it is.
    socket.send({ type: 'leave', code: 'run-failed', phase: String(rank), reason: '' });
    const collective = collectiveOf(name).createRank({
      rank,
      worldSize,
      buckets,
      feedback: feedbacks[rank],
      sendToHub: socket.send,
      now,
      signal,
    });
    void (async () => {
      for await (const decoded of socket.receive()) {
        if (decoded.ok && decoded.message.type === 'reduced') collective.receive(decoded.message, decoded.tensors);
      }
    })();
    return { socket, collective };
  });

  void (async () => {
    const arrivals = centre.receive(() => true);
    for await (const { peer, decoded } of oneByOne(arrivals)) {
      if (!decoded.ok) throw new Error(decoded.detail);
      const { message, tensors } = decoded;
      if (message.type === 'leave') peers[Number(message.phase)] = peer;
      if (message.type !== 'contribute') continue;
      for (const reply of take(peers.indexOf(peer), message, tensors)) {
        centre.send(peers[reply.rank] ?? '', reply.body, reply.tensors);
      }
    }
  })();

  return {
    ranks: links.map(({ collective }) => collective),
    begin,
    abort,
    close() {
      for (const { socket } of links) socket.close();
      centre.close();
    },
  };
}
