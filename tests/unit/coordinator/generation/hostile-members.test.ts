/** Members that send what they should not: it is refused by its exact reason, and changes nothing. */
import { expect, it } from 'vitest';
import type { MemberMessage } from '../../../../src/coordinator/generation/generation.ts';
import type { Refusal } from '../../../../src/coordinator/generation/refusal.ts';
import type { Body } from '../../../../src/shared/protocol/messages.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { contribution, number, type PlayedGeneration, playGeneration, used, vote, wholeState } from './members.ts';

const batch = { from: 0, to: 16 };
/** By rank, then bucket. */
const gradients = [
  [[1, 2], [3]],
  [[10, 20], [30]],
] as const;

const evaluated = (request: number) =>
  ({ type: 'evaluated', request, samples: 1, lossSum: 1, correct: 1, usage: used(9, 9) }) as const;
const state = (request: number, fields: object = {}) =>
  ({
    type: 'state',
    request,
    applied: { step: 1, generation: number },
    parametersChecksum: 666,
    usage: used(9, 9),
    ...fields,
  }) as const;
const predicted = (request: number) => ({ type: 'predicted', request, usage: used(9, 9) }) as const;
const restored = (request: number) =>
  ({ type: 'restored', request, parametersChecksum: 666, usage: used(9, 9) }) as const;
const whole = wholeState(3, used(3, 1), 1);
/** What a hostile vote would change, if it counted. */
const hostile = { samples: 666, lossSum: 666, correct: 666, usage: used(9, 9) };

/**
 * Step 0 is committed. Of step 1 rank 0 has handed in its first bucket, rank 1 all of its gradient and its vote. Request 1
 * is answered by all; request 2, a prediction, waits for rank 0, and request 3, the states, for rank 0 as well: rank 1 has
 * answered. Request 4, a test pass, waits for both.
 */
async function reachTheMiddle() {
  const played = playGeneration(2);
  const { generation, say, contributeAll } = played;
  generation.assign(0, 0, batch, [1, 1]);
  contributeAll(0, 0, 1);
  for (const rank of [0, 1]) say(rank, vote(0));
  generation.commit(0);
  const initial = { parameters: new Float32Array(3), optimizer: { iterations: 0, slots: [] } };
  const restoring = generation.restore(initial, { step: 1, generation: number }, generation.members);
  restoring.catch(() => {});
  for (const rank of [0, 1]) say(rank, { type: 'restored', request: 1, parametersChecksum: 1, usage: used(1, 1) });
  const predictions = generation.predict(1);
  const states = generation.reportState((place) => (place === 0 ? 'state' : 'checksum'));
  say(1, {
    type: 'state',
    request: 3,
    applied: { step: 1, generation: number },
    parametersChecksum: 11,
    usage: used(1, 1),
  });
  const testPass = generation.evaluate('test', { from: 0, to: 10 }, [1, 1]);
  generation.assign(1, 0, batch, [1, 1]);
  say(0, contribution(1, 0), [[...gradients[0][0]]]);
  for (const bucket of [0, 1] as const) say(1, contribution(1, bucket), [[...gradients[1][bucket]]]);
  say(1, vote(1, { lossSum: 1.5 }));
  generation.takeSpent();
  played.sent();
  return { ...played, predictions, states, testPass };
}

/** The rest of the step and of the requests, which come out as if nobody had disturbed them. */
async function finish(middle: Awaited<ReturnType<typeof reachTheMiddle>>) {
  const { generation, say, sent, predictions, states, testPass } = middle;
  expect(say(0, contribution(1, 1), [[...gradients[0][1]]])).toBeUndefined();
  expect(sent().map(({ to, tensors }) => [to, ...tensors])).toEqual([
    [0, [33]],
    [1, [33]],
  ]);
  expect(await outcomeOf(generation.votes(1))).toBe('pending');
  expect(say(0, vote(1, { lossSum: 0.5 }))).toBeUndefined();
  expect(await outcomeOf(generation.votes(1))).toMatchObject({ value: [{ lossSum: 0.5 }, { lossSum: 1.5 }] });
  expect(await outcomeOf(predictions)).toBe('pending');
  expect(say(0, { type: 'predicted', request: 2, usage: used(2, 1) }, [[0.25, 0.75]])).toBeUndefined();
  expect(await outcomeOf(predictions)).toEqual({ value: Float32Array.of(0.25, 0.75) });
  expect(say(0, whole.body, whole.tensors)).toBeUndefined();
  expect(await outcomeOf(states)).toMatchObject({
    value: [{ message: whole.body }, { message: { parametersChecksum: 11 } }],
  });
  expect(await outcomeOf(testPass)).toBe('pending');
  for (const rank of [0, 1]) {
    const figures = { samples: 5, lossSum: 1, correct: 5 };
    expect(say(rank, { type: 'evaluated', request: 4, ...figures, usage: used(3, 1) })).toBeUndefined();
  }
  expect(await outcomeOf(testPass)).toEqual({ value: { lossSum: 2, correct: 10 } });
  generation.commit(1);
}

type Row = readonly [
  what: string,
  rank: number,
  body: Body<MemberMessage>,
  tensors: readonly (readonly number[])[],
  refusal: Refusal,
];

const over = (reason: string): Refusal => ({ kind: 'stale', reason });
const bad = (reason: string): Refusal => ({ kind: 'wrong', reason: `it sent ${reason}`, code: 'run-failed' });
const infinite = (what: string): Refusal => ({
  kind: 'wrong',
  reason: `${what}; try a smaller --lr`,
  code: 'diverged',
});

const votes: readonly Row[] = [
  ['of another generation', 0, vote(1, { generation: 2 }), [], over('a vote for generation 2, this is 3')],
  ['of a generation to come', 0, vote(1, { generation: 4 }), [], bad('a vote: it is for generation 4, this is 3')],
  [
    'for an attempt to come',
    0,
    vote(1, { attempt: 1 }),
    [],
    bad('a vote: it is for attempt 1 of step 2, which is at 0'),
  ],
  ['for a step that is committed', 0, vote(0), [], over('a vote for step 1, which is not under way')],
  ['for a step that is not assigned', 0, vote(2), [], bad('a vote: it is for step 3, which is not under way')],
  ['of a second time', 1, vote(1, hostile), [], bad('a wrong vote for step 2: it must be one, got a second')],
  ['of a stranger', 2, vote(1, hostile), [], over("'vote' from a worker that is no member of generation 3")],
  ['with a tensor', 0, vote(1), [[1]], bad('a wrong vote for step 2: it must have no tensors, got 1')],
  [
    'for more samples than its share',
    0,
    vote(1, { samples: 9e15 }),
    [],
    bad('a wrong vote for step 2: samples must be 8, got 9000000000000000'),
  ],
  ['for no samples', 0, vote(1, { samples: 0 }), [], bad('a wrong vote for step 2: samples must be 8, got 0')],
  [
    'with more correct than there are',
    0,
    vote(1, { correct: 9 }),
    [],
    bad('a wrong vote for step 2: correct must be at most 8, got 9'),
  ],
  [
    'with a loss below 0',
    0,
    vote(1, { lossSum: -1 }),
    [],
    bad(`a wrong vote for step 2: lossSum must be from 0 to ${8 * (2 ** 128 - 2 ** 104)}, got -1`),
  ],
  [
    'with a loss that no float32 adds up to',
    0,
    vote(1, { lossSum: 1e300 }),
    [],
    bad(`a wrong vote for step 2: lossSum must be from 0 to ${8 * (2 ** 128 - 2 ** 104)}, got 1e+300`),
  ],
  [
    'with a loss that is NaN',
    0,
    vote(1, { lossSum: Number.NaN }),
    [],
    infinite('the loss became NaN at step 2, on positions 0 to 7 of epoch 1'),
  ],
  [
    'with an infinite loss',
    0,
    vote(1, { lossSum: Infinity }),
    [],
    infinite('the loss became Infinity at step 2, on positions 0 to 7 of epoch 1'),
  ],
  [
    'with a checksum where nobody compares',
    0,
    vote(1, { parametersChecksum: 5 }),
    [],
    bad('a wrong vote for step 2: parametersChecksum must be left out, got 5'),
  ],
  [
    'that tells of its gradient what the hub sees',
    0,
    vote(1, { nonFinite: { float: 2, value: 7 } }),
    [],
    bad('a wrong vote for step 2: nonFinite must be left out'),
  ],
  [
    'before its gradient',
    0,
    vote(1),
    [],
    bad('a wrong vote for step 2: all of its gradient must be here before, a bucket is not'),
  ],
];

const contributions: readonly Row[] = [
  [
    'of another generation',
    0,
    contribution(1, 1, { generation: 2 }),
    [[9]],
    over('a contribution for generation 2, this is 3'),
  ],
  [
    'of an attempt to come',
    0,
    contribution(1, 1, { attempt: 2 }),
    [[9]],
    bad('a contribution: it is for attempt 2 of step 2, which is at 0'),
  ],
  ['of a committed step', 0, contribution(0, 0), [[9, 9]], over('a contribution for step 1, which is not under way')],
  [
    'of a step that is not assigned',
    0,
    contribution(2, 0),
    [[9, 9]],
    bad('a contribution: it is for step 3, which is not under way'),
  ],
  [
    'in a bucket that there is not',
    0,
    contribution(1, 2),
    [[9]],
    bad('a wrong contribution to step 2: bucket must be below 2, got 2'),
  ],
  [
    'with too many floats',
    0,
    contribution(1, 1),
    [[9, 9]],
    bad('a wrong contribution to step 2: bucket 1 must have 1 floats, got 2'),
  ],
  [
    'with too few floats',
    0,
    contribution(1, 1),
    [[]],
    bad('a wrong contribution to step 2: bucket 1 must have 1 floats, got 0'),
  ],
  [
    'with no floats',
    0,
    contribution(1, 1),
    [],
    bad('a wrong contribution to step 2: bucket 1 must have one tensor, got 0'),
  ],
  ['of a second time', 0, contribution(1, 0), [[9, 9]], bad('a wrong contribution to step 2: bucket 0 came twice')],
  [
    'that is NaN',
    0,
    contribution(1, 1),
    [[Number.NaN]],
    infinite('the gradient became NaN at step 2, on positions 0 to 7 of epoch 1, in float 2'),
  ],
  [
    'that is infinite',
    0,
    contribution(1, 1),
    [[-Infinity]],
    infinite('the gradient became -Infinity at step 2, on positions 0 to 7 of epoch 1, in float 2'),
  ],
  [
    'of a stranger',
    2,
    contribution(1, 0),
    [[9, 9]],
    over("'contribute' from a worker that is no member of generation 3"),
  ],
];

const noSuch = (what: string) => bad(`${what}: there is no such request`);
const three = [1, 2, 3];
const answers: readonly Row[] = [
  ['that was given', 1, state(3), [], bad("'state' to request 3: no answer of this rank is waited for")],
  [
    'by a rank that was not asked',
    1,
    predicted(2),
    [[9]],
    bad("'predicted' to request 2: no answer of this rank is waited for"),
  ],
  ['to a request that is closed', 0, restored(1), [], over("'restored' to request 1, which is answered")],
  ['to a request that there was not', 0, predicted(5), [[9]], noSuch("'predicted' to request 5")],
  ['to request 0', 0, state(0), [], noSuch("'state' to request 0")],
  ['of another type', 0, evaluated(2), [], bad("'evaluated' to request 2: the answer must be 'predicted'")],
  ['of a stranger', 2, predicted(2), [[9]], over("'predicted' from a worker that is no member of generation 3")],
  [
    'with too few probabilities',
    0,
    predicted(2),
    [[9]],
    bad("a wrong 'predicted' to request 2: tensor 0 must have 2 floats, got 1"),
  ],
  [
    'without probabilities',
    0,
    predicted(2),
    [],
    bad("a wrong 'predicted' to request 2: it must have 1 tensors, got 0"),
  ],
  [
    'with probabilities that are NaN',
    0,
    predicted(2),
    [[1, Number.NaN]],
    infinite('the predictions of the model became NaN'),
  ],
  [
    'with a probability below 0',
    0,
    predicted(2),
    [[0.5, -1]],
    bad("a wrong 'predicted' to request 2: probabilities must be from 0 to 1, got -1"),
  ],
  [
    'with a probability above 1',
    0,
    predicted(2),
    [[1.5, 0]],
    bad("a wrong 'predicted' to request 2: probabilities must be from 0 to 1, got 1.5"),
  ],
  [
    'with a tensor too many',
    0,
    evaluated(4),
    [[1]],
    bad("a wrong 'evaluated' to request 4: it must have 0 tensors, got 1"),
  ],
  [
    'for fewer samples than asked',
    0,
    evaluated(4),
    [],
    bad("a wrong 'evaluated' to request 4: samples must be 5, got 1"),
  ],
  [
    'with more correct than there are',
    0,
    { ...evaluated(4), samples: 5, correct: 6 },
    [],
    bad("a wrong 'evaluated' to request 4: correct must be at most 5, got 6"),
  ],
  [
    'with a loss that is NaN',
    0,
    { ...evaluated(4), samples: 5, lossSum: Number.NaN },
    [],
    infinite('the loss became NaN on test images'),
  ],
  [
    'with no state but its checksum',
    0,
    state(3),
    [],
    bad("a wrong 'state' to request 3: it must have 3 tensors, got 0"),
  ],
  [
    'with a state that is not described',
    0,
    state(3),
    whole.tensors,
    bad("a wrong 'state' to request 3: state must be there, got none"),
  ],
  [
    'of a step before',
    0,
    { ...whole.body, applied: { step: 0, generation: number } },
    whole.tensors,
    bad("a wrong 'state' to request 3: applied must be step 1 of generation 3, got step 0 of generation 3"),
  ],
  [
    'of a step that is not committed',
    0,
    { ...whole.body, applied: { step: 2, generation: number } },
    whole.tensors,
    bad("a wrong 'state' to request 3: applied must be step 1 of generation 3, got step 2 of generation 3"),
  ],
  [
    'of no step',
    0,
    { ...whole.body, applied: undefined },
    whole.tensors,
    bad("a wrong 'state' to request 3: applied must be step 1 of generation 3, got none"),
  ],
  [
    'with a slot that is too short',
    0,
    whole.body,
    [three, three, [0, 0]],
    bad("a wrong 'state' to request 3: tensor 2 must have 3 floats, got 2"),
  ],
  [
    'with parameters that are others than its checksum',
    0,
    { ...whole.body, parametersChecksum: 666 },
    whole.tensors,
    bad(
      `a wrong 'state' to request 3: parametersChecksum must be that of its parameters, ${whole.body.parametersChecksum}, got 666`,
    ),
  ],
  [
    'with weights that are not the model',
    0,
    {
      ...whole.body,
      state: { topology: {}, weightSpecs: [{ name: 'k', shape: [2, 2], dtype: 'float32' }], optimizerIterations: 1 },
    },
    whole.tensors,
    bad("a wrong 'state' to request 3: weightSpecs must describe 3 parameters, got 4"),
  ],
  [
    'with a slot that is not finite',
    0,
    whole.body,
    [three, three, [0, 0, Infinity]],
    infinite('the state of the model became Infinity'),
  ],
];

const rows = { vote: votes, contribution: contributions, answer: answers };
const all = Object.entries(rows).flatMap(([kind, those]) =>
  those.map(([what, ...row]) => [`${kind} ${what}`, ...row] as const),
);

const activitiesOf = ({ generation }: PlayedGeneration) => [...generation.activities()];

it.each(all)('%s is refused, and changes nothing', async (_, rank, body, tensors, refusal) => {
  const middle = await reachTheMiddle();
  const before = activitiesOf(middle);
  middle.time.advance(1000);
  expect(middle.say(rank, body, tensors)).toEqual(refusal);
  expect(middle.sent()).toEqual([]);
  expect(activitiesOf(middle)).toEqual(before);
  expect(middle.generation.takeSpent()).toEqual([]);
  await finish(middle);
});

it('all of it together changes nothing either', async () => {
  const middle = await reachTheMiddle();
  for (const [, rank, body, tensors, refusal] of all) expect(middle.say(rank, body, tensors)).toEqual(refusal);
  await finish(middle);
});

it('nobody is known by a part of a peer id', async () => {
  const { generation } = await reachTheMiddle();
  const message = { v: 8 as const, run: 'run-1', ...vote(1) };
  for (const peer of ['', 'p', 'p00', 'P0']) {
    expect(generation.accept(peer, message, [])).toEqual(
      over(`'vote' from a worker that is no member of generation ${number}`),
    );
  }
});
