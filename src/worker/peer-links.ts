/** The gradients of the other ranks of a generation, as this worker reads them. */
import type { Exchange } from '../shared/collectives/collective.ts';
import { orAborted } from '../shared/core/or-aborted.ts';
import type { RankToRead } from '../shared/protocol/messages.ts';
import type { OwnVectors, PeerVectors, VectorSharing } from '../shared/transport/shared-vectors.ts';

/** What a worker offers others to read, and how it opens what they offer. */
export interface SharedVectors {
  readonly own: OwnVectors;
  readonly sharing: VectorSharing;
}

export interface PeerLinks {
  /**
   * @param ranks what each offers
   * @param signal ends the wait for a rank that does not answer
   * @returns why the vectors of some rank cannot be read; undefined if all can
   */
  open(ranks: readonly RankToRead[], signal: AbortSignal): Promise<string | undefined>;
  /** Undefined until all are open. */
  exchange(): Exchange | undefined;
  /** May be called twice. */
  close(): void;
}

export function createPeerLinks(vectors: SharedVectors | undefined, rank: number, floats: number): PeerLinks {
  let peers: readonly (PeerVectors | undefined)[] | undefined;
  let listener = () => {};

  function close(): void {
    listener = () => {};
    for (const peer of peers ?? []) peer?.close();
    peers = undefined;
  }

  return {
    async open(ranks, signal) {
      if (vectors === undefined) return 'this worker offers none itself';
      close();
      const opened: (PeerVectors | undefined)[] = [];
      peers = opened;
      for (const [other, { workerId, vectors: offer }] of ranks.entries()) {
        const opening = other === rank ? { peer: undefined } : vectors.sharing.open(offer, floats, () => listener());
        const found = await orAborted(Promise.resolve(opening), signal, () => signal.reason).catch((error) => {
          // The process may still answer, when nobody needs it any more.
          void Promise.resolve(opening).then((late) => 'peer' in late && late.peer?.close());
          close();
          throw error;
        });
        if ('problem' in found) {
          close();
          return `those of ${workerId}: ${found.problem}`;
        }
        opened.push(found.peer);
      }
      return undefined;
    },
    exchange() {
      if (vectors === undefined || peers === undefined) return undefined;
      return {
        own: vectors.own,
        peers,
        listen(next) {
          listener = next;
        },
      };
    },
    close,
  };
}
