/** States that are too long for one message: nine floats in chunks of one or two, of which four may be on their way. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { MemberLost } from '../../../../src/coordinator/generation/member-lost.ts';
import { parameterChecksum } from '../../../../src/shared/model/parameter-checksum.ts';
import { nothingUsed as usage } from '../../../support/nothing-used.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { playGeneration, wholeState } from './members.ts';

const parameters = [1, 2, 3];
const slots = [
  [4, 5, 6],
  [7, 8, 9],
];
const floats = [...parameters, ...slots.flat()];
const total = 9;
const stateChecksum = crc32(new Uint8Array(Float32Array.from(floats).buffer));
const parametersChecksum = parameterChecksum(Float32Array.from(parameters));
const applied = { step: 7, generation: 2 };
const refusedAs = (kind: 'wrong' | 'stale', reason: string | RegExp) => ({
  kind,
  reason: typeof reason === 'string' ? reason : expect.stringMatching(reason),
});

/** Some members, and what they may say of states. The first of them are the receivers of `copy`. */
function play(worldSize: number, chunkFloats = 1) {
  const played = playGeneration(worldSize, { chunkFloats });
  played.sent();
  const { say, generation, sent } = played;
  return {
    ...played,
    chunk: (rank: number, request: number, offset: number, values: readonly number[] = [floats[offset] ?? 0]) =>
      say(rank, { type: 'chunk', request, total, offset }, [values]),
    taken: (rank: number, request: number, offset: number) => say(rank, { type: 'taken', request, offset }),
    end: (rank: number, request: number, fields: object = {}) =>
      say(rank, { ...wholeState(request, usage).body, parametersChecksum, stateChecksum, ...fields }),
    restored: (rank: number, request: number, checksum = parametersChecksum) =>
      say(rank, { type: 'restored', request, usage, parametersChecksum: checksum }),
    /** What was sent since, as words. */
    said: () =>
      sent().map(({ to, body, tensors }) => {
        const { type, offset } = body as { type: string; offset?: number };
        return [to, type, offset, ...tensors.flat()].filter((word) => word !== undefined).join(' ');
      }),
    activities: () => [...generation.activities().values()].map(({ activity, since }) => `${activity} ${since}`),
  };
}

describe('a state that a member reports in chunks', () => {
  it('is put together, and each chunk is acknowledged', async () => {
    const { generation, chunk, end, said } = play(1);
    const reports = generation.reportState(() => 'state');
    for (let offset = 0; offset < total; offset++) {
      expect(chunk(0, 1, offset)).toBeUndefined();
      expect(said().at(-1)).toBe(`0 taken ${offset + 1}`);
    }
    expect(await outcomeOf(reports)).toBe('pending');
    expect(end(0, 1)).toBeUndefined();
    const [answer] = await reports;
    expect(answer?.tensors.map((tensor) => [...tensor])).toEqual([parameters, ...slots]);
  });

  it('gives the member its time for the next chunk with each of them', () => {
    const { generation, chunk, time, activities } = play(1);
    generation.reportState(() => 'state').catch(() => {});
    time.advance(5000);
    chunk(0, 1, 0);
    expect(activities()).toEqual(['checkpoint 105']);
  });

  it('gives it none with a chunk that is shorter than chunks are', () => {
    const { generation, chunk, time, activities, said } = play(1, 2);
    generation.reportState(() => 'state').catch(() => {});
    said();
    time.advance(5000);
    expect(chunk(0, 1, 0, [1])).toMatchObject(
      refusedAs('wrong', 'it sent a wrong chunk of request 1: it must have 2 floats, got 1'),
    );
    expect(activities()).toEqual(['checkpoint 100']);
    expect(said()).toEqual([]);
  });

  it('may be of the parameters alone', async () => {
    const { generation, say, end } = play(2);
    const reports = generation.reportState((place) => (place === 0 ? 'checksum' : 'parameters'));
    for (let offset = 0; offset < 3; offset++) {
      say(1, { type: 'chunk', request: 1, total: 3, offset }, [[offset + 1]]);
    }
    expect(end(1, 1, { stateChecksum: parametersChecksum })).toBeUndefined();
    say(0, { type: 'state', request: 1, usage, parametersChecksum });
    const answers = await reports;
    expect(answers.map(({ tensors }) => tensors.map((tensor) => [...tensor]))).toEqual([[], [parameters]]);
  });

  it('is dropped where its generation loses a member; what is still on its way is stale', async () => {
    const { generation, chunk, end, said } = play(2);
    const reports = generation.reportState((place) => (place === 0 ? 'state' : 'checksum'));
    chunk(0, 1, 0);
    generation.lose('p1', new MemberLost('w1 is gone'));
    await expect(reports).rejects.toThrow('w1 is gone');
    generation.abort(0);
    said();
    expect(chunk(0, 1, 1)).toEqual(refusedAs('stale', "'chunk' to request 1, which is answered"));
    expect(end(0, 1)).toEqual(refusedAs('stale', "'state' to request 1, which is answered"));
    expect(said()).toEqual([]);
  });

  it('may be asked of the survivors once more, and comes from its beginning', async () => {
    const { generation, chunk, end } = play(2);
    generation.reportState(() => 'state').catch(() => {});
    chunk(0, 1, 0);
    generation.lose('p1', new MemberLost('w1 is gone'));
    const reports = generation.abort(0).reportState(() => 'state');
    for (let offset = 0; offset < total; offset++) expect(chunk(0, 2, offset)).toBeUndefined();
    end(0, 2);
    expect((await reports)[0]?.tensors).toHaveLength(3);
  });
});

type Played = ReturnType<typeof play>;

/** What no member that does its part sends of a state that it was asked for, after its first chunk. */
const wrongChunks: readonly (readonly [string, (played: Played) => unknown, string | RegExp])[] = [
  ['a chunk twice', ({ chunk }) => chunk(0, 1, 0), 'it sent a wrong chunk of request 1: offset must be 1, got 0'],
  ['a chunk after a gap', ({ chunk }) => chunk(0, 1, 2), 'it sent a wrong chunk of request 1: offset must be 1, got 2'],
  [
    'another total',
    ({ say }) => say(0, { type: 'chunk', request: 1, total: 2 ** 50, offset: 1 }, [[1]]),
    /total must be 9, got 1125899906842624$/,
  ],
  ['a longer chunk', ({ chunk }) => chunk(0, 1, 1, [1, 1]), /it must have 1 floats, got 2$/],
  [
    'more than may be on its way',
    ({ chunk }) => chunk(0, 1, 1, [1, 1, 1, 1, 1]),
    /at most 4 floats may be on their way, got 5$/,
  ],
  ['a chunk of no number', ({ chunk }) => chunk(0, 1, 1, [Number.NaN]), /^the state of the model became NaN; try/],
  ['the end too early', ({ end }) => end(0, 1), /all 9 floats of the state must be here before, 1 are$/],
  [
    'a chunk of a state that was not asked for',
    ({ chunk }) => chunk(1, 1, 0),
    'it sent a wrong chunk of request 1: total must be 0, got 9',
  ],
  ['a chunk of no request', ({ chunk }) => chunk(0, 2, 0), "it sent 'chunk' to request 2: there is no such request"],
  [
    'that it took what nobody sent',
    ({ taken }) => taken(0, 1, 1),
    "it sent 'taken' to request 1: the answer must be 'state'",
  ],
];

describe('a member that sends', () => {
  it.each(wrongChunks)('%s is refused', (_, act, reason) => {
    const played = play(2);
    played.generation.reportState((place) => (place === 0 ? 'state' : 'checksum')).catch(() => {});
    played.chunk(0, 1, 0);
    expect(act(played)).toMatchObject(refusedAs('wrong', reason));
  });

  it.each([
    ['another checksum', { stateChecksum: 1 }, `stateChecksum must be ${stateChecksum}, got 1`],
    ['no checksum', { stateChecksum: undefined }, `stateChecksum must be ${stateChecksum}, got none`],
    [
      'another checksum of the parameters',
      { parametersChecksum: 1 },
      `parametersChecksum must be that of its parameters, ${parametersChecksum}, got 1`,
    ],
    ['no description of them', { state: undefined }, 'state must be there, got none'],
    ['another step', { applied: { step: 9, generation: 1 } }, 'applied must be left out, got step 9 of generation 1'],
  ])('all chunks and then %s is refused', async (_, fields, reason) => {
    const { generation, chunk, end } = play(1);
    const reports = generation.reportState(() => 'state');
    reports.catch(() => {});
    for (let offset = 0; offset < total; offset++) chunk(0, 1, offset);
    expect(end(0, 1, fields)).toMatchObject(refusedAs('wrong', `it sent a wrong 'state' to request 1: ${reason}`));
    expect(await outcomeOf(reports)).toBe('pending');
  });

  it('a checksum of chunks that never came is refused', () => {
    const { generation, say } = play(1);
    generation.reportState(() => 'state').catch(() => {});
    const { body, tensors } = wholeState(1, usage);
    expect(say(0, { ...body, stateChecksum: 1 }, tensors)).toMatchObject(
      refusedAs('wrong', "it sent a wrong 'state' to request 1: stateChecksum must be left out, got 1"),
    );
  });
});

describe('a state from memory', () => {
  const state = {
    parameters: Float32Array.from(parameters),
    optimizer: { iterations: 7, slots: slots.map((slot) => Float32Array.from(slot)) },
  };

  it('goes to each receiver at its own pace: a slow one holds up nobody', async () => {
    const { generation, said, taken, restored } = play(2);
    const restoring = generation.restore(state, applied, generation.members);
    const firstFour = [0, 1, 2, 3];
    expect(said()).toEqual([0, 1].flatMap((to) => firstFour.map((at) => `${to} chunk ${at} ${floats[at]}`)));
    for (let offset = 1; offset <= total; offset++) expect(taken(0, 1, offset)).toBeUndefined();
    expect(said()).toEqual([...[4, 5, 6, 7, 8].map((at) => `0 chunk ${at} ${floats[at]}`), '0 restore']);
    expect(restored(0, 1)).toBeUndefined();
    expect(await outcomeOf(restoring)).toBe('pending');
    for (let offset = 1; offset <= total; offset++) taken(1, 1, offset);
    expect(said()).toHaveLength(6);
    restored(1, 1);
    expect(await outcomeOf(restoring)).toEqual({ value: undefined });
    expect(generation.applied()).toEqual([applied, applied]);
  });

  it('counts as taken over by those only that have said so', () => {
    const { generation, taken } = play(1);
    generation.restore(state, applied, generation.members).catch(() => {});
    for (let offset = 1; offset < total; offset++) taken(0, 1, offset);
    expect(generation.isAsMade()).toBe(false);
    expect(generation.applied()).toEqual([undefined]);
  });

  it('keeps a receiver alive as long as it takes some of it', () => {
    const { generation, taken, time, activities } = play(1);
    generation.restore(state, applied, generation.members).catch(() => {});
    time.advance(3000);
    taken(0, 1, 1);
    expect(activities()).toEqual(['checkpoint 103']);
  });

  it('travels whole where it fits into one message', () => {
    const { generation, said } = play(1, 9);
    generation.restore(state, applied, generation.members).catch(() => {});
    expect(said()).toEqual([`0 restore ${floats.join(' ')}`]);
  });

  it.each([
    ['more than it was sent', 10],
    ['what it has taken already', 3],
    // Each would give it time for the next.
    ['half of a chunk', 5],
    ['two chunks at once', 9],
  ])('is not taken by one that says it took %s', (_, offset) => {
    const { generation, taken, time, activities } = play(1, 3);
    generation.restore(state, applied, generation.members).catch(() => {});
    expect(taken(0, 1, 3)).toBeUndefined();
    time.advance(1000);
    expect(taken(0, 1, offset)).toMatchObject(
      refusedAs('wrong', `it sent a wrong 'taken' of request 1: offset must be 6, got ${offset}`),
    );
    expect(activities()).toEqual(['checkpoint 100']);
  });

  it('is not taken any further by one that has all of it', () => {
    const { generation, taken } = play(1, 3);
    generation.restore(state, applied, generation.members).catch(() => {});
    for (const offset of [3, 6, 9]) expect(taken(0, 1, offset)).toBeUndefined();
    expect(taken(0, 1, 9)).toMatchObject(
      refusedAs('wrong', "it sent a wrong 'taken' of request 1: it has taken all that it was sent"),
    );
  });

  it('is not taken over before it was ordered', () => {
    const { generation, restored } = play(1);
    generation.restore(state, applied, generation.members).catch(() => {});
    expect(restored(0, 1)).toMatchObject(
      refusedAs('wrong', "it sent 'restored' to request 1: it has not been asked yet"),
    );
  });
});

describe('a copy from one member to others', () => {
  it('passes through in chunks, at the pace of the slowest receiver', async () => {
    const { generation, said, chunk, taken, end, restored } = play(3);
    const [a, b, donor] = generation.members;
    if (a === undefined || b === undefined || donor === undefined) throw new Error('three members');
    const copying = generation.copy(donor, applied, [a, b]);
    expect(said()).toEqual(['2 report-state']);
    for (const offset of [0, 1, 2, 3]) chunk(2, 2, offset);
    expect(said()).toEqual([0, 1, 2, 3].flatMap((at) => [0, 1].map((to) => `${to} chunk ${at} ${floats[at]}`)));
    // Nobody has taken anything, so that the donor may send no more.
    expect(chunk(2, 2, 4)).toMatchObject(refusedAs('wrong', /at most 4 floats may be on their way, got 5$/));
    for (const offset of [1, 2, 3]) taken(0, 1, offset);
    expect(said()).toEqual([]);
    taken(1, 1, 1);
    expect(said()).toEqual(['2 taken 1']);
    for (const offset of [2, 3, 4]) taken(1, 1, offset);
    taken(0, 1, 4);
    expect(said()).toEqual(['2 taken 2', '2 taken 3', '2 taken 4']);
    for (const offset of [4, 5, 6, 7]) chunk(2, 2, offset);
    for (const offset of [5, 6, 7, 8]) for (const rank of [0, 1]) taken(rank, 1, offset);
    chunk(2, 2, 8);
    said();
    expect(end(2, 2)).toBeUndefined();
    await outcomeOf(copying);
    expect(said()).toEqual(['0 restore', '1 restore']);
    // The donor has answered: nothing more is for it.
    for (const rank of [0, 1]) expect(taken(rank, 1, 9)).toBeUndefined();
    expect(said()).toEqual([]);
    for (const rank of [0, 1]) expect(restored(rank, 1)).toBeUndefined();
    expect(await outcomeOf(copying)).toEqual({ value: undefined });
    expect(generation.applied()).toEqual([applied, applied, undefined]);
  });

  it('of a short state travels in the messages themselves', async () => {
    const { generation, said, say, restored } = play(2, 9);
    const [receiver, donor] = generation.members;
    if (receiver === undefined || donor === undefined) throw new Error('two members');
    const copying = generation.copy(donor, applied, [receiver]);
    const { body, tensors } = wholeState(2, usage);
    say(1, body, tensors);
    await outcomeOf(copying);
    expect(said()).toEqual(['1 report-state', `0 restore ${tensors.flat().join(' ')}`]);
    restored(0, 1, body.parametersChecksum);
    expect(await outcomeOf(copying)).toEqual({ value: undefined });
  });

  it('blames whoever holds it up, and nobody who waits for that one', async () => {
    const { generation, chunk, taken, end, time, activities } = play(2);
    const [receiver, donor] = generation.members;
    if (receiver === undefined || donor === undefined) throw new Error('two members');
    generation.copy(donor, applied, [receiver]).catch(() => {});
    expect(activities()).toEqual(['wait 100', 'checkpoint 100']);
    time.advance(1000);
    chunk(1, 2, 0);
    expect(activities()).toEqual(['checkpoint 101', 'checkpoint 101']);
    time.advance(1000);
    taken(0, 1, 1);
    expect(activities()).toEqual(['wait 102', 'checkpoint 102']);
    time.advance(1000);
    for (const offset of [1, 2, 3, 4]) chunk(1, 2, offset);
    expect(activities()).toEqual(['checkpoint 103', 'wait 103']);
    time.advance(1000);
    for (const offset of [2, 3, 4, 5]) taken(0, 1, offset);
    expect(activities()).toEqual(['wait 104', 'checkpoint 104']);
    for (const offset of [5, 6, 7, 8]) chunk(1, 2, offset);
    end(1, 2);
    await Promise.resolve();
    time.advance(1000);
    for (const offset of [6, 7, 8, 9]) taken(0, 1, offset);
    await Promise.resolve();
    expect(activities()).toEqual(['checkpoint 105', 'idle 104']);
  });

  it.each([
    ['the donor', 'p1'],
    ['the receiver', 'p0'],
  ])('comes to nothing where %s is lost in the middle of it', async (_, peer) => {
    const { generation, chunk, taken, said } = play(2);
    const [receiver, donor] = generation.members;
    if (receiver === undefined || donor === undefined) throw new Error('two members');
    const copying = generation.copy(donor, applied, [receiver]);
    chunk(1, 2, 0);
    generation.lose(peer, new MemberLost('it is gone'));
    expect(await outcomeOf(copying)).toEqual({ error: 'it is gone' });
    generation.abort(7);
    said();
    expect(chunk(1, 2, 1)).toMatchObject(refusedAs('stale', /which is answered$/));
    expect(taken(0, 1, 1)).toMatchObject(refusedAs('stale', /which is answered$/));
    expect(said()).toEqual([]);
    expect(generation.applied()).toEqual([undefined, undefined]);
  });

  it('blames nobody for what comes right behind a loss, before anybody has seen that', async () => {
    const { generation, chunk, taken, end, restored, said } = play(3);
    const [receiver, donor] = generation.members;
    if (receiver === undefined || donor === undefined) throw new Error('three members');
    generation.copy(donor, applied, [receiver]).catch(() => {});
    chunk(1, 2, 0);
    generation.lose('p2', new MemberLost('w2 is gone'));
    // The wait has ended, and whoever waited has not gone on yet.
    await Promise.resolve();
    said();
    expect(chunk(1, 2, 1)).toEqual(refusedAs('stale', "'chunk' to request 2, which was cut off"));
    expect(taken(0, 1, 1)).toEqual(refusedAs('stale', "'taken' to request 1, which was cut off"));
    expect(end(1, 2)).toEqual(refusedAs('stale', "'state' to request 2, which was cut off"));
    expect(restored(0, 1)).toEqual(refusedAs('stale', "'restored' to request 1, which was cut off"));
    expect(said()).toEqual([]);
    // What was never asked for is wrong all the same.
    expect(chunk(1, 3, 1)).toMatchObject({ kind: 'wrong' });
    expect(taken(1, 2, 1)).toMatchObject({ kind: 'wrong' });
  });

  it('ends the run where a receiver did not take it over', async () => {
    const { generation, chunk, taken, end, restored } = play(2, 3);
    const [receiver, donor] = generation.members;
    if (receiver === undefined || donor === undefined) throw new Error('two members');
    const copying = generation.copy(donor, applied, [receiver]);
    for (const at of [0, 3, 6]) {
      chunk(1, 2, at, floats.slice(at, at + 3));
      taken(0, 1, at + 3);
    }
    end(1, 2);
    await outcomeOf(copying);
    restored(0, 1, 5);
    expect(await outcomeOf(copying)).toEqual({
      error: expect.stringMatching(/^worker w0 .* did not take over the parameters that it was sent$/),
    });
  });
});
