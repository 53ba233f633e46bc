import { describe, expect, it } from 'vitest';
import { createDeferred } from '../../../src/shared/core/deferred.ts';
import type { PeerVectors, VectorSharing } from '../../../src/shared/transport/shared-vectors.ts';
import { createPeerLinks } from '../../../src/worker/peer-links.ts';
import { createMemoryVectors } from '../../support/memory-vectors.ts';
import { offerFrom, openFrom } from '../../support/opened-vectors.ts';
import { outcomeOf } from '../../support/outcome.ts';

const never = new AbortController().signal;

/** Rank 0 of three. */
async function openLinks(open?: VectorSharing['open']) {
  const memory = createMemoryVectors();
  const closed: number[] = [];
  const sharing: VectorSharing = {
    offer: memory.offer,
    async open(offer, floats, onPublished) {
      const found = await (open ?? memory.open)(offer, floats, onPublished);
      if ('problem' in found) return found;
      return { peer: { ...found.peer, close: () => closed.push(offer.fd) } };
    },
  };
  const offers = await Promise.all([0, 1, 2].map(() => offerFrom(memory, 4)));
  const [own] = offers;
  if (own === undefined) throw new Error('there are three');
  const ranks = offers.map(({ offer }, rank) => ({ workerId: `w${rank}`, vectors: offer }));
  return { links: createPeerLinks({ own, sharing }, 0, 4), ranks, closed, memory };
}

describe('the vectors of other ranks', () => {
  it('are opened but for the own ones, and closed once', async () => {
    const { links, ranks, closed } = await openLinks();
    expect(links.exchange()).toBeUndefined();
    expect(await links.open(ranks, never)).toBeUndefined();
    expect(links.exchange()?.peers.map((peer) => peer !== undefined)).toEqual([false, true, true]);
    links.close();
    links.close();
    expect(closed).toEqual([1, 2]);
    expect(links.exchange()).toBeUndefined();
  });

  it('are all closed where one cannot be read, which is named', async () => {
    const memory = createMemoryVectors();
    const { links, ranks, closed } = await openLinks(async (offer, floats, onPublished) =>
      offer.fd === 2 ? { problem: 'it is another file here' } : memoryOf(memory, offer, floats, onPublished),
    );
    expect(await links.open(ranks, never)).toBe('those of w2: it is another file here');
    expect(closed).toEqual([1]);
    expect(links.exchange()).toBeUndefined();
  });

  it('are not waited for once the generation is over, and closed when they come', async () => {
    const answer = createDeferred<{ readonly peer: PeerVectors }>();
    const { links, ranks, closed, memory } = await openLinks(async (offer, floats, onPublished) =>
      offer.fd === 1 ? memory.open(offer, floats, onPublished) : answer.promise,
    );
    const ending = new AbortController();
    const opening = links.open(ranks, ending.signal);
    expect(await outcomeOf(opening)).toBe('pending');
    ending.abort(new Error('the generation lost a member'));
    await expect(opening).rejects.toThrow('the generation lost a member');
    expect([closed, links.exchange()]).toEqual([[1], undefined]);
    const [, , last] = ranks;
    if (last === undefined) throw new Error('there are three');
    answer.resolve({ peer: await openFrom(memory, last.vectors, 4) });
    await outcomeOf(opening);
    expect(closed).toEqual([1, 2]);
  });

  it('are not read by a worker that offers none', async () => {
    const { ranks } = await openLinks();
    expect(await createPeerLinks(undefined, 0, 4).open(ranks, never)).toBe('this worker offers none itself');
  });
});

/** The files of another memory: any will do. */
async function memoryOf(memory: VectorSharing, ...[, floats, onPublished]: Parameters<VectorSharing['open']>) {
  const offered = await memory.offer(floats);
  if ('problem' in offered) return offered;
  return memory.open(offered.own.offer, floats, onPublished);
}
