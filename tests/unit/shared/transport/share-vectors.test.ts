import { describe, expect, it } from 'vitest';
import { shareVectors, type Ways } from '../../../../src/shared/transport/share-vectors.ts';
import type { Problem, VectorWay, VectorWriter } from '../../../../src/shared/transport/vectors.ts';
import { createMemoryVectors } from '../../../support/memory-vectors.ts';
import { createNetworkVectors } from '../../../support/network-vectors.ts';
import { offerFrom, openFrom, patient } from '../../../support/opened-vectors.ts';

const attempt = { generation: 1, step: 4, attempt: 0 };
const publication = { attempt, figures: [0, 8, 1.5, 6, 1, 0.25] };

const memory = createMemoryVectors();
const network = createNetworkVectors()();
const both: Ways = { memory, network };
const closed = (problem: string): Problem => ({ problem });
const closedMemory: Ways['memory'] = {
  offer: async () => closed('/dev/shm has room for 0 bytes'),
  open: async () => closed('it is on another host'),
};
const closedNetwork: Ways['network'] = {
  offer: async () => closed('cannot listen on 10.0.0.1'),
  open: async () => closed('nobody answers on tcp://10.0.0.1:4000 for 3 s'),
};

async function publish(own: VectorWriter): Promise<void> {
  own.begin(0, attempt);
  own.write(0, 0, Float32Array.of(1.5, 2.5));
  own.publish(0, publication);
  await Promise.resolve();
}

describe('vectors that are shared', () => {
  it.each<[string, Ways, 'memory' | 'network']>([
    ['in memory, where they can be', both, 'memory'],
    ['over the network, where memory is another host', { memory: closedMemory, network }, 'network'],
  ])('are read %s', async (_, reading, way) => {
    const own = await offerFrom(shareVectors(both), 2);
    const peer = await openFrom(shareVectors(reading), own.offer, { floats: 2 });
    expect(peer.way).toBe(way);
    await publish(own);
    expect(peer.published(0)).toEqual(publication);
    const target = new Float32Array(2);
    peer.read(0, 0, target);
    expect([...target]).toEqual([1.5, 2.5]);
    own.begin(1, attempt);
    own.pass(1, 1, Float32Array.of(7));
    await Promise.resolve();
    expect([0, 1].map((from) => peer.holds({ slot: 1, from, to: from + 1 }, attempt))).toEqual([false, true]);
  });

  it('are offered by the way that is open', async () => {
    const far = await offerFrom(shareVectors({ memory: closedMemory, network }), 2);
    expect([far.offer.memory, far.offer.network?.addresses.length]).toEqual([undefined, 1]);
    const near = await offerFrom(shareVectors({ memory, network: closedNetwork }), 2);
    expect([near.offer.memory?.host, near.offer.network]).toEqual(['host', undefined]);
  });

  it('are not offered where no way is open, and all that is wrong is said', async () => {
    expect(await shareVectors({ memory: closedMemory, network: closedNetwork }).offer(2)).toEqual(
      closed('/dev/shm has room for 0 bytes; cannot listen on 10.0.0.1'),
    );
  });

  it('are not read where no way is open: what is said is why the last one is not', async () => {
    const { offer } = await offerFrom(shareVectors(both), 2);
    const neither = shareVectors({ memory: closedMemory, network: closedNetwork });
    expect(await openIn(neither, offer)).toEqual(closed('nobody answers on tcp://10.0.0.1:4000 for 3 s'));
    expect(await openIn(neither, { memory: offer.memory })).toEqual(closed('it is on another host'));
    expect(await openIn(shareVectors(both), {})).toEqual(closed('it offers none'));
  });

  it('are closed on both ways', async () => {
    const seen: string[] = [];
    const watch = <Offer>(way: VectorWay<Offer>, name: string): VectorWay<Offer> => ({
      ...way,
      async offer(floats) {
        const own = await offerFrom(way, floats);
        return { own: { ...own, close: () => seen.push(name) } };
      },
    });
    const own = await offerFrom(
      shareVectors({ memory: watch(memory, 'memory'), network: watch(network, 'network') }),
      2,
    );
    own.close();
    expect(seen.sort()).toEqual(['memory', 'network']);
  });
});

function openIn<Offer>(way: VectorWay<Offer>, offer: Offer) {
  return way.open(offer, { floats: 2, generation: 1, patience: patient, onPublished() {} });
}
