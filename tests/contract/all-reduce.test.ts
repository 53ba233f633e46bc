import { gradientBuckets } from '../../src/shared/collectives/buckets.ts';
import type { AllReduce, AllReduceHub, FromHub, ToHub } from '../../src/shared/collectives/collective.ts';
import { collectiveOf } from '../../src/shared/collectives/registry.ts';
import { evenShares } from '../../src/shared/core/sampling.ts';
import { systemTimers } from '../../src/shared/core/timers.ts';
import { decodeCoordinatorMessage, decodeWorkerMessage, encode } from '../../src/shared/protocol/codec.ts';
import { maxFrameBytes } from '../../src/shared/protocol/limits.ts';
import type { Body, CoordinatorMessage, WorkerMessage } from '../../src/shared/protocol/messages.ts';
import { type Arrival, bindCoordinatorSocket } from '../../src/shared/transport/coordinator-socket.ts';
import type { VectorWay } from '../../src/shared/transport/vectors.ts';
import { vectorsInMemory } from '../../src/shared/transport/vectors-in-memory.ts';
import { createVectorsOnNetwork } from '../../src/shared/transport/vectors-on-network.ts';
import { connectWorkerSocket } from '../../src/shared/transport/worker-socket.ts';
import { createMemoryVectors } from '../support/memory-vectors.ts';
import { createNetworkVectors } from '../support/network-vectors.ts';
import { offerFrom, openFrom } from '../support/opened-vectors.ts';
import { type CollectiveUnderTest, describeAllReduce } from './all-reduce.contract.ts';

for (const name of ['star', 'tree'] as const) {
  const { numerics } = collectiveOf(name);
  describeAllReduce(`${name}, over encoded frames,`, numerics, (...sizes) => overFrames(name, ...sizes));
  describeAllReduce(`${name}, over ZeroMQ,`, numerics, (...sizes) => overSockets(name, ...sizes));
}
const { numerics } = collectiveOf('mesh');
describeAllReduce('mesh, in memory,', numerics, (...sizes) => overVectors(createMemoryVectors(), ...sizes));
describeAllReduce('mesh, through files,', numerics, (...sizes) => overVectors(vectorsInMemory, ...sizes));
describeAllReduce('mesh, over a simulated network,', numerics, (...sizes) =>
  overVectors(createNetworkVectors()(), ...sizes),
);
const loopback = { host: '127.0.0.1', advertised: ['127.0.0.1'], timers: systemTimers };
describeAllReduce('mesh, over ZeroMQ,', numerics, (...sizes) =>
  overVectors(createVectorsOnNetwork(loopback), ...sizes),
);

type Name = Parameters<typeof collectiveOf>[0];

/** Every rank reads the vectors of all others. */
async function overVectors<Offer>(
  way: VectorWay<Offer>,
  worldSize: number,
  sizes: readonly number[],
): Promise<CollectiveUnderTest> {
  const buckets = gradientBuckets(sizes);
  const floats = sizes.reduce((sum, size) => sum + size, 0);
  const generation = new AbortController();
  const owned = await Promise.all(Array.from({ length: worldSize }, () => offerFrom(way, floats)));
  const groups = await Promise.all(
    owned.map(async (own, rank) => {
      let onPublished = () => {};
      const reading = { floats, generation: 1, onPublished: () => onPublished() };
      const peers = await Promise.all(
        owned.map(({ offer }, place) => (place === rank ? undefined : openFrom(way, offer, reading))),
      );
      return {
        own,
        peers,
        listen(listener: () => void) {
          onPublished = listener;
        },
      };
    }),
  );
  const ranks = groups.map((exchange, rank) =>
    collectiveOf('mesh').createRank({
      rank,
      worldSize,
      buckets,
      exchange,
      sendToHub() {
        throw new Error('it has no hub');
      },
      now,
      signal: generation.signal,
    }),
  );
  return {
    ranks,
    begin: (attempt) => attempt,
    abort: (reason) => generation.abort(reason),
    close() {
      for (const { own, peers } of groups) for (const vectors of [own, ...peers]) vectors?.close();
    },
  };
}

const now = () => performance.now() / 1000;

/** Everything between ranks and hub is encoded and decoded, and arrives a turn of the event loop later. */
async function overFrames(name: Name, worldSize: number, sizes: readonly number[]): Promise<CollectiveUnderTest> {
  const buckets = gradientBuckets(sizes);
  const generation = new AbortController();
  const hub = collectiveOf(name).createHub?.({ worldSize, buckets, microShard });
  const bytes = (frames: readonly (Uint8Array | Float32Array)[]) =>
    frames.map((frame) => Buffer.from(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)));

  function sendToHub(rank: number, body: Body<ToHub>, tensors: readonly Float32Array[]): void {
    const decoded = decodeWorkerMessage(bytes(encode<WorkerMessage>('run', body, tensors)));
    if (!decoded.ok || decoded.message.type !== 'contribute') throw new Error('not a contribution');
    const outcome = hub?.receive(rank, decoded.message, decoded.tensors, performance.now() / 1000);
    if (outcome?.kind === 'refused') throw new Error(outcome.reason);
    if (outcome?.kind === 'diverged') throw new Error(`float ${outcome.float} is ${outcome.value}`);
    for (const reply of outcome?.kind === 'reply' ? outcome.replies : []) {
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
      sendToHub: (body, tensors) => sendToHub(rank, body, tensors),
      now,
      signal: generation.signal,
    }),
  );
  return {
    ranks,
    begin: beginnerOf(worldSize, hub),
    abort: (reason) => generation.abort(reason),
    close() {},
  };
}

/** In samples. */
const microShard = 8;

function beginnerOf(worldSize: number, hub: AllReduceHub | undefined): CollectiveUnderTest['begin'] {
  const begun = new Set<string>();
  const shares = evenShares({ from: 0, to: worldSize * microShard }, worldSize);
  return (attempt) => {
    const name = Object.values(attempt).join();
    if (!begun.has(name)) hub?.expect(attempt, shares);
    begun.add(name);
    return attempt;
  };
}

async function* oneByOne(arrivals: AsyncIterable<Arrival>) {
  for await (const { peer, messages } of arrivals) for (const decoded of messages) yield { peer, decoded };
}

async function overSockets(name: Name, worldSize: number, sizes: readonly number[]): Promise<CollectiveUnderTest> {
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
