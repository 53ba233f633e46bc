/** What the contract of collectives does not know of: what a rank of the ring shows and reads, and when. */
import { describe, expect, it } from 'vitest';
import type { StepPart } from '../../../../../src/shared/collectives/collective.ts';
import { createRingRank } from '../../../../../src/shared/collectives/ring/ring-rank.ts';
import { isSameAttempt } from '../../../../../src/shared/protocol/attempt.ts';
import type { Attempt } from '../../../../../src/shared/protocol/messages.ts';
import type { FollowedPart, PeerVectors, Publication } from '../../../../../src/shared/transport/vectors.ts';
import { outcomeOf } from '../../../../support/outcome.ts';
import { createVirtualTime } from '../../../../support/virtual-time.ts';

const [partial, sums] = [0, 1];
const attempt: Attempt = { generation: 2, step: 7, attempt: 0 };
const next: Attempt = { ...attempt, step: 8 };
const partOf = (rank: number): StepPart => {
  return { from: 8 * rank, to: 8 * rank + 8, lossSum: 1.5, correct: rank, areFinite: true };
};
/** The others, of whom this rank is 1, have computed for a second longer. */
const figuresOf = (rank: number) => [8 * rank, 8 * rank + 8, 1.5, rank, 1, rank === 1 ? 0 : 1];

const isIn = (part: FollowedPart, slot: number, from: number) =>
  part.slot === slot && part.from <= from && from < part.to;

/** Another rank, as the test plays it. What it shows is read from where it is followed, or copied from its own vectors. */
function createPeer(way: PeerVectors['way'], rank: number) {
  const vectors = [new Float32Array(6), new Float32Array(6)];
  const shown: Record<number, { of: Attempt; from: Set<number> } | undefined> = {};
  const published = new Map<number, Publication>();
  let followed: readonly FollowedPart[] = [];
  let onRead = () => {};
  const peer: PeerVectors = {
    way,
    follow(parts) {
      followed = parts;
    },
    holds({ slot, from, to }, of) {
      const { of: begun, from: floats } = shown[slot] ?? {};
      if (begun === undefined || !isSameAttempt(begun, of)) return false;
      return Array.from({ length: to - from }, (_, at) => floats?.has(from + at)).every(Boolean);
    },
    read(slot, from, target) {
      const { place, from: first = 0 } = followed.find((part) => isIn(part, slot, from)) ?? {};
      const at = place && place.byteOffset + 4 * (from - first);
      // What arrives where it is read is there.
      const isThere = place?.buffer === target.buffer && at === target.byteOffset;
      if (!isThere) target.set((vectors[slot] as Float32Array).subarray(from, from + target.length));
      onRead();
    },
    published: (slot) => published.get(slot),
    close() {},
  };
  return {
    peer,
    followed: () => followed,
    show(slot: number, from: number, values: readonly number[], of = attempt) {
      const before = shown[slot];
      const floats = before !== undefined && isSameAttempt(before.of, of) ? before.from : new Set<number>();
      for (const at of values.keys()) floats.add(from + at);
      shown[slot] = { of, from: floats };
      vectors[slot]?.set(values, from);
      for (const part of followed.filter((one) => isIn(one, slot, from))) {
        if (part.use?.(of, from, Float32Array.from(values)) !== true) part.place?.set(values, from - part.from);
      }
    },
    publish: (slot: number, of = attempt) => published.set(slot, { attempt: of, figures: figuresOf(rank) }),
    /** Its vectors are another attempt's while they are read. */
    goOnWhenRead() {
      onRead = () => {
        for (const slot of [partial, sums]) shown[slot] = undefined;
      };
    },
  };
}

/**
 * Rank 1 of three. Of six floats it begins 2 and 3, completes 4 and 5, and is the second to add to 0 and 1.
 * @param ways of ranks 0 and 2
 */
function openRank(ways: readonly [PeerVectors['way'], PeerVectors['way']] = ['network', 'network']) {
  const time = createVirtualTime();
  const [before, after] = [createPeer(ways[0], 0), createPeer(ways[1], 2)];
  const ending = new AbortController();
  const log: string[] = [];
  let listener = () => {};
  const rank = createRingRank({
    rank: 1,
    worldSize: 3,
    buckets: [{ from: 0, to: 6 }],
    sendToHub() {},
    exchange: {
      own: {
        begin: (slot, { step }) => log.push(`begin ${slot} of ${step}`),
        write: (slot) => log.push(`write ${slot}`),
        lend: (slot) => log.push(`lend ${slot}`),
        pass: (slot, from, values) => log.push(`pass ${slot}: ${[...values]} at ${from}`),
        publish: (slot, { figures, attempt: of }) => log.push(`publish ${slot} of ${of.step}: ${figures}`),
        close() {},
      },
      peers: [before.peer, undefined, after.peer],
      listen(heard) {
        listener = heard;
      },
    },
    now: time.clock.now,
    signal: ending.signal,
  });
  return { rank, before, after, ending, time, tell: () => listener(), taken: () => log.splice(0) };
}

type Opened = ReturnType<typeof openRank>;

const own = () => Float32Array.of(1, 2, 3, 4, 5, 6);

/** All that the others do in a step in which they have 10, 20, … and 100, 200, …. */
function others({ before, after, tell }: Opened, of = attempt): void {
  // Rank 0 begins 0 and 1, and has added to 4 and 5, which began at rank 2.
  before.show(partial, 0, [10, 20], of);
  before.show(partial, 4, [550, 660], of);
  before.publish(partial, of);
  after.publish(partial, of);
  tell();
  before.show(sums, 0, [111, 222], of);
  before.show(sums, 2, [333, 444], of);
  tell();
}

describe('a rank of the ring', () => {
  it('needs vectors that it can read', () => {
    const { signal } = new AbortController();
    const options = { rank: 0, worldSize: 2, buckets: [], sendToHub() {}, now: () => 0, signal };
    expect(() => createRingRank(options)).toThrow('createRingRank: needs an exchange');
  });

  it('follows the rank before it, but for what it begins and what it completes, and of others what they publish', () => {
    const { before, after } = openRank();
    expect(before.followed().map(({ slot, from, to, place }) => [slot, from, to, place?.length])).toEqual([
      [partial, 0, 2, 2],
      [partial, 4, 6, 2],
      [sums, 0, 4, 4],
    ]);
    expect(after.followed()).toEqual([partial, sums].map((slot) => ({ slot, from: 0, to: 0 })));
    const near = openRank(['memory', 'network']);
    expect(near.before.followed().map(({ place }) => place)).toEqual([undefined, undefined, undefined]);
  });

  it('keeps what comes over the network in no more memory than that needs, apart from the sum', async () => {
    const opened = openRank();
    const places = opened.before.followed().map(({ place }) => place as Float32Array);
    const reduced = opened.rank.start(attempt, [own()]).finish(partOf(1), () => {});
    others(opened);
    const { sum } = await reduced;
    const at = ({ byteOffset }: Float32Array) => byteOffset;
    expect(at(places[1] as Float32Array) - at(places[0] as Float32Array)).toBe(8);
    expect(places[2]?.byteOffset).toBe(sum.byteOffset);
  });

  it.each<[string, Parameters<typeof openRank>[0]]>([
    ['over the network', ['network', 'network']],
    ['in memory', ['memory', 'memory']],
    ['from memory to the network', ['memory', 'network']],
    ['from the network to memory', ['network', 'memory']],
  ])('passes on what it has added to, and then sums, %s', async (_, ways) => {
    const opened = openRank(ways);
    const { rank, before, after, tell, taken, time } = opened;
    const vector = own();
    const reduction = rank.start(attempt, [vector]);
    reduction.ready(2, 4);
    // What begins here leaves while the rest is computed.
    expect(taken()).toEqual([`begin ${partial} of 7`, `pass ${partial}: 3,4 at 2`]);
    before.show(partial, 0, [10, 20]);
    tell();
    expect(taken()).toEqual([]);
    const finished = reduction.finish(partOf(1), () => {});
    expect(taken()).toEqual([`pass ${partial}: 11,22 at 0`]);
    time.advance(250);
    before.show(partial, 4, [550, 660]);
    tell();
    // It completes what it is the last to add to, and has added to all that it passes on.
    expect(taken()).toEqual([
      `begin ${sums} of 7`,
      `pass ${sums}: 555,666 at 4`,
      `publish ${partial} of 7: ${figuresOf(1)}`,
    ]);
    time.advance(500);
    before.show(sums, 2, [333, 444]);
    tell();
    expect(taken()).toEqual([`pass ${sums}: 333,444 at 2`]);
    before.show(sums, 0, [111, 222]);
    before.publish(partial);
    tell();
    // Rank 2 has completed 0 and 1 itself.
    expect(taken()).toEqual([]);
    expect(await outcomeOf(finished)).toBe('pending');
    after.publish(partial);
    tell();
    expect(taken()).toEqual([`publish ${sums} of 7: ${figuresOf(1)}`]);
    const { sum, parts, waitSeconds, bytes } = await finished;
    expect([...sum]).toEqual([111, 222, 333, 444, 555, 666]);
    expect(parts).toEqual([0, 1, 2].map(partOf));
    expect(waitSeconds).toBe(0.25);
    expect(bytes).toEqual({ sent: 4 * (4 + 4), received: 4 * (4 + 4) });
    expect(vector).toEqual(own());
  });

  it('shows nothing of a step before all have the sums of the one before', async () => {
    const opened = openRank();
    const { rank, before, after, tell, taken } = opened;
    const reduced = rank.start(attempt, [own()]).finish(partOf(1), () => {});
    others(opened);
    await reduced;
    taken();
    rank.start(next, [own()]).ready(0, 6);
    before.publish(sums);
    tell();
    expect(taken()).toEqual([]);
    after.publish(sums);
    tell();
    expect(taken()).toEqual([`begin ${partial} of 8`, `pass ${partial}: 3,4 at 2`]);
  });

  it('adds to what comes over the network where it is, once the own gradient is final', () => {
    const { rank, before, taken } = openRank();
    const use = (values: readonly number[], of = attempt) =>
      before.followed()[1]?.use?.(of, 4, Float32Array.from(values));
    const reduction = rank.start(attempt, [own()]);
    reduction.ready(2, 4);
    taken();
    // Its own gradient is not final, it has not begun, or the piece is another one.
    expect([use([550, 660]), use([550, 660], next), use([550])]).toEqual([false, false, false]);
    reduction.ready(4, 6);
    expect(taken()).toEqual([]);
    expect(use([550, 660])).toBe(true);
    expect(taken()).toEqual([`begin ${sums} of 7`, `pass ${sums}: 555,666 at 4`]);
    expect(use([550, 660])).toBe(false);
  });

  it('adds to nothing any more that comes when the generation has ended', () => {
    const { rank, before, ending, taken } = openRank();
    rank.start(attempt, [own()]).ready(0, 6);
    taken();
    ending.abort(new Error('a member was lost'));
    expect(before.followed()[1]?.use?.(attempt, 4, Float32Array.of(550, 660))).toBe(false);
    expect(taken()).toEqual([]);
  });

  it('does not wait for sums of an attempt that came to nothing', () => {
    const { rank, taken } = openRank();
    rank.start(attempt, [own()]).ready(0, 6);
    taken();
    rank.start({ ...attempt, attempt: 1 }, [own()]).ready(0, 6);
    expect(taken()).toEqual([`begin ${partial} of 7`, `pass ${partial}: 3,4 at 2`]);
  });

  it('leaves a sum alone that is being applied, whatever comes of the next step', async () => {
    const opened = openRank();
    const { rank, before, tell, taken } = opened;
    const reduced = rank.start(attempt, [own()]).finish(partOf(1), () => {});
    others(opened);
    const { sum } = await reduced;
    taken();
    before.show(partial, 0, [7, 7], next);
    before.show(partial, 4, [7, 7], next);
    tell();
    expect([...sum]).toEqual([111, 222, 333, 444, 555, 666]);
    expect(taken()).toEqual([]);
  });

  it('adds in the order of the ring: each partial sum is rounded', () => {
    const { rank, before, tell, taken } = openRank();
    rank.start(attempt, [own()]).ready(0, 6);
    taken();
    before.show(partial, 4, [2 ** 25, -(2 ** 25)]);
    tell();
    // 2 ** 25 + 5 is between two float32, of which the one below is even.
    expect(taken()).toEqual([`begin ${sums} of 7`, `pass ${sums}: ${2 ** 25 + 4},${-(2 ** 25) + 6} at 4`]);
  });

  it.each([
    ['nothing has come', () => {}, [0]],
    ['only what begins at the rank before', ({ before }: Opened) => before.show(partial, 0, [10, 20]), [2]],
    [
      'no sums have come',
      ({ before }: Opened) => {
        before.show(partial, 0, [10, 20]);
        before.show(partial, 4, [550, 660]);
      },
      [0],
    ],
    [
      'the sum of the rank two before has not come',
      ({ before }: Opened) => {
        before.show(partial, 0, [10, 20]);
        before.show(partial, 4, [550, 660]);
        before.show(sums, 2, [333, 444]);
      },
      [2],
    ],
    [
      'one has not said what its samples came to',
      (opened: Opened) => {
        others(opened);
        opened.after.publish(partial, { ...attempt, step: 6 });
        opened.tell();
      },
      [2],
    ],
  ] as const)('says after an abort for whom it waited where %s', async (_, play, awaited) => {
    const opened = openRank();
    opened.after.publish(partial, { ...attempt, step: 6 });
    const played = { ...opened, after: { ...opened.after, publish: () => new Map() } };
    const finished = opened.rank.start(attempt, [own()]).finish(partOf(1), () => {});
    play(played);
    opened.tell();
    opened.ending.abort(new Error('given up'));
    expect(await outcomeOf(finished)).toEqual({ error: 'given up' });
    expect(opened.rank.awaited?.()).toEqual(awaited);
  });

  it('says for whom it waited where one did not say that it has the last sums', async () => {
    const opened = openRank();
    const reduced = opened.rank.start(attempt, [own()]).finish(partOf(1), () => {});
    others(opened);
    await reduced;
    opened.before.publish(sums);
    const finished = opened.rank.start(next, [own()]).finish(partOf(1), () => {});
    opened.ending.abort(new Error('given up'));
    expect(await outcomeOf(finished)).toEqual({ error: 'given up' });
    expect(opened.rank.awaited?.()).toEqual([2]);
  });

  it('has the sum although the generation ends, where all of it was there', async () => {
    const opened = openRank();
    const reduced = opened.rank.start(attempt, [own()]).finish(partOf(1), () => {});
    let told = 0;
    // It does not hear of the sums.
    others({ ...opened, tell: () => told++ === 0 && opened.tell() });
    expect(await outcomeOf(reduced)).toBe('pending');
    opened.ending.abort(new Error('a member was lost'));
    expect([...(await reduced).sum]).toEqual([111, 222, 333, 444, 555, 666]);
  });

  it.each([partial, sums])('has no sum where another has gone on: a later attempt in slot %i', async (slot) => {
    const opened = openRank();
    const reduced = opened.rank.start(attempt, [own()]).finish(partOf(1), () => {});
    others(opened);
    await reduced;
    const finished = opened.rank.start(next, [own()]).finish(partOf(1), () => {});
    for (const { publish } of [opened.before, opened.after]) publish(sums);
    const [later, peer] = [{ ...attempt, generation: 3 }, slot === sums ? opened.after : opened.before];
    peer.publish(slot, later);
    opened.tell();
    await expect(finished).rejects.toMatchObject({
      name: 'GradientGone',
      message: expect.stringMatching(/^rank \d has no gradient for step \d to be read any more$/),
    });
  });

  it.each([
    ['partial sum', partial],
    ['sum', sums],
  ])('passes no %s on that changed while it was read', async (_, slot) => {
    const { rank, before, tell, taken } = openRank(['memory', 'memory']);
    const reduced = rank.start(attempt, [own()]).finish(partOf(1), () => {});
    taken();
    before.show(slot, 0, [10, 20]);
    before.goOnWhenRead();
    tell();
    await expect(reduced).rejects.toThrow('rank 0 has changed its part of step 8 while it was read');
    expect(taken()).toEqual([]);
  });
});
