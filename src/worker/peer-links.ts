/** The gradients of the other ranks of a generation, as this worker reads them. */
import type { Exchange } from '../shared/collectives/collective.ts';
import type { VectorsToRead } from '../shared/protocol/messages.ts';
import type { OwnVectors, PeerVectors, VectorSharing } from '../shared/transport/shared-vectors.ts';

/** What a worker offers others to read, and how it opens what they offer. */
export interface SharedVectors {
  readonly own: OwnVectors;
  readonly sharing: VectorSharing;
}

export interface PeerLinks {
  /** @param offers of all ranks @returns why the vectors of some rank cannot be read; undefined if all can */
  open(offers: readonly VectorsToRead[]): string | undefined;
  /** Undefined until all are open. */
  exchange(): Exchange | undefined;
  /** May be called twice. */
  close(): void;
}

export function createPeerLinks(vectors: SharedVectors | undefined, rank: number, floats: number): PeerLinks {
  let peers: readonly (PeerVectors | undefined)[] | undefined;

  function close(): void {
    for (const peer of peers ?? []) peer?.close();
    peers = undefined;
  }

  return {
    open(offers) {
      if (vectors === undefined) return 'this worker offers none itself';
      close();
      const opened: (PeerVectors | undefined)[] = [];
      peers = opened;
      for (const [other, offer] of offers.entries()) {
        const found = other === rank ? { peer: undefined } : vectors.sharing.open(offer, floats);
        if ('problem' in found) {
          close();
          return `those of rank ${other}: ${found.problem}`;
        }
        opened.push(found.peer);
      }
      return undefined;
    },
    exchange: () => vectors && peers && { own: vectors.own, peers },
    close,
  };
}
