/** Members that send what they should not: it is refused by its exact reason, and changes nothing. */
import { expect, it } from 'vitest';
import type { MemberMessage } from '../../../../src/coordinator/generation/generation.ts';
import type { Body } from '../../../../src/shared/protocol/messages.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { contribution, number, type PlayedGeneration, playGeneration, used, vote } from './members.ts';

const batch = { from: 0, to: 16 };
/** By rank, then bucket. */
const gradients = [
  [[1, 2], [3]],
  [[10, 20], [30]],
] as const;

const evaluated = (request: number) =>
  ({ type: 'evaluated', request, samples: 1, lossSum: 1, correct: 1, usage: used(9, 9) }) as const;
const state = (request: number) => ({ type: 'state', request, parametersChecksum: 666, usage: used(9, 9) }) as const;
const predicted = (request: number) => ({ type: 'predicted', request, usage: used(9, 9) }) as const;
const restored = (request: number) =>
  ({ type: 'restored', request, parametersChecksum: 666, usage: used(9, 9) }) as const;
/** What a hostile vote would change, if it counted. */
const hostile = { samples: 666, lossSum: 666, correct: 666, usage: used(9, 9) };

/**
 * Step 0 is committed. Of step 1 rank 0 has handed in its first bucket and voted, rank 1 nothing. Request 1 is answered
 * by all; request 2, a prediction, waits for rank 0, and request 3, the states, for rank 0 as well: rank 1 has answered.
 */
async function reachTheMiddle() {
  const played = playGeneration(2);
  const { generation, say } = played;
  generation.assign(0, 0, batch, [1, 1]);
  for (const rank of [0, 1]) say(rank, vote(0));
  generation.commit(0);
  generation.reportState([]).catch(() => {});
  for (const rank of [0, 1]) say(rank, { type: 'state', request: 1, parametersChecksum: 1, usage: used(1, 1) });
  const predictions = generation.predict(1);
  const states = generation.reportState([]);
  say(1, { type: 'state', request: 3, parametersChecksum: 11, usage: used(1, 1) });
  generation.assign(1, 0, batch, [1, 1]);
  say(0, contribution(1, 0), [[...gradients[0][0]]]);
  say(0, vote(1, { lossSum: 0.5 }));
  generation.takeSpent();
  played.sent();
  return { ...played, predictions, states };
}

/** The rest of the step and of the requests, which come out as if nobody had disturbed them. */
async function finish({ generation, say, sent, predictions, states }: Awaited<ReturnType<typeof reachTheMiddle>>) {
  expect(say(0, contribution(1, 1), [[...gradients[0][1]]])).toBeUndefined();
  for (const bucket of [0, 1] as const) {
    expect(say(1, contribution(1, bucket), [[...gradients[1][bucket]]])).toBeUndefined();
  }
  const sums = sent().map(({ to, tensors }) => [to, ...tensors]);
  expect(sums).toEqual([
    [0, [11, 22]],
    [1, [11, 22]],
    [0, [33]],
    [1, [33]],
  ]);
  expect(await outcomeOf(generation.votes(1))).toBe('pending');
  expect(say(1, vote(1, { lossSum: 1.5 }))).toBeUndefined();
  expect(await outcomeOf(generation.votes(1))).toMatchObject({ value: [{ lossSum: 0.5 }, { lossSum: 1.5 }] });
  expect(await outcomeOf(predictions)).toBe('pending');
  expect(say(0, { type: 'predicted', request: 2, usage: used(2, 1) }, [[0.25]])).toBeUndefined();
  expect(await outcomeOf(predictions)).toEqual({ value: Float32Array.of(0.25) });
  expect(say(0, { type: 'state', request: 3, parametersChecksum: 10, usage: used(3, 1) })).toBeUndefined();
  expect(await outcomeOf(states)).toMatchObject({
    value: [{ message: { parametersChecksum: 10 } }, { message: { parametersChecksum: 11 } }],
  });
  generation.commit(1);
}

type Row = readonly [
  what: string,
  rank: number,
  body: Body<MemberMessage>,
  tensors: readonly (readonly number[])[],
  reason: string,
];

const rows: readonly Row[] = [
  ['a vote of another generation', 1, vote(1, { generation: 2 }), [], 'a vote for generation 2, this is 3'],
  ['a vote of a generation to come', 1, vote(1, { generation: 4 }), [], 'a vote for generation 4, this is 3'],
  ['a vote for another attempt', 1, vote(1, { attempt: 1 }), [], 'a vote for attempt 1 of step 1, which is at 0'],
  ['a vote for a step that is committed', 1, vote(0), [], 'a vote for step 0, which is not under way'],
  ['a vote for a step that is not assigned', 1, vote(2), [], 'a vote for step 2, which is not under way'],
  ['a second vote', 0, vote(1, hostile), [], 'a second vote of rank 0 for step 1'],
  ['a vote of a stranger', 2, vote(1, hostile), [], "'vote' from a worker that is no member of generation 3"],
  [
    'gradients of another generation',
    1,
    contribution(1, 0, { generation: 2 }),
    [[9, 9]],
    'a contribution to generation 2, this is 3',
  ],
  [
    'gradients of another attempt',
    1,
    contribution(1, 0, { attempt: 2 }),
    [[9, 9]],
    'a contribution to attempt 2 of step 1, which is at 0',
  ],
  [
    'gradients of a committed step',
    1,
    contribution(0, 0),
    [[9, 9]],
    'a contribution to step 0, which is not under way',
  ],
  [
    'gradients of a step that is not assigned',
    1,
    contribution(2, 0),
    [[9, 9]],
    'a contribution to step 2, which is not under way',
  ],
  ['a bucket that there is not', 1, contribution(1, 2), [[9]], 'bucket 2 of 2'],
  ['too many floats', 1, contribution(1, 0), [[9, 9, 9]], '3 floats for a bucket of 2'],
  ['too few floats', 1, contribution(1, 0), [[9]], '1 floats for a bucket of 2'],
  ['no floats', 1, contribution(1, 0), [], '0 floats for a bucket of 2'],
  ['an empty tensor', 1, contribution(1, 1), [[]], '0 floats for a bucket of 1'],
  ['the same gradients twice', 0, contribution(1, 0), [[9, 9]], 'rank 0 contributed twice'],
  [
    'gradients of a stranger',
    2,
    contribution(1, 0),
    [[9, 9]],
    "'contribute' from a worker that is no member of generation 3",
  ],
  ['an answer that was given', 1, state(3), [], "'state' to request 3, which is not under way"],
  [
    'an answer by a rank that was not asked',
    1,
    predicted(2),
    [[9]],
    "'predicted' to request 2, which is not under way",
  ],
  ['an answer to a request that is closed', 0, state(1), [], "'state' to request 1, which is not under way"],
  [
    'an answer to a request that there was not',
    0,
    predicted(4),
    [[9]],
    "'predicted' to request 4, which is not under way",
  ],
  ['an answer to request 0', 0, state(0), [], "'state' to request 0, which is not under way"],
  ['an answer of another type', 0, evaluated(2), [], "'evaluated' to request 2, which is not under way"],
  ['a state for a prediction', 0, state(2), [], "'state' to request 2, which is not under way"],
  ['a restored state for a reported one', 0, restored(3), [], "'restored' to request 3, which is not under way"],
  ['an answer of a stranger', 2, predicted(2), [[9]], "'predicted' from a worker that is no member of generation 3"],
];

const activitiesOf = ({ generation }: PlayedGeneration) => [...generation.activities()];

it.each(rows)('%s is refused, and changes nothing', async (_, rank, body, tensors, reason) => {
  const middle = await reachTheMiddle();
  const before = activitiesOf(middle);
  middle.time.advance(1000);
  expect(middle.say(rank, body, tensors)).toBe(reason);
  expect(middle.sent()).toEqual([]);
  expect(activitiesOf(middle)).toEqual(before);
  expect(middle.generation.takeSpent()).toEqual([]);
  await finish(middle);
});

it('all of it together changes nothing either', async () => {
  const middle = await reachTheMiddle();
  for (const [, rank, body, tensors, reason] of rows) expect(middle.say(rank, body, tensors)).toBe(reason);
  await finish(middle);
});

it('nobody is known by a part of a peer id', async () => {
  const { generation } = await reachTheMiddle();
  const message = { v: 4 as const, run: 'run-1', ...vote(1) };
  for (const peer of ['', 'p', 'p00', 'P0']) {
    expect(generation.accept(peer, message, [])).toBe(`'vote' from a worker that is no member of generation ${number}`);
  }
});
