/** A generation that has lost a member: what becomes of what is under way, and whom it asks. */
import { describe, expect, it } from 'vitest';
import { MemberLost } from '../../../../src/coordinator/generation/member-lost.ts';
import type { Extent } from '../../../../src/coordinator/generation/requests.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { contribution, number, playGeneration, vote, wholeState } from './members.ts';

const shares = [1, 1, 1, 1];

/** Step 6 is committed. Four members are in step 7 when rank 1 is lost. */
function loseOne() {
  const played = playGeneration(4);
  const { generation } = played;
  generation.assign(6, 0, { from: 0, to: 32 }, shares);
  generation.commit(6);
  generation.assign(7, 0, { from: 0, to: 32 }, shares);
  const votes = generation.votes(7);
  votes.catch(() => {});
  played.contributeAll(7, 0);
  expect(played.say(0, vote(7))).toBeUndefined();
  generation.lose('p1', new MemberLost('rank 1 is lost'));
  played.sent();
  return { ...played, votes };
}

/** The whole state of the first survivor, and the checksum of the others. */
const whole = (request: number, step = 7) => wholeState(request, nothingUsed, step);
const checksum = (request: number, step = 7) => {
  const { parametersChecksum } = whole(request).body;
  return {
    type: 'state',
    request,
    parametersChecksum,
    usage: nothingUsed,
    applied: { step, generation: number },
  } as const;
};

/** By place among the survivors, whose ranks are 0, 2 and 3. */
const extentOf = (place: number): Extent => (['state', 'checksum', 'parameters'] as const)[place] ?? 'checksum';

const late = (reason: string) => ({ kind: 'stale', reason });

describe('a generation that lost a member', () => {
  it('asks no member that has not been given the state yet, and has it drop what is under way all the same', async () => {
    const { generation, sent, say } = playGeneration(3);
    generation
      .restore(
        { parameters: new Float32Array(3), optimizer: { iterations: 1, slots: [] } },
        { step: 7, generation: 1 },
        [...generation.members.slice(0, 2)],
      )
      .catch(() => {});
    say(0, { type: 'restored', request: 1, parametersChecksum: 1, usage: nothingUsed });
    generation.lose('p2', new MemberLost('rank 2 is lost'));
    sent();
    expect(generation.holders(7).map(({ rank }) => rank)).toEqual([0]);
    const { members, reportState } = generation.abort(7);
    reportState(() => 'state').catch(() => {});
    expect(members.map(({ rank }) => rank)).toEqual([0]);
    expect(sent().map(({ to, body }) => [to, body.type])).toEqual([
      [0, 'abort'],
      [1, 'abort'],
      [0, 'report-state'],
    ]);
    generation.lose('p0', new MemberLost('rank 0 too'));
    expect(generation.holders(7)).toEqual([]);
  });

  it('tells the others once to drop the step, and asks only them, by their place among those that are left', async () => {
    const { generation, sent, say } = loseOne();
    const { members, reportState } = generation.abort(7);
    expect([...generation.activities().values()].map(({ activity }) => activity)).toEqual(Array(4).fill('idle'));
    expect(sent().map(({ to, body }) => [to, body])).toEqual(
      [0, 2, 3].map((rank) => [rank, { type: 'abort', generation: number }]),
    );
    expect(members.map(({ rank }) => rank)).toEqual([0, 2, 3]);
    const states = reportState(extentOf);
    expect(sent().map(({ to, body }) => [to, body.type === 'report-state' && body.extent])).toEqual([
      [0, 'state'],
      [2, 'checksum'],
      [3, 'parameters'],
    ]);
    expect(say(3, checksum(1), [[1, 2, 3]])).toBeUndefined();
    expect(say(0, whole(1).body, whole(1).tensors)).toBeUndefined();
    expect(say(2, checksum(1))).toBeUndefined();
    expect(await outcomeOf(states)).toMatchObject({ value: [{}, {}, {}] });
  });

  it('finds what was on its way late, blames nobody for it, and makes nothing of it', async () => {
    const { generation, sent, say, votes } = loseOne();
    const evaluating = generation.evaluate('test', { from: 0, to: 8 }, shares);
    evaluating.catch(() => {});
    generation.abort(7);
    sent();
    expect(say(2, contribution(7, 0), [[1, 2]])).toEqual(late('a contribution for step 8, which is not under way'));
    expect(say(2, vote(7))).toEqual(late('a vote for step 8, which is not under way'));
    const figures = { samples: 2, lossSum: 1, correct: 1, usage: nothingUsed };
    expect(say(2, { type: 'evaluated', request: 1, ...figures })).toEqual(
      late("'evaluated' to request 1, which is answered"),
    );
    expect(sent()).toEqual([]);
    expect(await outcomeOf(votes)).toEqual({ error: 'rank 1 is lost' });
    // Whoever answers what was never asked is blamed all the same.
    expect(say(2, checksum(9))).toMatchObject({ kind: 'wrong' });
    expect(say(2, contribution(8, 0), [[1, 2]])).toMatchObject({ kind: 'wrong' });
  });

  it('blames nobody for what comes before the step is aborted', async () => {
    const { generation, say, votes } = loseOne();
    const figures = { samples: 2, lossSum: 1, correct: 1, usage: nothingUsed };
    // Asked for when the loss is known, and by somebody who does not know of it yet.
    generation.evaluate('test', { from: 0, to: 8 }, shares).catch(() => {});
    await Promise.resolve();
    expect(say(2, { type: 'evaluated', request: 1, ...figures })).toEqual(
      late("'evaluated' to request 1, which was cut off"),
    );
    // The step is still open: its parts are taken as before, and nobody waits for them.
    expect(say(2, contribution(7, 0), [[1, 1]])).toBeUndefined();
    expect(say(2, contribution(7, 1), [[1]])).toBeUndefined();
    expect(say(2, vote(7))).toBeUndefined();
    expect(await outcomeOf(votes)).toEqual({ error: 'rank 1 is lost' });
  });

  it.each([
    ['behind', 6, 'applied must be step 7 of generation 3, got step 6 of generation 3'],
    ['ahead', 8, 'applied must be step 7 of generation 3, got step 8 of generation 3'],
  ])('blames a survivor that is one step %s, though its parameters are the same', async (_, step, reason) => {
    const { generation, say } = loseOne();
    const states = generation.abort(7).reportState(extentOf);
    expect(say(2, checksum(1, step))).toMatchObject({ kind: 'wrong', reason: expect.stringContaining(reason) });
    expect(await outcomeOf(states)).toBe('pending');
  });

  it('and loses another while it asks, asks those that remain, who keep their deadline', async () => {
    const { generation, sent, say, time } = loseOne();
    const since = (rank: number) => generation.activities().get(`p${rank}`);
    const states = generation.abort(7).reportState(extentOf);
    const asked = time.clock.now();
    say(2, checksum(1));
    time.advance(1000);
    generation.lose('p1', new MemberLost('rank 1 again'));
    expect(await outcomeOf(states)).toBe('pending');
    generation.lose('p0', new MemberLost('rank 0 too'));
    await expect(states).rejects.toMatchObject({ code: 'quorum-lost', message: 'one more member was lost' });
    expect(generation.lostCount()).toBe(2);
    sent();
    const { members, reportState } = generation.abort(7);
    const again = reportState(extentOf);
    expect(members.map(({ rank }) => rank)).toEqual([2, 3]);
    expect(sent().map(({ to, body }) => [to, body.type])).toEqual([
      [2, 'report-state'],
      [3, 'report-state'],
    ]);
    expect([since(2), since(3)]).toEqual([
      { activity: 'checkpoint', since: asked + 1 },
      { activity: 'checkpoint', since: asked },
    ]);
    // The answer to the first question is overtaken by the second.
    expect(say(3, checksum(1))).toEqual(late("'state' to request 1, which is answered"));
    expect(await outcomeOf(again)).toBe('pending');
    expect(say(2, whole(2).body, whole(2).tensors)).toBeUndefined();
    expect(say(3, checksum(2))).toBeUndefined();
    expect(await outcomeOf(again)).toMatchObject({ value: [{}, {}] });
  });
});
