/** What a generation tells its members, and what it makes of what they answer. */
import { describe, expect, it } from 'vitest';
import type { Usage } from '../../../../src/shared/protocol/messages.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { buckets, contribution, memberOf, number, playGeneration, toAll, used, vote } from './members.ts';

const step = (index: number) => ({ generation: number, step: index, attempt: 0 });
const batch = { from: 0, to: 16 };

describe('a generation', () => {
  it('begins with a word to every rank of its place in it', () => {
    const { sent, generation } = playGeneration(3);
    expect(sent()).toEqual(
      [0, 1, 2].map((to) => ({
        to,
        body: { type: 'quorum', generation: number, rank: to, worldSize: 3, allReduce: 'star' },
        tensors: [],
      })),
    );
    expect(generation.members).toEqual([0, 1, 2].map((rank) => memberOf(rank)));
    expect(generation.parameterCount).toBe(3);
  });

  it.each([
    [true, true],
    [false, undefined],
    [undefined, undefined],
  ])('tells its members to skip what is not finite only where the run does: %s', (skipNonfinite, told) => {
    const { sent } = playGeneration(2, { skipNonfinite });
    expect(sent().map(({ body }) => body.type === 'quorum' && body.skipNonfinite)).toEqual([told, told]);
  });

  it('cuts each batch by the weights, sends every rank its part, and says which', () => {
    const { sent, generation } = playGeneration(3);
    sent();
    const assigned = generation.assign(5, 2, { from: 32, to: 48 }, [8, 6, 2]);
    const shares = [
      [32, 40],
      [40, 46],
      [46, 48],
    ];
    expect(assigned).toEqual(shares.map(([from, to]) => ({ from, to })));
    expect(sent()).toEqual(
      shares.map(([from, to], rank) => ({
        to: rank,
        body: { type: 'assign', ...step(5), epoch: 2, from, to, globalBatch: 16 },
        tensors: [],
      })),
    );
  });

  it('commits a step when every rank has voted, with the votes in rank order', async () => {
    const { sent, generation, say, contributeAll } = playGeneration(2);
    generation.assign(0, 0, batch, [1, 1]);
    sent();
    const votes = generation.votes(0);
    contributeAll(0, 0, 1);
    expect(say(1, vote(0, { lossSum: 1 }))).toBeUndefined();
    expect(await outcomeOf(votes)).toBe('pending');
    expect(say(0, vote(0, { lossSum: 2 }))).toBeUndefined();
    expect(await outcomeOf(votes)).toMatchObject({ value: [{ lossSum: 2 }, { lossSum: 1 }] });
    expect(sent()).toEqual([]);
    generation.commit(0);
    expect(sent()).toEqual(toAll(2, { type: 'commit', ...step(0) }));
  });

  it('keeps the votes of steps that are assigned ahead apart', async () => {
    const { generation, say, contributeAll } = playGeneration(2);
    generation.assign(0, 0, batch, [1, 1]);
    generation.assign(1, 0, batch, [1, 1]);
    for (const step of [0, 1]) contributeAll(step, 0, 1);
    say(0, vote(1, { lossSum: 10 }));
    say(0, vote(0, { lossSum: 0 }));
    say(1, vote(0, { lossSum: 1 }));
    expect(await outcomeOf(generation.votes(0))).toMatchObject({ value: [{ lossSum: 0 }, { lossSum: 1 }] });
    expect(await outcomeOf(generation.votes(1))).toBe('pending');
    generation.commit(0);
    say(1, vote(1, { lossSum: 11 }));
    expect(await outcomeOf(generation.votes(1))).toMatchObject({ value: [{ lossSum: 10 }, { lossSum: 11 }] });
  });

  it('has votes only for steps that are assigned', async () => {
    const { generation } = playGeneration(1);
    const error = 'votes: step 0 was not assigned';
    expect(await outcomeOf(generation.votes(0))).toEqual({ error });
    generation.assign(0, 0, batch, [1]);
    expect(await outcomeOf(generation.votes(0))).toBe('pending');
    generation.commit(0);
    expect(await outcomeOf(generation.votes(0))).toEqual({ error });
  });

  it('adds up each bucket, and sends the sum to all, with how long each had waited', () => {
    const { sent, generation, say, time } = playGeneration(2);
    generation.assign(0, 0, batch, [1, 1]);
    sent();
    expect(say(1, contribution(0, 1), [[5]])).toBeUndefined();
    time.advance(250);
    expect(say(1, contribution(0, 0), [[1, 2]])).toBeUndefined();
    expect(sent()).toEqual([]);
    time.advance(500);
    expect(say(0, contribution(0, 0), [[10, 20]])).toBeUndefined();
    const reduced = (bucket: number, waited: number) => ({ type: 'reduced' as const, ...step(0), bucket, waited });
    expect(sent()).toEqual([
      { to: 0, body: reduced(0, 0), tensors: [[11, 22]] },
      { to: 1, body: reduced(0, 0.5), tensors: [[11, 22]] },
    ]);
    expect(say(0, contribution(0, 1), [[50]])).toBeUndefined();
    expect(sent()).toEqual([
      { to: 0, body: reduced(1, 0), tensors: [[55]] },
      { to: 1, body: reduced(1, 0.75), tensors: [[55]] },
    ]);
  });

  it('knows the norm of the mean gradient on steps on which replicas are compared, until the step is committed', () => {
    const { generation, say, contributeAll } = playGeneration(2);
    for (const index of [100, 101]) generation.assign(index, 0, batch, [1, 1]);
    expect(generation.gradientNorm(100)).toBeUndefined();
    const gradients = [
      [1, 2, 4],
      [2, -2, 8],
    ];
    gradients.forEach(([a = 0, b = 0, c = 0], rank) => {
      say(rank, contribution(100, 0), [[a, b]]);
      say(rank, contribution(100, 1), [[c]]);
    });
    // The sums are 3, 0 and 12.
    expect(generation.gradientNorm(100)).toBeCloseTo(Math.hypot(3, 0, 12) / 16, 9);
    contributeAll(101, 0, 1);
    expect(generation.gradientNorm(101)).toBeUndefined();
    generation.commit(100);
    expect(generation.gradientNorm(100)).toBeUndefined();
  });

  it('keeps nothing of a step that is committed', () => {
    const { generation, say } = playGeneration(2);
    for (const index of [0, 1]) {
      generation.assign(index, 0, batch, [1, 1]);
      for (const rank of [0, 1]) {
        for (const bucket of buckets.keys()) say(rank, contribution(index, bucket), [bucket === 0 ? [1, 2] : [3]]);
      }
      generation.commit(index);
      expect(say(0, contribution(index, 0), [[1, 2]])).toEqual({
        kind: 'stale',
        reason: `a contribution for step ${index + 1}, which is not under way`,
      });
    }
  });
});

it('a step that is assigned again begins from nothing', () => {
  const { sent, generation, say } = playGeneration(2);
  const contributeBoth = () => {
    generation.assign(0, 0, batch, [1, 1]);
    sent();
    for (const rank of [0, 1]) expect(say(rank, contribution(0, 1), [[5]])).toBeUndefined();
    expect(sent()).toMatchObject([{ tensors: [[10]] }, { tensors: [[10]] }]);
    expect(generation.gradientNorm(0)).toBe(10 / 16);
  };
  contributeBoth();
  generation.commit(0);
  contributeBoth();
});

it('a step that is assigned again has nothing left of what was not finite in it', () => {
  const { generation, say } = playGeneration(2, { skipNonfinite: true });
  const assign = () => generation.assign(1, 0, batch, [1, 1]);
  assign();
  say(1, contribution(1, 1), [[Number.NaN]]);
  expect(generation.nonFinite(1)).toBe(
    'worker w1 (rank 1): the gradient became NaN on positions 8 to 15 of epoch 1, in float 2',
  );
  generation.commit(1, true);
  assign();
  expect(generation.nonFinite(1)).toBeUndefined();
});

it('a step that is aborted leaves no norm of its gradient behind', () => {
  const { generation, say } = playGeneration(2);
  generation.assign(0, 0, batch, [1, 1]);
  for (const rank of [0, 1]) say(rank, contribution(0, 1), [[5]]);
  expect(generation.gradientNorm(0)).toBe(10 / 16);
  generation.abort(0);
  expect(generation.gradientNorm(0)).toBeUndefined();
});

describe('what the members of a generation do', () => {
  it('is idle, until a step or a request gives them something to do, each with its own clock', () => {
    const { generation, time, say, contributeAll } = playGeneration(2);
    const activities = () => [...generation.activities()].map(([peer, { activity, since }]) => [peer, activity, since]);
    const both = (activity: string, since: number) => ['p0', 'p1'].map((peer) => [peer, activity, since]);
    expect(activities()).toEqual(both('idle', 100));

    time.advance(1000);
    generation.assign(0, 0, batch, [1, 1]);
    expect(activities()).toEqual(both('compute', 101));

    // A step that is assigned ahead, gradients that leave, votes: the deadline stays that of the step.
    time.advance(1000);
    generation.assign(1, 0, batch, [1, 1]);
    expect(activities()).toEqual(both('compute', 101));
    contributeAll(0, 1);
    say(1, vote(0));
    expect(activities()).toEqual([
      ['p0', 'compute', 101],
      ['p1', 'wait', 101],
    ]);

    // The commit begins the next step for all, or nothing.
    time.advance(1000);
    generation.commit(0);
    expect(activities()).toEqual(both('compute', 103));
    time.advance(1000);
    generation.commit(1);
    expect(activities()).toEqual(both('idle', 104));

    time.advance(1000);
    generation.predict(3).catch(() => {});
    expect(activities()).toEqual([
      ['p0', 'predict', 105],
      ['p1', 'idle', 104],
    ]);
    time.advance(1000);
    say(0, { type: 'predicted', request: 1, usage: used(1, 1) }, [[1, 0, 1, 0, 1, 0]]);
    expect(activities()).toEqual([
      ['p0', 'idle', 106],
      ['p1', 'idle', 104],
    ]);

    generation.evaluate('test', { from: 0, to: 10 }, [1, 1]).catch(() => {});
    expect(activities()).toEqual(both('evaluate', 106));
    time.advance(1000);
    generation.reportState(() => 'checksum').catch(() => {});
    expect(activities()).toEqual(both('checkpoint', 107));
    time.advance(1000);
    generation
      .restore(
        { parameters: new Float32Array(3), optimizer: { iterations: 1, slots: [] } },
        { step: 1, generation: 1 },
        generation.members,
      )
      .catch(() => {});
    expect(activities()).toEqual(both('checkpoint', 108));
  });

  it('stays what it is when a late part of a gradient comes for a step ahead of it', () => {
    const { generation, say } = playGeneration(2);
    generation.assign(0, 0, batch, [1, 1]);
    generation.predict(3).catch(() => {});
    say(0, contribution(0, 1), [[5]]);
    expect(generation.activities().get('p0')?.activity).toBe('predict');
  });
});

describe('what members have used', () => {
  it('is told once, as what is new since it was last told, with the moment it was heard', () => {
    const { generation, time, say, contributeAll } = playGeneration(2);
    generation.assign(0, 0, batch, [1, 1]);
    contributeAll(0, 0, 1);
    expect(generation.takeSpent()).toEqual([]);
    time.advance(500);
    say(1, vote(0, { usage: used(2, 40, 80) }));
    time.advance(500);
    expect(generation.takeSpent()).toEqual([{ workerId: 'w1', at: 100.5, ...used(2, 40, 80) }]);
    expect(generation.takeSpent()).toEqual([]);

    say(0, vote(0, { usage: used(1, 10) }));
    generation.commit(0);
    generation.assign(1, 0, batch, [1, 1]);
    contributeAll(1, 1);
    say(1, vote(1, { usage: used(2.5, 50, 100) }));
    // Two reports before anybody asks are told as one.
    generation.evaluate('test', { from: 0, to: 2 }, [1, 1]).catch(() => {});
    time.advance(1000);
    say(1, { type: 'evaluated', request: 1, samples: 1, lossSum: 1, correct: 1, usage: used(4.5, 60, 110) });
    expect(generation.takeSpent()).toEqual([
      { workerId: 'w0', at: 101, ...used(1, 10) },
      { workerId: 'w1', at: 102, ...used(2.5, 20, 30) },
    ]);
    expect(generation.takeSpent()).toEqual([]);
  });
});

it('totals that fall are told as nothing new: what was told is never taken back', () => {
  const { generation, say } = playGeneration(1);
  for (const index of [0, 1, 2, 3]) generation.assign(index, 0, batch, [1]);
  const tell = (index: number, usage: Usage) => {
    say(0, vote(index, { samples: 16, usage }));
    return generation.takeSpent().map(({ seconds, bytes }) => ({ seconds, bytes }));
  };
  expect(tell(0, used(2, 40, 80))).toEqual([used(2, 40, 80)]);
  expect(tell(1, used(1, 30, 70))).toEqual([used(0, 0, 0)]);
  expect(tell(2, used(1.5, 60, 70))).toEqual([used(0, 20, 0)]);
  expect(tell(3, used(3, 50, 90))).toEqual([used(1, 0, 10)]);
});

describe('a generation that is aborted', () => {
  it('ends every wait at once, with the reason, and those that begin later too', async () => {
    const { generation, abort, sent } = playGeneration(2);
    generation.assign(0, 0, batch, [1, 1]);
    generation.assign(1, 0, batch, [1, 1]);
    const waits = (): readonly Promise<unknown>[] => [
      generation.votes(0),
      generation.votes(1),
      generation.evaluate('test', { from: 0, to: 10 }, [1, 1]),
      generation.reportState(() => 'state'),
      generation.predict(3),
    ];
    const outcomes = (begun: readonly Promise<unknown>[]) => Promise.all(begun.map((wait) => outcomeOf(wait)));
    const before = waits();
    expect(await outcomes(before)).toEqual(Array(5).fill('pending'));
    abort(new Error('worker w1 was lost'));
    const lost = { error: 'worker w1 was lost' };
    expect(await outcomes(before)).toEqual(Array(5).fill(lost));
    expect(await outcomes(waits())).toEqual(Array(5).fill(lost));
    generation.assign(2, 0, batch, [1, 1]);
    expect(await outcomeOf(generation.votes(2))).toEqual(lost);
    expect(sent().every(({ body }) => body.type !== 'commit')).toBe(true);
  });
});
