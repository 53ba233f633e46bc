import { describe, expect, it } from 'vitest';
import { createDeferred } from '../../../src/shared/core/deferred.ts';
import { shareVectors } from '../../../src/shared/transport/share-vectors.ts';
import type { PeerVectors, ReadOptions, VectorSharing } from '../../../src/shared/transport/vectors.ts';
import { createPeerLinks } from '../../../src/worker/peer-links.ts';
import { createMemoryVectors } from '../../support/memory-vectors.ts';
import { createNetworkVectors } from '../../support/network-vectors.ts';
import { offerFrom } from '../../support/opened-vectors.ts';
import { outcomeOf } from '../../support/outcome.ts';

const never = new AbortController().signal;
const place = { rank: 0, generation: 7, floats: 4, patience: { reachMs: 300, answerMs: 2000 } };

type Opened = Awaited<ReturnType<VectorSharing['open']>>;

/**
 * Rank 0 of three.
 * @param change what it is told by the vectors of another rank, once they are open
 */
async function openLinks(
  change: (other: number, found: { peer: PeerVectors }) => Opened | Promise<Opened> = (_, it) => it,
) {
  const memory = shareVectors({ memory: createMemoryVectors(), network: createNetworkVectors()() });
  const offers = await Promise.all([0, 1, 2].map(() => offerFrom(memory, place.floats)));
  const [own] = offers;
  if (own === undefined) throw new Error('there are three');
  const closed: number[] = [];
  const asked: ReadOptions[] = [];
  const sharing: VectorSharing = {
    offer: memory.offer,
    async open(offer, options) {
      asked.push(options);
      const other = offers.findIndex((candidate) => candidate.offer === offer);
      const found = await memory.open(offer, options);
      if ('problem' in found) return found;
      return change(other, { peer: { ...found.peer, close: () => void closed.push(other) } });
    },
  };
  const ranks = offers.map(({ offer }, rank) => ({ workerId: `w${rank}`, vectors: offer }));
  return { links: createPeerLinks({ own, sharing }, place), ranks, closed, asked };
}

describe('the vectors of other ranks', () => {
  it('are opened for the generation but for the own ones, and closed once', async () => {
    const { links, ranks, closed, asked } = await openLinks();
    expect(links.exchange()).toBeUndefined();
    expect(await links.open(ranks, never)).toEqual({ overNetwork: 0 });
    expect(asked).toMatchObject(Array(2).fill({ floats: 4, generation: 7, patience: place.patience }));
    expect(links.exchange()?.peers.map((peer) => peer !== undefined)).toEqual([false, true, true]);
    links.close();
    links.close();
    expect(closed).toEqual([1, 2]);
    expect(links.exchange()).toBeUndefined();
  });

  it('are counted where they are read over the network', async () => {
    const { links, ranks } = await openLinks((other, { peer }) => ({
      peer: other === 2 ? { ...peer, way: 'network' } : peer,
    }));
    expect(await links.open(ranks, never)).toEqual({ overNetwork: 1 });
  });

  it('tell whoever listens last, until they are closed', async () => {
    const { links, ranks, asked } = await openLinks();
    await links.open(ranks, never);
    const heard: string[] = [];
    links.exchange()?.listen(() => heard.push('first'));
    links.exchange()?.listen(() => heard.push('second'));
    for (const { onPublished } of asked) onPublished();
    expect(heard).toEqual(['second', 'second']);
    links.close();
    for (const { onPublished } of asked) onPublished();
    expect(heard).toHaveLength(2);
  });

  it('are all closed where one cannot be read, which is named', async () => {
    const { links, ranks, closed } = await openLinks((other, found) =>
      other === 2 ? { problem: 'it is another file here' } : found,
    );
    expect(await links.open(ranks, never)).toEqual({ problem: 'those of w2: it is another file here' });
    expect(closed).toEqual([1]);
    expect(links.exchange()).toBeUndefined();
  });

  it('are not waited for once the generation is over, and closed when they come', async () => {
    const answer = createDeferred<void>();
    const { links, ranks, closed } = await openLinks(async (other, found) => {
      if (other === 2) await answer.promise;
      return found;
    });
    const ending = new AbortController();
    const opening = links.open(ranks, ending.signal);
    expect(await outcomeOf(opening)).toBe('pending');
    ending.abort(new Error('the generation lost a member'));
    await expect(opening).rejects.toThrow('the generation lost a member');
    expect([closed, links.exchange()]).toEqual([[1], undefined]);
    answer.resolve();
    await outcomeOf(opening);
    expect(closed).toEqual([1, 2]);
  });

  it('are not read by a worker that offers none', async () => {
    const { ranks } = await openLinks();
    expect(await createPeerLinks(undefined, place).open(ranks, never)).toEqual({
      problem: 'this worker offers none itself',
    });
  });
});
