import { gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import { type AllReduceName, collectiveOf } from '../../src/shared/collectives/registry.ts';
import { systemTimers } from '../../src/shared/core/timers.ts';
import { maxFrameBytes } from '../../src/shared/protocol/limits.ts';
import { type Arrival, bindCoordinatorSocket } from '../../src/shared/transport/coordinator-socket.ts';
import { connectWorkerSocket } from '../../src/shared/transport/worker-socket.ts';
import type { CollectiveUnderTest } from './all-reduce.contract.ts';
import { beginnerOf, microShard } from './begin-attempts.ts';

const now = () => performance.now() / 1000;

async function* oneByOne(arrivals: AsyncIterable<Arrival>) {
  for await (const { peer, messages } of arrivals) for (const decoded of messages) yield { peer, decoded };
}

/** Ranks and hub have the sockets of workers and coordinator. */
export async function overSockets(
  name: AllReduceName,
  worldSize: number,
  sizes: readonly number[],
): Promise<CollectiveUnderTest> {
  const buckets = gradientBuckets(sizes);
  const generation = new AbortController();
  const hub = collectiveOf(name).createHub?.({ worldSize, buckets, microShard });
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
      sendToHub: socket.send,
      now,
      signal: generation.signal,
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
      const outcome = hub?.receive(peers.indexOf(peer), message, tensors, performance.now() / 1000);
      if (outcome?.kind === 'refused') throw new Error(outcome.reason);
      if (outcome?.kind === 'diverged') throw new Error(`float ${outcome.float} is ${outcome.value}`);
      for (const reply of outcome?.kind === 'reply' ? outcome.replies : []) {
        centre.send(peers[reply.rank] ?? '', reply.body, reply.tensors);
      }
    }
  })();

  return {
    ranks: links.map(({ collective }) => collective),
    begin: beginnerOf(worldSize, hub),
    abort: (reason) => generation.abort(reason),
    close() {
      for (const { socket } of links) socket.close();
      centre.close();
    },
  };
}
