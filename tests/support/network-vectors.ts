/** Vectors that simulated processes read of each other over a network: what `createVectorsOnNetwork` does with sockets. */
import type { VectorsOnNetwork } from '../../src/shared/protocol/messages.ts';
import { createReceivedSlots } from '../../src/shared/transport/received-slots.ts';
import { attemptOf, createShownSlots, partsFor, type Shown } from '../../src/shared/transport/shown-slots.ts';
import type { SlotPart, VectorWay } from '../../src/shared/transport/vectors.ts';

interface Station {
  readonly floats: number;
  readonly subscribe: (generation: number, send: (shown: Shown) => void) => Subscription;
}

interface Subscription {
  /** Asks for these parts instead, and is sent what is in the slots of them. */
  follow(parts: readonly SlotPart[]): void;
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
      const readers = new Set<(shown: Shown) => void>();
      const sendToReaders = (shown: Shown) => {
        for (const send of readers) send(shown);
      };
      stations.set(address, {
        floats,
        subscribe(generation, send) {
          let parts: readonly SlotPart[] = [];
          const reader = (shown: Shown) => {
            if (generation !== attemptOf(shown).generation) return;
            for (const part of partsFor(shown, parts)) send(part);
          };
          readers.add(reader);
          const resend = () => {
            if (readers.has(reader)) for (const shown of slots.everything()) reader(shown);
          };
          const follow = (next: readonly SlotPart[]) => {
            parts = next;
            resend();
          };
          return { follow, resend, end: () => readers.delete(reader) };
        },
      });
      const lend = (slot: number, from: number, values: Float32Array) => sendToReaders(slots.lend(slot, from, values));
      return {
        own: {
          offer: { addresses: [address], secret: 'x'.repeat(32) },
          begin: slots.begin,
          write: (slot, from, values) => sendToReaders(slots.write(slot, from, values)),
          lend,
          pass: lend,
          publish: (slot, publication) => sendToReaders(slots.publish(slot, publication)),
          close: () => readers.clear(),
        },
      };
    },
    async open({ addresses: [address = ''] }, { floats, generation, onPublished }) {
      const station = stations.get(address);
      if (station === undefined || station.floats !== floats) return { problem: `nobody answers on ${address}` };
      const slots = createReceivedSlots();
      const take = (shown: Shown) => {
        const problem =
          shown.kind === 'values'
            ? slots.take(shown.slot, shown.attempt, shown.from, shown.values)
            : slots.complete(shown.slot, shown.publication);
        if (problem !== undefined) throw new Error(problem);
        onPublished();
      };
      /** Answers that are under way on a connection that breaks are lost. */
      const probe = () => new Promise<void>((resolve) => carry(address, resolve, () => subscription.resend()));
      const subscription: Subscription = station.subscribe(generation, (shown) =>
        carry(
          address,
          () => take(shown),
          () => subscription.resend(),
        ),
      );
      return {
        peer: {
          way: 'network',
          follow(parts) {
            slots.follow(parts);
            subscription.follow(parts);
          },
          holds: slots.holds,
          read: slots.read,
          published: slots.published,
          probe,
          close: subscription.end,
        },
      };
    },
  });
}
