/** Where a rank of the mesh meets its limits: no vectors, no floats, more than are added up at a time, an end as it votes. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { GradientGone, type StepPart } from '../../../../../src/shared/collectives/collective.ts';
import { codecNamed } from '../../../../../src/shared/collectives/compression/codecs.ts';
import { createErrorFeedback } from '../../../../../src/shared/collectives/compression/error-feedback.ts';
import { createMeshRank } from '../../../../../src/shared/collectives/mesh/mesh-rank.ts';
import type { Attempt } from '../../../../../src/shared/protocol/messages.ts';
import { type PeerVectors, slotOf } from '../../../../../src/shared/transport/vectors.ts';
import { createMemoryVectors } from '../../../../support/memory-vectors.ts';
import { offerFrom, openFrom } from '../../../../support/opened-vectors.ts';
import { outcomeOf } from '../../../../support/outcome.ts';

const part: StepPart = { from: 32, to: 64, lossSum: 70.25, correct: 5, areFinite: true };
const attempt: Attempt = { generation: 2, step: 7, attempt: 1 };

/** A rank of two, with vectors of so many floats in one bucket; the test plays the other. */
async function openRank(floats: number, own = 1) {
  const sharing = createMemoryVectors();
  const [vectors, other] = [await offerFrom(sharing, floats), await offerFrom(sharing, floats)];
  let onPublished = () => {};
  const peer = await openFrom(sharing, other.offer, { floats, onPublished: () => onPublished() });
  const ending = new AbortController();
  /** Where each read of the other's vector ended. */
  const readTo: number[] = [];
  const read: typeof peer.read = (slot, from, target) => {
    readTo.push(from + target.length);
    peer.read(slot, from, target);
  };
  const rank = createMeshRank({
    rank: own,
    worldSize: 2,
    buckets: floats === 0 ? [] : [{ from: 0, to: floats }],
    sendToHub() {},
    exchange: {
      own: vectors,
      peers: [0, 1].map((place) => (place === own ? undefined : { ...peer, read })),
      listen(listener) {
        onPublished = listener;
      },
    },
    now: () => 0,
    signal: ending.signal,
  });
  return {
    rank,
    readTo,
    ending,
    publish(of: Attempt, values = new Float32Array(floats)) {
      const slot = slotOf(of.step);
      other.write(slot, 0, values);
      other.publish(slot, { attempt: of, figures: [0, 32, 1, 0, 1, 0.5] });
    },
  };
}

describe('a rank', () => {
  it('needs vectors that it can read', () => {
    const signal = new AbortController().signal;
    const options = { rank: 0, worldSize: 2, buckets: [], sendToHub() {}, now: () => 0, signal };
    expect(() => createMeshRank(options)).toThrow('createMeshRank: needs an exchange');
  });

  it('of a model without parameters waits for the others all the same', async () => {
    const { rank, publish } = await openRank(0);
    const reduced = rank.start(attempt, [new Float32Array(0)]).finish(part, () => {});
    expect(await outcomeOf(reduced)).toBe('pending');
    publish(attempt);
    expect((await reduced).sum).toHaveLength(0);
  });

  it('adds up more floats than it does at a time, and reads no further than they go', async () => {
    for (const [floats, own] of [
      [32_768, 0],
      [32_769, 0],
      [100_000, 0],
      [100_000, 1],
    ] as const) {
      const { rank, readTo, publish } = await openRank(floats, own);
      const ascending = (factor: number) => Float32Array.from({ length: floats }, (_, i) => factor * i);
      publish(attempt, ascending(1));
      const { sum } = await rank.start(attempt, [ascending(2)]).finish(part, () => {});
      expect(sum.every((value, i) => value === 3 * i)).toBe(true);
      expect(Math.max(...readTo)).toBe(floats);
    }
  });

  it('gives up where the generation ends as it votes, and takes what is complete even then', async () => {
    for (const isComplete of [false, true]) {
      const { rank, publish, ending } = await openRank(1);
      const vote = () => {
        if (isComplete) publish(attempt, Float32Array.of(10));
        ending.abort(new Error('a member was lost'));
      };
      const outcome = await outcomeOf(rank.start(attempt, [Float32Array.of(1)]).finish(part, vote));
      if (isComplete) expect(outcome).toMatchObject({ value: { sum: Float32Array.of(11) } });
      else expect(outcome).toEqual({ error: 'a member was lost' });
    }
  });

  it('does not listen for the end of the generation any more once it has waited', async () => {
    const { rank, publish, ending } = await openRank(1);
    const before = getEventListeners(ending.signal, 'abort').length;
    for (const step of [7, 8, 9]) {
      publish({ ...attempt, step });
      await rank.start({ ...attempt, step }, [new Float32Array(1)]).finish(part, () => {});
    }
    expect(getEventListeners(ending.signal, 'abort')).toHaveLength(before);
  });

  it.each([
    ['an earlier attempt at the step', { ...attempt, attempt: 0 }, 'pending'],
    ['an earlier step, attempted more often', { ...attempt, step: 5, attempt: 3 }, 'pending'],
    ['a later step of an earlier generation', { ...attempt, generation: 1, step: 9 }, 'pending'],
    ['a later attempt at the step', { ...attempt, attempt: 2 }, 'gone'],
    ['a later step, attempted less often', { ...attempt, step: 9, attempt: 0 }, 'gone'],
    ['an earlier step of a later generation', { ...attempt, generation: 3, step: 5 }, 'gone'],
  ])('knows from %s whether the part of another is still to come', async (_, published, expected) => {
    const { rank, publish } = await openRank(1);
    publish(published);
    const outcome = await outcomeOf(rank.start(attempt, [new Float32Array(1)]).finish(part, () => {}));
    const gone = { error: 'rank 0 has no gradient for step 8 to be read any more' };
    expect(outcome).toEqual(expected === 'gone' ? gone : 'pending');
  });
});

it.each<[string, readonly PeerVectors['way'][], number]>([
  ['memory alone, once for all', ['memory', 'memory', 'memory'], 1],
  ['the network alone, to each', ['network', 'network', 'network'], 3],
  ['both ways, once and to each', ['memory', 'network', 'network'], 3],
])('counts what it sends by %s', async (_, ways, copies) => {
  const peer = (way: PeerVectors['way']): PeerVectors => ({
    way,
    follow() {},
    holds: () => false,
    read: (_, __, target) => void target.fill(1),
    published: () => ({ attempt, figures: [0, 32, 1, 2, 1, 0.5] }),
    close() {},
  });
  const rank = createMeshRank({
    rank: 0,
    worldSize: 4,
    buckets: [{ from: 0, to: 5 }],
    sendToHub() {},
    exchange: {
      own: { begin() {}, write() {}, lend() {}, pass() {}, publish() {}, close() {} },
      peers: [undefined, ...ways.map(peer)],
      listen() {},
    },
    now: () => 0,
    signal: new AbortController().signal,
  });
  const { sum, bytes } = await rank.start(attempt, [new Float32Array(5).fill(2)]).finish(part, () => {});
  expect([...sum]).toEqual(Array(5).fill(5));
  expect(bytes).toEqual({ sent: copies * 20, received: 60 });
});

describe('a rank that compresses', () => {
  /** Buckets of two floats and one, of which one is sent: two words each. */
  async function openCompressed() {
    const buckets = [
      { from: 0, to: 2 },
      { from: 2, to: 3 },
    ];
    const codec = codecNamed('topk:49');
    if (codec === undefined) throw new Error('no codec');
    const feedback = createErrorFeedback(codec, buckets);
    const sharing = createMemoryVectors();
    const [own, other] = [await offerFrom(sharing, feedback.words), await offerFrom(sharing, feedback.words)];
    const peer = await openFrom(sharing, other.offer, { floats: feedback.words, onPublished() {} });
    let onRead = () => {};
    const read: typeof peer.read = (slot, from, target) => {
      peer.read(slot, from, target);
      onRead();
    };
    const signal = new AbortController().signal;
    const exchange = { own, peers: [{ ...peer, read }, undefined], listen() {} };
    const options = { rank: 1, worldSize: 2, buckets, feedback, sendToHub() {}, exchange, now: () => 0, signal };
    const show = (of: Attempt, ...words: readonly number[]) => {
      other.write(slotOf(of.step), 0, new Float32Array(Uint32Array.from(words).buffer));
      other.publish(slotOf(of.step), { attempt: of, figures: [0, 32, 1, 0, 1, 0.5] });
    };
    return {
      show,
      reduce: () =>
        createMeshRank(options)
          .start(attempt, [Float32Array.of(8, 1, 2)])
          .finish(part, () => {}),
      whenRead(act: () => void) {
        onRead = act;
      },
    };
  }

  const one = 0x3f80_0000;

  it('adds up what it and the others have sent, and tells how many bytes that was', async () => {
    const { show, reduce } = await openCompressed();
    show(attempt, 1, one, 0, one);
    const { sum, bytes } = await reduce();
    expect([...sum]).toEqual([8, 1, 3]);
    expect(bytes).toEqual({ sent: 16, received: 16 });
  });

  it('says whose words no codec wrote, and why', async () => {
    const { show, reduce } = await openCompressed();
    show(attempt, 1, one, 7, one);
    await expect(reduce()).rejects.toMatchObject({
      code: 'run-failed',
      message: 'step 8: rank 0 shows no gradient in bucket 1: place 0 must be from 0 to 0, got 7',
    });
  });

  it('takes words that make no sense because another attempt is written for a gradient that is gone', async () => {
    const { show, reduce, whenRead } = await openCompressed();
    show(attempt, 1, one, 7, one);
    whenRead(() => show({ ...attempt, step: attempt.step + 2 }, 1, one, 0, one));
    await expect(reduce()).rejects.toBeInstanceOf(GradientGone);
  });
});
