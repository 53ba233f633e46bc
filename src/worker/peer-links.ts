/** The gradients of the other ranks of a generation, as this worker reads them. */
import type { Exchange } from '../shared/collectives/collective.ts';
import { orAborted } from '../shared/core/or-aborted.ts';
import type { RankToRead } from '../shared/protocol/messages.ts';
import type { LinkPatience, PeerVectors, Problem, VectorSharing, VectorWriter } from '../shared/transport/vectors.ts';

/** What a worker offers others to read, and how it opens what they offer. */
export interface SharedVectors {
  readonly own: VectorWriter;
  readonly sharing: VectorSharing;
}

export interface PeerLinks {
  /**
   * @param ranks what each offers
   * @param signal ends the wait for a rank that does not answer
   * @returns why the vectors of some rank cannot be read, or how many are read over the network
   */
  open(ranks: readonly RankToRead[], signal: AbortSignal): Promise<Problem | { readonly overNetwork: number }>;
  /** Undefined until all are open. */
  exchange(): Exchange | undefined;
  /** May be called twice. */
  close(): void;
}

/** What a worker is in a generation, and what it reads there. */
export interface PeerLinksOptions {
  readonly rank: number;
  readonly generation: number;
  /** How long a gradient is, or its encoding. */
  readonly floats: number;
  readonly patience: LinkPatience;
}

export function createPeerLinks(
  vectors: SharedVectors | undefined,
  { rank, generation, floats, patience }: PeerLinksOptions,
): PeerLinks {
  let peers: readonly (PeerVectors | undefined)[] | undefined;
  let listener = () => {};

  function close(): void {
    listener = () => {};
    for (const peer of peers ?? []) peer?.close();
    peers = undefined;
  }

  return {
    async open(ranks, signal) {
      if (vectors === undefined) return { problem: 'this worker offers none itself' };
      close();
      const opened: (PeerVectors | undefined)[] = [];
      peers = opened;
      const reading = { floats, generation, patience, onPublished: () => listener() };
      for (const [other, { workerId, vectors: offer }] of ranks.entries()) {
        const opening = other === rank ? { peer: undefined } : vectors.sharing.open(offer, reading);
        const found = await orAborted(Promise.resolve(opening), signal, () => signal.reason).catch((error) => {
          // The process may still answer, when nobody needs it any more.
          void Promise.resolve(opening).then((late) => 'peer' in late && late.peer?.close());
          close();
          throw error;
        });
        if ('problem' in found) {
          close();
          return { problem: `those of ${workerId}: ${found.problem}` };
        }
        opened.push(found.peer);
      }
      return { overNetwork: opened.filter((peer) => peer?.way === 'network').length };
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
