/** Vectors that simulated processes read of each other over a network: what `createVectorsOnNetwork` does with sockets. */
import type { VectorsOnNetwork } from '../../src/shared/protocol/messages.ts';
import { createReceivedSlots } from '../../src/shared/transport/received-slots.ts';
import { attemptOf, createShownSlots, type Shown } from '../../src/shared/transport/shown-slots.ts';
import type { VectorWay } from '../../src/shared/transport/vectors.ts';

interface Station {
  readonly floats: number;
  readonly subscribe: (generation: number, send: (shown: Shown) => void) => Subscription;
}

interface Subscription {
  /** Sends all that is in the slots, as to whoever has connected again. */
  resend(): void;
  end(): void;
}

/**
 * Carries what one sends from an address to one reader, in order; or breaks the connection, which loses what is under way, and
 * makes it again by `resend`.
 */
export type Carry = (address: string, deliver: () => void, resend: () => void) => void;

/** @returns how one takes part, whose messages are carried so */
export function createNetworkVectors(): (carry?: Carry) => VectorWay<VectorsOnNetwork> {
  const stations = new Map<string, Station>();
  return (carry = (_, deliver) => queueMicrotask(deliver)) => ({
    async offer(floats) {
      const address = `station ${stations.size}`;
      const slots = createShownSlots(floats);
      const readers = new Set<{ readonly generation: number; readonly send: (shown: Shown) => void }>();
      const sendToReaders = (shown: Shown) => {
        for (const { generation, send } of readers) if (generation === attemptOf(shown).generation) send(shown);
      };
      stations.set(address, {
        floats,
        subscribe(generation, send) {
          const reader = { generation, send };
          const resend = () => {
            for (const shown of slots.everything()) if (generation === attemptOf(shown).generation) send(shown);
          };
          readers.add(reader);
          resend();
          return { resend: () => readers.has(reader) && resend(), end: () => readers.delete(reader) };
        },
      });
      return {
        own: {
          offer: { addresses: [address], secret: 'x'.repeat(32) },
          begin: slots.begin,
          write: (slot, from, values) => sendToReaders(slots.write(slot, from, values)),
          publish: (slot, publication) => sendToReaders(slots.publish(slot, publication)),
          close: () => readers.clear(),
        },
      };
    },
    async open({ addresses: [address = ''] }, { floats, generation, onPublished }) {
      const station = stations.get(address);
      if (station === undefined || station.floats !== floats) return { problem: `nobody answers on ${address}` };
      const slots = createReceivedSlots(floats);
      const take = (shown: Shown) => {
        const problem =
          shown.kind === 'values'
            ? slots.take(shown.attempt, shown.from, shown.values)
            : slots.complete(shown.publication);
        if (problem !== undefined) throw new Error(problem);
        if (shown.kind === 'published') onPublished();
      };
      const subscription: Subscription = station.subscribe(generation, (shown) =>
        carry(
          address,
          () => take(shown),
          () => subscription.resend(),
        ),
      );
      return { peer: { way: 'network', read: slots.read, published: slots.published, close: subscription.end } };
    },
  });
}
