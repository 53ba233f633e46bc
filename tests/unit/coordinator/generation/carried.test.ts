/** A generation that follows another: what it knows of members that were in that one, and what it makes of late messages. */
import { describe, expect, it } from 'vitest';
import type { CarriedGeneration, Generation } from '../../../../src/coordinator/generation/generation.ts';
import { MemberLost } from '../../../../src/coordinator/generation/member-lost.ts';
import { parameterChecksum } from '../../../../src/shared/model/parameter-checksum.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { contribution, number, type PlayedGeneration, playGeneration, used, vote } from './members.ts';

const batch = { from: 0, to: 16 };
const late = (reason: string) => ({ kind: 'stale', reason });
const restored = { type: 'restored', parametersChecksum: parameterChecksum(Float32Array.of(1, 2, 3)) } as const;
const state = { parameters: Float32Array.of(1, 2, 3), optimizer: { iterations: 1, slots: [] } };
const report = (request: number, step: number | undefined) =>
  ({
    type: 'state',
    request,
    applied: step === undefined ? undefined : { step, generation: number },
    parametersChecksum: 5,
    usage: nothingUsed,
  }) as const;

/** Two ranks have applied step 6 and used 2 s each, of which nothing was told yet. */
function playBefore(): PlayedGeneration {
  const before = playGeneration(2);
  before.generation.assign(6, 0, batch, [1, 1]);
  before.contributeAll(6, 0, 1);
  for (const rank of [0, 1]) before.say(rank, vote(6, { usage: used(2, 40, 80) }));
  before.generation.commit(6);
  return before;
}

/** The generation after it, with a newcomer: peers p0, p1 and p2 are ranks 0, 1 and 2. */
function playAfter(before: CarriedGeneration): PlayedGeneration {
  const after = playGeneration(3, { before });
  after.sent();
  return after;
}

/** One in which a request to take over a state was under way to rank 1 when another member was lost. */
function playAbortedCopy() {
  const { generation, say } = playGeneration(3);
  generation.restore(state, { step: 7, generation: number }, [...generation.members].slice(1, 2)).catch(() => {});
  generation.lose('p2', new MemberLost('rank 2 is lost'));
  generation.abort(0);
  return { generation, say };
}

/** How many steps each rank's replica has seen. */
const stepsOf = (generation: Pick<Generation, 'applied'>) => generation.applied().map((state) => state?.step);

describe('what the next generation is told', () => {
  it('is what each member that is left has used and applied, and how many requests there were', () => {
    const { generation, say } = playBefore();
    generation.predict(1).catch(() => {});
    generation.lose('p0', new MemberLost('rank 0 is lost'));
    expect(generation.carry()).toEqual({
      requestCount: 1,
      members: new Map([
        [
          'p1',
          {
            usage: used(2, 40, 80),
            usageAt: 100,
            told: nothingUsed,
            applied: { step: 7, generation: number },
            offered: undefined,
            ahead: undefined,
            behind: undefined,
          },
        ],
      ]),
    });
    expect(say(1, vote(6))).toMatchObject({ kind: 'stale' });
  });

  it('is nothing of a replica that is as it was made', () => {
    const { generation } = playGeneration(2);
    expect([...generation.carry().members.values()].map(({ applied }) => applied)).toEqual([undefined, undefined]);
    expect(stepsOf(generation)).toEqual([undefined, undefined]);
    expect(generation.isAsMade()).toBe(true);
  });
});

describe('a generation that follows another', () => {
  it('knows what its members have applied, by their peers and not by their ranks, and nothing of a newcomer', () => {
    const { generation: before } = playBefore();
    before.lose('p0', new MemberLost('rank 0 is lost'));
    expect(stepsOf(playAfter(before.carry()).generation)).toEqual([undefined, 7, undefined]);
  });

  it('tells what was used before it only once, and what is used after it from there on', () => {
    const { generation: before } = playBefore();
    before.takeSpent();
    const { generation, say, contributeAll } = playAfter(before.carry());
    expect(generation.takeSpent()).toEqual([]);
    generation.assign(7, 0, { from: 16, to: 34 }, [1, 1, 1]);
    contributeAll(7, 0, 1, 2);
    say(0, vote(7, { samples: 6, usage: used(5, 50, 90) }));
    say(2, vote(7, { samples: 6, usage: used(1, 4, 4) }));
    expect(generation.takeSpent()).toEqual([
      { workerId: 'w0', at: 100, ...used(3, 10) },
      { workerId: 'w2', at: 100, ...used(1, 4) },
    ]);
  });

  it('tells what nobody asked for before it', () => {
    const { generation } = playAfter(playBefore().generation.carry());
    expect(generation.takeSpent()).toEqual([
      { workerId: 'w0', at: 100, ...used(2, 40, 80) },
      { workerId: 'w1', at: 100, ...used(2, 40, 80) },
    ]);
  });

  it('begins with members that do nothing, whatever they did before', () => {
    const { generation: before } = playBefore();
    before.predict(1).catch(() => {});
    const { generation } = playAfter(before.carry());
    expect([...generation.activities().values()].map(({ activity }) => activity)).toEqual(['idle', 'idle', 'idle']);
  });

  it('goes on counting requests: an answer to one of before is late, and not taken for its own', async () => {
    const { generation: before } = playBefore();
    before.predict(1).catch(() => {});
    const { generation, sent, say } = playAfter(before.carry());
    const predicting = generation.predict(1);
    expect(sent()).toMatchObject([{ to: 0, body: { type: 'predict', request: 2 } }]);
    const predicted = (request: number) => ({ type: 'predicted', request, usage: nothingUsed }) as const;
    expect(say(0, predicted(1), [[1, 0]])).toEqual(late("'predicted' to request 1, which is answered"));
    expect(await outcomeOf(predicting)).toBe('pending');
    expect(say(0, predicted(2), [[0, 1]])).toBeUndefined();
    expect(await outcomeOf(predicting)).toEqual({ value: Float32Array.of(0, 1) });
    expect(say(0, predicted(3), [[0, 1]])).toMatchObject({ kind: 'wrong' });
  });

  it('blames nobody for votes and gradients of before, and takes none of them for its own', async () => {
    const { generation, say, contributeAll } = playAfter(playBefore().generation.carry());
    generation.assign(7, 0, { from: 16, to: 34 }, [1, 1, 1]);
    const of = { generation: number - 1 };
    const reason = `generation ${number - 1}, this is ${number}`;
    expect(say(0, contribution(7, 0, of), [[9, 9]])).toEqual(late(`a contribution for ${reason}`));
    expect(say(0, vote(7, of))).toEqual(late(`a vote for ${reason}`));
    contributeAll(7, 0, 1, 2);
    expect(say(0, vote(7, { samples: 6 }))).toBeUndefined();
    expect(await outcomeOf(generation.votes(7))).toBe('pending');
    // Nobody can know of one that has not begun.
    expect(say(1, vote(7, { generation: number + 1 }))).toMatchObject({ kind: 'wrong' });
  });

  it('expects of each replica the step that it has, and of a newcomer none until it has taken over a state', async () => {
    const { generation, say } = playAfter(playBefore().generation.carry());
    generation.reportState(() => 'checksum').catch(() => {});
    expect(say(0, report(1, 7))).toBeUndefined();
    expect(say(1, report(1, 6))).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('must be step 7 of generation 3, got step 6'),
    });
    expect(say(2, report(1, undefined))).toBeUndefined();
    const copying = generation.restore(state, { step: 7, generation: number }, [...generation.members].slice(2));
    expect(stepsOf(generation)).toEqual([7, 7, undefined]);
    say(2, { ...restored, request: 2, usage: nothingUsed });
    expect(await outcomeOf(copying)).toEqual({ value: undefined });
    expect(stepsOf(generation)).toEqual([7, 7, 7]);
  });
});

describe('a replica that was sent a state when its generation ended', () => {
  it.each([
    ['has taken it over', 7],
    ['never came to it', undefined],
  ])('may be the one or the other, and says which: it %s', (_, step) => {
    const { generation, say } = playAfter(playAbortedCopy().generation.carry());
    expect(stepsOf(generation)).toEqual([undefined, undefined, undefined]);
    expect(generation.isAsMade()).toBe(false);
    generation.reportState(() => 'checksum').catch(() => {});
    expect(say(1, report(2, step))).toBeUndefined();
    expect(stepsOf(generation)).toEqual([undefined, step, undefined]);
    expect(generation.isAsMade()).toBe(step === undefined);
    // From then on it is known.
    generation.reportState(() => 'checksum').catch(() => {});
    const other = step === undefined ? 7 : undefined;
    expect(say(1, report(3, other))).toMatchObject({ kind: 'wrong' });
  });

  it('can have nothing else', () => {
    const { generation, say } = playAfter(playAbortedCopy().generation.carry());
    generation.reportState(() => 'checksum').catch(() => {});
    expect(say(1, report(2, 6))).toMatchObject({ kind: 'wrong' });
    // Who was sent none has none.
    expect(say(0, report(2, 7))).toMatchObject({ kind: 'wrong' });
  });

  it('blames nobody for the answer that comes late', () => {
    const { say } = playAfter(playAbortedCopy().generation.carry());
    expect(say(1, { ...restored, request: 1, usage: nothingUsed })).toEqual(
      late("'restored' to request 1, which is answered"),
    );
  });
});
