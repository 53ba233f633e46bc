/** What connects a rank to its hub, or to the vectors of the other ranks. */
import type { Exchange, FromHub, RankOptions } from '../../shared/collectives/collective.ts';
import { collectiveOf } from '../../shared/collectives/registry.ts';
import { deadlinesFrom } from '../../shared/core/deadlines.ts';
import { systemTimers } from '../../shared/core/timers.ts';
import type { VectorsInMemory } from '../../shared/protocol/messages.ts';
import type { PeerVectors } from '../../shared/transport/vectors.ts';
import { vectorsInMemory } from '../../shared/transport/vectors-in-memory.ts';
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

async function linkToPeers({ rank, floats }: RankArgument): Promise<RankLinks> {
  const owned = await Promise.all(vectorLengths(floats).map(offer));
  say({ offers: owned.map((own) => own.offer) });
  const { offers } = await hear(linkSchema);
  const exchanges = owned.map(async (own, generation) => {
    let listener = () => {};
    const floatsOf = vectorLengths(floats)[generation] ?? 0;
    const peers = await Promise.all(
      offers.map((byGeneration, other) =>
        other === rank ? undefined : open(byGeneration[generation], floatsOf, () => listener()),
      ),
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

async function offer(floats: number) {
  const offered = await vectorsInMemory.offer(floats);
  if ('problem' in offered) throw new Error(offered.problem);
  return offered.own;
}

async function open(offer: VectorsInMemory | undefined, floats: number, onPublished: () => void): Promise<PeerVectors> {
  if (offer === undefined) throw new Error('a rank has offered no vectors');
  const opened = await vectorsInMemory.open(offer, { floats, generation: 0, onPublished });
  if ('problem' in opened) throw new Error(opened.problem);
  return opened.peer;
}
