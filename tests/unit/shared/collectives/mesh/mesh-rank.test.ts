/** What the contract of collectives does not know of: the vectors that ranks read of each other. */
import { describe, expect, it } from 'vitest';
import type { StepPart } from '../../../../../src/shared/collectives/collective.ts';
import { createMeshRank } from '../../../../../src/shared/collectives/mesh/mesh-rank.ts';
import type { VectorsInMemory } from '../../../../../src/shared/protocol/messages.ts';
import type { PeerVectors, Publication, VectorWriter } from '../../../../../src/shared/transport/vectors.ts';
import { createMemoryVectors } from '../../../../support/memory-vectors.ts';
import { offerFrom, openFrom } from '../../../../support/opened-vectors.ts';
import { outcomeOf } from '../../../../support/outcome.ts';
import { createVirtualTime } from '../../../../support/virtual-time.ts';

const floats = 6;

/** Rank 1 of two; the test plays rank 0. */
async function openRank() {
  const time = createVirtualTime();
  const sharing = createMemoryVectors(undefined, (listener) => queueMicrotask(listener));
  let onPublished = () => {};
  const peerOf = ({ offer }: { readonly offer: VectorsInMemory }) =>
    openFrom(sharing, offer, { floats, onPublished: () => onPublished() });
  const [own, other] = [await offerFrom(sharing, floats), await offerFrom(sharing, floats)];
  const ending = new AbortController();
  const rank = createMeshRank({
    rank: 1,
    worldSize: 2,
    buckets: [
      { from: 0, to: 4 },
      { from: 4, to: floats },
    ],
    sendToHub() {},
    exchange: {
      own,
      peers: [await peerOf(other), undefined],
      listen(listener) {
        onPublished = listener;
      },
    },
    now: time.clock.now,
    signal: ending.signal,
  });
  return {
    time,
    rank,
    other,
    seen: await peerOf(own),
    /** Nothing is heard of what is published from now on. */
    deafen() {
      onPublished = () => {};
    },
    abort: (reason: Error) => ending.abort(reason),
  };
}

const attempt = { generation: 2, step: 7, attempt: 0 };
const slot = 1;
const part: StepPart = { from: 32, to: 64, lossSum: 70.25, correct: 5, areFinite: true };
const otherPart: StepPart = { from: 0, to: 32, lossSum: Number.NaN, correct: 0, areFinite: false };
const otherFigures = [0, 32, Number.NaN, 0, 0, 0.5];

function readAll(peer: PeerVectors): number[] {
  const target = new Float32Array(floats);
  peer.read(slot, 0, target);
  return [...target];
}

function publish(other: VectorWriter, of: Publication['attempt'] = attempt): void {
  other.write(slot, 0, Float32Array.of(10, 20, 30, 40, 50, 60));
  other.publish(slot, { attempt: of, figures: otherFigures });
}

describe('a rank', () => {
  it('says whose gradient it waits for, after an abort too, and no longer once it begins again', async () => {
    const { rank, abort } = await openRank();
    const reduction = rank.start(attempt, [new Float32Array(floats)]);
    // It still computes its own.
    expect(rank.awaited?.()).toEqual([]);
    const finished = outcomeOf(reduction.finish(part, () => {}));
    expect(rank.awaited?.()).toEqual([0]);
    abort(new Error('given up'));
    await finished;
    expect(rank.awaited?.()).toEqual([0]);
    rank.start({ ...attempt, attempt: 1 }, [new Float32Array(floats)]);
    expect(rank.awaited?.()).toEqual([]);
  });

  it('waited for nobody whose gradient was there', async () => {
    const { rank, other, abort, deafen } = await openRank();
    deafen();
    const finished = outcomeOf(rank.start(attempt, [new Float32Array(floats)]).finish(part, () => {}));
    publish(other);
    abort(new Error('given up'));
    await finished;
    expect(rank.awaited?.()).toEqual([]);
  });

  it('leaves a bucket to be read as soon as it is final, and publishes all with its figures before it votes', async () => {
    const { rank, seen, time } = await openRank();
    const log: string[] = [];
    const reduction = rank.start(attempt, [Float32Array.of(1, 2, 3, 4, 5, 6)]);
    reduction.ready(4, 6);
    expect(readAll(seen)).toEqual([0, 0, 0, 0, 5, 6]);
    reduction.ready(0, 3);
    expect(readAll(seen)).toEqual([0, 0, 0, 0, 5, 6]);
    expect(seen.published(slot)).toBeUndefined();
    time.advance(250);
    reduction.finish(part, () => log.push(readAll(seen).join())).catch(() => {});
    expect(log).toEqual(['1,2,3,4,5,6']);
    expect(seen.published(slot)).toEqual({ attempt, figures: [32, 64, 70.25, 5, 1, 0.25] });
  });

  it('adds up as soon as the other has published, which it waits for, and tells what both came to', async () => {
    const { rank, other, time } = await openRank();
    const reduced = rank.start(attempt, [Float32Array.of(1, 2, 3, 4, 5, 6)]).finish(part, () => {});
    expect(await outcomeOf(reduced)).toBe('pending');
    time.advance(250);
    publish(other);
    const { sum, parts, waitSeconds, bytes } = await reduced;
    expect([...sum]).toEqual([11, 22, 33, 44, 55, 66]);
    expect(parts).toEqual([otherPart, part]);
    expect([waitSeconds, bytes]).toEqual([0.25, { sent: 24, received: 24 }]);
  });

  it('does not wait for one that has published before, nor takes what belongs to an earlier attempt', async () => {
    for (const [earlier, expected] of [
      [attempt, 'done'],
      [{ ...attempt, step: 5 }, 'pending'],
      [{ ...attempt, generation: 1 }, 'pending'],
    ] as const) {
      const { rank, other } = await openRank();
      publish(other, earlier);
      const reduced = rank.start(attempt, [new Float32Array(floats)]).finish(part, () => {});
      const outcome = await outcomeOf(reduced.then(() => 'done'));
      expect(outcome).toEqual(expected === 'pending' ? expected : { value: expected });
    }
  });

  it('tells of its own vector that it changes while a new one is written over it', async () => {
    const { rank, seen } = await openRank();
    rank
      .start(attempt, [new Float32Array(floats)])
      .finish(part, () => {})
      .catch(() => {});
    expect(seen.published(slot)?.attempt).toEqual(attempt);
    rank.start({ ...attempt, step: 9 }, [new Float32Array(floats)]);
    expect(seen.published(slot)).toBeUndefined();
  });

  it('has the sum although the generation ends, where all had published: another may have applied it', async () => {
    const { rank, other, deafen, abort } = await openRank();
    const reduced = rank.start(attempt, [new Float32Array(floats)]).finish(part, () => {});
    deafen();
    publish(other);
    expect(await outcomeOf(reduced)).toBe('pending');
    abort(new Error('a member was lost'));
    expect([...(await reduced).sum]).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it('gives up where the generation ends before that', async () => {
    const { rank, abort } = await openRank();
    const reduced = rank.start(attempt, [new Float32Array(floats)]).finish(part, () => {});
    abort(new Error('a member was lost'));
    await expect(reduced).rejects.toThrow('a member was lost');
  });

  it.each([
    ['step', { ...attempt, step: 9 }],
    ['generation', { ...attempt, generation: 3 }],
    ['attempt', { ...attempt, attempt: 1 }],
  ])('has no sum where the other has gone on: another %s', async (_, later) => {
    const { rank, other } = await openRank();
    const reduced = rank.start(attempt, [new Float32Array(floats)]).finish(part, () => {});
    publish(other, later);
    await expect(reduced).rejects.toMatchObject({
      name: 'GradientGone',
      code: 'quorum-lost',
      message: 'rank 0 has no gradient for step 8 to be read any more',
    });
  });

  it('has no sum where the other changes its vector while it is read', async () => {
    const { rank, other } = await openRank();
    const vector = new Float32Array(floats);
    // Whoever looks at this one clears the other's slot, as if it had gone on at this moment.
    const watched = new Proxy(vector, {
      get(target, name) {
        if (name === 'subarray') other.begin(slot, { ...attempt, step: attempt.step + 2 });
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const reduction = rank.start(attempt, [watched]);
    reduction.ready(0, floats);
    publish(other);
    await expect(reduction.finish(part, () => {})).rejects.toThrow('rank 0 has changed its gradient for step 8');
  });
});
