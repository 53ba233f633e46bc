/** What the contract of collectives does not know of: which parts a rank shows and reads, and when. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { StepPart } from '../../../../../src/shared/collectives/collective.ts';
import { createTwoShotRank } from '../../../../../src/shared/collectives/mesh-two-shot/two-shot-rank.ts';
import type { Attempt } from '../../../../../src/shared/protocol/messages.ts';
import type { FollowedPart, PeerVectors, Publication } from '../../../../../src/shared/transport/vectors.ts';
import { outcomeOf } from '../../../../support/outcome.ts';
import { createVirtualTime } from '../../../../support/virtual-time.ts';

const [gradient, sums] = [0, 1];
const attempt: Attempt = { generation: 2, step: 7, attempt: 0 };
const part: StepPart = { from: 8, to: 16, lossSum: 1.5, correct: 3, areFinite: true };
const partOf = (other: number): StepPart => ({
  from: 8 * other,
  to: 8 * other + 8,
  lossSum: 2,
  correct: 1,
  areFinite: true,
});
const figuresOf = (other: number) => [8 * other, 8 * other + 8, 2, 1, 1, 3];

/** Another rank, as the test plays it. */
function createPeer(way: PeerVectors['way'], other: number) {
  const published = new Map<number, Publication>();
  let followed: readonly FollowedPart[] = [];
  let shown: readonly number[] = [];
  const vectors = [new Float32Array(7), new Float32Array(7)];
  let [isLate, onRead] = [false, (_: number) => {}];
  const vectorsOfPeer: PeerVectors = {
    way,
    follow(parts) {
      followed = parts;
    },
    holds: ({ slot, from }) => !isLate && slot === gradient && (published.has(gradient) || shown.includes(from)),
    read(slot, from, target) {
      target.set((vectors[slot] as Float32Array).subarray(from, from + target.length));
      onRead(slot);
    },
    published: (slot) => published.get(slot),
    close() {},
  };
  return {
    vectors: vectorsOfPeer,
    followed: () => followed,
    /** Pieces that begin there can be read, though its gradient is not complete. */
    show(values: readonly number[], ...from: readonly number[]) {
      vectors[gradient]?.set(values);
      shown = from;
    },
    publish(slot: number, values: readonly number[], of = attempt) {
      vectors[slot]?.set(values);
      published.set(slot, { attempt: of, figures: figuresOf(other) });
    },
    /** From now on, or no more, its parts are not there when they are looked for, and complete a moment later. */
    beLate(late: boolean) {
      isLate = late;
    },
    forgetWhenRead(slot: number) {
      onRead = (read) => {
        if (read === slot) published.delete(slot);
      };
    },
  };
}

/** Rank 1 of three. Of seven floats in buckets of four and three it owns 3 and 4, which are in one bucket each. */
function openRank(
  ways: readonly PeerVectors['way'][] = ['network', 'network'],
  buckets = [
    { from: 0, to: 4 },
    { from: 4, to: 7 },
  ],
) {
  const time = createVirtualTime();
  const [first, last] = [createPeer(ways[0] ?? 'memory', 0), createPeer(ways[1] ?? 'memory', 2)];
  const ending = new AbortController();
  const log: string[] = [];
  let listener = () => {};
  const rank = createTwoShotRank({
    rank: 1,
    worldSize: 3,
    buckets,
    sendToHub() {},
    exchange: {
      own: {
        begin: (slot) => log.push(`begin ${slot}`),
        write: (slot, from, values) => log.push(`write ${slot}: ${[...values]} at ${from}`),
        lend: (slot, from, values) => log.push(`lend ${slot}: ${[...values]} at ${from}`),
        pass: (slot, from, values) => log.push(`pass ${slot}: ${[...values]} at ${from}`),
        publish: (slot, { figures }) => log.push(`publish ${slot}: ${figures}`),
        close() {},
      },
      peers: [first.vectors, undefined, last.vectors],
      listen(next) {
        listener = next;
      },
    },
    now: time.clock.now,
    signal: ending.signal,
  });
  return { rank, first, last, ending, log, time, tell: () => listener(), taken: () => log.splice(0) };
}

const own = Float32Array.of(1, 2, 3, 4, 5, 6, 7);
const tens = own.map((value) => 10 * value);
const hundreds = own.map((value) => 100 * value);
/** Of 0 to 2, and of 5 and 6. */
const [sumsOfFirst, sumsOfLast] = [
  [111, 222, 333],
  [0, 0, 0, 0, 0, 666, 777],
];
const wholeSum = own.map((value) => 111 * value);

describe('a rank of the mesh in two stages', () => {
  it('needs vectors that it can read', () => {
    const { signal } = new AbortController();
    const options = { rank: 0, worldSize: 2, buckets: [], sendToHub() {}, now: () => 0, signal };
    expect(() => createTwoShotRank(options)).toThrow('createTwoShotRank: needs an exchange');
  });

  it('follows its own interval of gradients, and the others’ of sums, which arrive in their places', () => {
    const { first, last } = openRank(['network', 'memory']);
    expect(first.followed()).toEqual([
      { slot: gradient, from: 3, to: 5, place: new Float32Array(2) },
      { slot: sums, from: 0, to: 3, place: new Float32Array(3) },
    ]);
    expect(last.followed()).toEqual([
      { slot: gradient, from: 3, to: 5, place: undefined },
      { slot: sums, from: 5, to: 7, place: undefined },
    ]);
  });

  it('says whose gradient it waits for, or else whose sum, after an abort too, and no longer once it begins again', async () => {
    const { rank, first, ending, tell } = openRank();
    first.publish(gradient, [...tens]);
    const reduction = rank.start(attempt, [own]);
    // It still computes its own.
    expect(rank.awaited?.()).toEqual([]);
    const finished = reduction.finish(part, () => {});
    tell();
    expect(rank.awaited?.()).toEqual([2]);
    ending.abort(new Error('given up'));
    expect(await outcomeOf(finished)).toEqual({ error: 'given up' });
    expect(rank.awaited?.()).toEqual([2]);
    rank.start({ ...attempt, attempt: 1 }, [own]);
    expect(rank.awaited?.()).toEqual([]);

    const other = openRank();
    other.first.publish(gradient, [...tens]);
    other.last.publish(gradient, [...hundreds]);
    other.last.publish(sums, sumsOfLast);
    const summed = other.rank.start(attempt, [own]).finish(part, () => {});
    other.ending.abort(new Error('given up'));
    expect(await outcomeOf(summed)).toEqual({ error: 'given up' });
    expect(other.rank.awaited?.()).toEqual([0]);
  });

  it('gives up in order where another has gone on without it and a third is silent', async () => {
    const { rank, first, ending } = openRank();
    const finished = rank.start(attempt, [own]).finish(part, () => {});
    first.publish(sums, sumsOfFirst, { ...attempt, step: attempt.step + 1 });
    // An error that is thrown here ends the process.
    ending.abort(new Error('given up'));
    expect(await outcomeOf(finished)).toEqual({ error: 'given up' });
  });

  it('shows its gradient as it becomes final, but for what it owns, and publishes it before it votes', async () => {
    const { rank, log, taken } = openRank();
    const reduction = rank.start(attempt, [own]);
    reduction.ready(4, 7);
    expect(taken()).toEqual([`begin ${gradient}`, `write ${gradient}: 6,7 at 5`]);
    reduction.ready(1, 4);
    expect(taken()).toEqual([]);
    let before = '';
    reduction
      .finish(part, () => {
        before = log.join('; ');
      })
      .catch(() => {});
    expect(before).toBe(`write ${gradient}: 1,2,3 at 0; publish ${gradient}: 8,16,1.5,3,1,0`);
  });

  it('adds up each piece as soon as all show it, and shows the sum before their gradients are complete', () => {
    const { rank, first, last, taken, tell } = openRank();
    const reduction = rank.start(attempt, [own]);
    first.show([...tens], 3, 4);
    last.show([...hundreds], 4);
    tell();
    // Its own part of it is not final.
    expect(taken()).toEqual([`begin ${gradient}`]);
    reduction.ready(0, 7);
    taken();
    tell();
    expect(taken()).toEqual([`begin ${sums}`, `lend ${sums}: 555 at 4`]);
    last.show([...hundreds], 3, 4);
    tell();
    tell();
    expect(taken()).toEqual([`lend ${sums}: 444 at 3`]);
  });

  it.each<[string, readonly PeerVectors['way'][], { sent: number; received: number }]>([
    ['over the network', ['network', 'network'], { sent: 3 + 2 + 2 * 2, received: 2 * 2 + 5 }],
    ['in memory', ['memory', 'memory'], { sent: 7, received: 2 * 2 + 5 }],
    ['in memory and over the network', ['memory', 'network'], { sent: 7 + 2 + 2, received: 2 * 2 + 5 }],
  ])('has the sum once the others have shown theirs, %s, and tells what all came to', async (_, ways, floats) => {
    const { rank, first, last, time, taken, tell } = openRank(ways);
    const reduced = rank.start(attempt, [own]).finish(part, () => {});
    first.publish(gradient, [...tens]);
    tell();
    taken();
    time.advance(250);
    last.publish(gradient, [...hundreds]);
    tell();
    expect(taken()).toEqual([
      `begin ${sums}`,
      `lend ${sums}: 444 at 3`,
      `lend ${sums}: 555 at 4`,
      `publish ${sums}: 8,16,1.5,3,1,0`,
    ]);
    time.advance(500);
    first.publish(sums, sumsOfFirst);
    tell();
    expect(await outcomeOf(reduced)).toBe('pending');
    last.publish(sums, sumsOfLast);
    tell();
    const { sum, parts, waitSeconds, bytes } = await reduced;
    expect(sum).toEqual(wholeSum);
    expect(parts).toEqual([partOf(0), part, partOf(2)]);
    // What comes after all have computed is communication.
    expect(waitSeconds).toBe(0.25);
    expect(bytes).toEqual({ sent: 4 * floats.sent, received: 4 * floats.received });
  });

  it('adds in rank order: each partial sum is rounded', async () => {
    const { rank, first, last } = openRank();
    for (const slot of [gradient, sums]) {
      first.publish(slot, Array(7).fill(2 ** 25));
      last.publish(slot, Array(7).fill(-(2 ** 25)));
    }
    const { sum } = await rank.start(attempt, [own]).finish(part, () => {});
    // 2 ** 25 + 4 is a float32, and 2 ** 25 + 5 is between two, of which this is the even one.
    expect([...sum.subarray(3, 5)]).toEqual([4, 4]);
  });

  it('shows no sum before all gradients are complete, even where it owns nothing', async () => {
    const { rank, first, last, taken, tell } = openRank(undefined, [{ from: 0, to: 1 }]);
    const reduced = rank.start(attempt, [Float32Array.of(1)]).finish(part, () => {});
    first.publish(gradient, [10]);
    tell();
    expect(taken().join()).not.toContain(`begin ${sums}`);
    last.publish(gradient, [100]);
    tell();
    expect(taken()).toEqual([`begin ${sums}`, `publish ${sums}: 8,16,1.5,3,1,0`]);
    first.publish(sums, [111]);
    last.publish(sums, []);
    tell();
    expect([...(await reduced).sum]).toEqual([111]);
  });

  it('shows no sum before it has added up what became complete while it looked', async () => {
    const { rank, first, last, taken, tell } = openRank();
    void rank.start(attempt, [own]).finish(part, () => {});
    first.publish(gradient, [...tens]);
    last.beLate(true);
    last.publish(gradient, [...hundreds]);
    tell();
    expect(taken().join()).not.toContain(`publish ${sums}`);
    last.beLate(false);
    tell();
    expect(taken().at(-1)).toBe(`publish ${sums}: 8,16,1.5,3,1,0`);
  });

  it('has the sum although the generation ends, where all sums were there', async () => {
    const { rank, first, last, ending } = openRank();
    const reduced = rank.start(attempt, [own]).finish(part, () => {});
    for (const slot of [gradient, sums]) {
      first.publish(slot, slot === gradient ? [...tens] : sumsOfFirst);
      last.publish(slot, slot === gradient ? [...hundreds] : sumsOfLast);
    }
    expect(await outcomeOf(reduced)).toBe('pending');
    ending.abort(new Error('a member was lost'));
    expect((await reduced).sum).toEqual(wholeSum);
  });

  it.each([
    ['gradients', [gradient], []],
    ['sums', [gradient, sums], [gradient]],
  ])('gives up where the generation ends while %s are missing', async (_, ofFirst, ofLast) => {
    const { rank, first, last, ending, taken } = openRank();
    const reduced = rank.start(attempt, [own]).finish(part, () => {});
    for (const slot of ofFirst) first.publish(slot, [...tens]);
    for (const slot of ofLast) last.publish(slot, [...hundreds]);
    ending.abort(new Error('a member was lost'));
    await expect(reduced).rejects.toThrow('a member was lost');
    // Another one may only lack this sum.
    expect(taken().some((done) => done.startsWith(`publish ${sums}`))).toBe(ofLast.length > 0);
  });

  it('gives up where the generation ends as it votes', async () => {
    const { rank, ending } = openRank();
    const reduced = rank.start(attempt, [own]).finish(part, () => ending.abort(new Error('a member was lost')));
    await expect(reduced).rejects.toThrow('a member was lost');
  });

  it('does not listen for the end of the generation any more once it has waited', async () => {
    const { rank, first, last, ending } = openRank();
    for (const slot of [gradient, sums]) for (const peer of [first, last]) peer.publish(slot, []);
    await rank.start(attempt, [own]).finish(part, () => {});
    expect(getEventListeners(ending.signal, 'abort')).toHaveLength(0);
  });

  it.each([gradient, sums])('has no sum where another has gone on: a later attempt in slot %i', async (slot) => {
    const { rank, first, last, tell } = openRank();
    const reduced = rank.start(attempt, [own]).finish(part, () => {});
    for (const place of [gradient, sums]) for (const peer of [first, last]) peer.publish(place, []);
    last.publish(slot, [], { ...attempt, generation: 3, step: 6 });
    tell();
    await expect(reduced).rejects.toMatchObject({
      name: 'GradientGone',
      message: 'rank 2 has no gradient for step 8 to be read any more',
    });
  });

  it('takes the sums of a rank that has begun the next step: it needs its gradient no more', async () => {
    const { rank, first, last, tell } = openRank();
    const reduced = rank.start(attempt, [own]).finish(part, () => {});
    for (const peer of [first, last]) peer.publish(gradient, []);
    tell();
    first.publish(sums, sumsOfFirst);
    first.publish(gradient, [], { ...attempt, step: 8 });
    last.publish(sums, sumsOfLast);
    tell();
    expect([...(await reduced).sum.subarray(0, 3)]).toEqual(sumsOfFirst);
  });

  it.each([gradient, sums])('has no sum where another changes slot %i while it is read', async (slot) => {
    const { rank, first, last, taken, tell } = openRank(['memory', 'memory'], [{ from: 0, to: 7 }]);
    const reduced = rank.start(attempt, [own]).finish(part, () => {});
    // What it came to is known before it is read.
    for (const place of [gradient, sums]) last.publish(place, []);
    tell();
    last.forgetWhenRead(slot);
    for (const place of [gradient, sums]) first.publish(place, []);
    tell();
    await expect(reduced).rejects.toThrow('rank 2 has changed its gradient for step 8');
    expect(taken().some((done) => done.startsWith(`publish ${sums}`))).toBe(slot === sums);
  });

  it('leaves a step alone once it is done: the sum is being applied', async () => {
    const { rank, first, last, taken, tell } = openRank(['memory', 'memory']);
    const reduced = rank.start(attempt, [own]).finish(part, () => {});
    for (const slot of [gradient, sums]) for (const peer of [first, last]) peer.publish(slot, sumsOfFirst);
    tell();
    const { sum } = await reduced;
    taken();
    first.publish(sums, [0, 0, 0]);
    tell();
    expect([...sum.subarray(0, 3)]).toEqual(sumsOfFirst);
    expect(taken()).toEqual([]);
  });

  it('leaves a step alone once another is begun', async () => {
    const { rank, first, last, ending, taken } = openRank(['memory', 'memory']);
    const abandoned = rank.start(attempt, [own]).finish(part, () => {});
    rank.start({ ...attempt, attempt: 1 }, [own]);
    for (const peer of [first, last]) peer.publish(gradient, []);
    taken();
    ending.abort(new Error('a member was lost'));
    await expect(abandoned).rejects.toThrow('a member was lost');
    expect(taken()).toEqual([]);
  });
});
