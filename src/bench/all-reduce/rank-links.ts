/** What connects a rank to its hub, or to the vectors of the other ranks. */
import type { Exchange, FromHub, RankOptions } from '../../shared/collectives/collective.ts';
import { collectiveOf } from '../../shared/collectives/registry.ts';
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { systemTimers } from '../../shared/core/timers.ts';
import type { VectorsInMemory } from '../../shared/protocol/messages.ts';
import { shareVectors } from '../../shared/transport/share-vectors.ts';
import type { VectorSharing, VectorWay } from '../../shared/transport/vectors.ts';
import { vectorsInMemory } from '../../shared/transport/vectors-in-memory.ts';
import { createVectorsOnNetwork } from '../../shared/transport/vectors-on-network.ts';
import { connectWorkerSocket } from '../../shared/transport/worker-socket.ts';
import { linkSchema, type RankArgument } from './messages.ts';
import { endWith, hear, say, timeoutSeconds, vectorLengths } from './reducing-process.ts';

export interface RankLinks {
  readonly sendToHub: RankOptions['sendToHub'];
  /** By generation; empty where there is a hub. */
  readonly exchanges: readonly Exchange[];
  /** Calls the listener with all that the hub sends. */
  listen(listener: (message: FromHub, tensors: readonly Float32Array[]) => void): void;
}

/** @throws Error that says why others' vectors cannot be read */
export async function openLinks(argument: RankArgument): Promise<RankLinks> {
  return collectiveOf(argument.algorithm).readsPeers === true ? linkToPeers(argument) : linkToHub(argument);
}

function linkToHub({ rank, hub = '' }: RankArgument): RankLinks {
  const socket = connectWorkerSocket({
    connect: hub,
    family: 4,
    timers: systemTimers,
    stalledMs: () => deadlinesFrom(timeoutSeconds).silenceMs,
    onUnreachable: (reason) => endWith(`the hub cannot be reached: ${reason}`),
    onDisconnect: () => endWith('the hub is gone'),
  });
  // The hub learns from it which rank a connection is. Of all messages this one has room for a number.
  socket.send({ type: 'leave', code: 'interrupted', phase: String(rank), reason: '' });
  return {
    sendToHub: socket.send,
    exchanges: [],
    async listen(listener) {
      for await (const decoded of socket.receive()) {
        if (decoded.ok && decoded.message.type === 'reduced') listener(decoded.message, decoded.tensors);
      }
    },
  };
}

async function linkToPeers({ rank, floats, path, address }: RankArgument): Promise<RankLinks> {
  const sharing = sharingBy(path, address);
  const owned = await Promise.all(
    vectorLengths(floats).map(async (length) => {
      const offered = await sharing.offer(length);
      if ('problem' in offered) throw new Error(offered.problem);
      return offered.own;
    }),
  );
  say({ offers: owned.map((own) => own.offer) });
  const { offers } = await hear(linkSchema);
  const exchanges = owned.map(async (own, generation) => {
    let listener = () => {};
    const reading = {
      floats: vectorLengths(floats)[generation] ?? 0,
      generation,
      patience: deadlinesFrom(timeoutSeconds),
      onPublished: () => listener(),
    };
    const peers = await Promise.all(
      offers.map(async (byGeneration, other) => {
        if (other === rank) return undefined;
        const opened = await sharing.open(byGeneration[generation] ?? {}, reading);
        if ('problem' in opened) throw new Error(opened.problem);
        return opened.peer;
      }),
    );
    return {
      own,
      peers,
      listen(next: () => void) {
        listener = next;
      },
    };
  });
  return {
    exchanges: await Promise.all(exchanges),
    sendToHub() {
      throw new Error('there is no hub');
    },
    listen() {},
  };
}

function sharingBy(path: RankArgument['path'], address: string): VectorSharing {
  const findReached = async () => (path === 'network' ? { host: address, advertised: [address] } : undefined);
  const network = createVectorsOnNetwork({ findReached, timers: systemTimers });
  return shareVectors({ memory: path === 'memory' ? vectorsInMemory : noMemory, network });
}

/** Ranks that are to read each other over the network, and may be on one host. */
const noMemory: VectorWay<VectorsInMemory> = {
  offer: async () => ({ problem: 'memory is not to be used' }),
  open: async () => ({ problem: 'memory is not to be used' }),
};
