/** What a generation is asked for between steps: who is asked what, and what becomes of the answers. */
import { describe, expect, it } from 'vitest';
import { codecNamed } from '../../../../src/shared/collectives/compression/codecs.ts';
import { parameterChecksum } from '../../../../src/shared/model/parameter-checksum.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { playGeneration, toAll, wholeState } from './members.ts';

/** A generation of which nothing is expected yet. */
function playQuietGeneration(worldSize: number) {
  const played = playGeneration(worldSize);
  played.sent();
  return played;
}

const usage = nothingUsed;

describe('a test pass', () => {
  it('is cut by the weights, and its parts are added up', async () => {
    const { generation, sent, say } = playQuietGeneration(3);
    const evaluating = generation.evaluate('test', { from: 40, to: 140 }, [5, 3, 2]);
    const shares = [
      [40, 90],
      [90, 120],
      [120, 140],
    ];
    expect(sent()).toEqual(
      shares.map(([from, to], rank) => ({
        to: rank,
        body: { type: 'evaluate', request: 1, split: 'test', from, to },
        tensors: [],
      })),
    );
    for (const [rank, samples, lossSum, correct] of [
      [2, 20, 0.5, 19],
      [0, 50, 3, 48],
      [1, 30, 1.25, 29],
    ] as const) {
      expect(await outcomeOf(evaluating)).toBe('pending');
      say(rank, { type: 'evaluated', request: 1, samples, lossSum, correct, usage });
    }
    expect(await outcomeOf(evaluating)).toEqual({ value: { lossSum: 4.75, correct: 96 } });
  });

  it('may be over the training images, from the first one', () => {
    const { generation, sent } = playQuietGeneration(1);
    generation.evaluate('train', { from: 0, to: 7 }, [1]).catch(() => {});
    expect(sent()).toMatchObject([{ body: { split: 'train', from: 0, to: 7 } }]);
  });
});

describe('parts of a test pass that are asked for ahead', () => {
  it('are answered one after the other: with each answer the time for the next begins', async () => {
    const { generation, say, time } = playQuietGeneration(2);
    const activities = () => [...generation.activities().values()];
    const parts = [0, 10].map((from) => generation.evaluate('test', { from, to: from + 10 }, [1, 1]));
    const answer = (rank: number, request: number) =>
      say(rank, { type: 'evaluated', request, samples: 5, lossSum: 1, correct: 1, usage });
    time.advance(3000);
    answer(0, 1);
    expect(activities()).toEqual([
      { activity: 'evaluate', since: 103 },
      { activity: 'evaluate', since: 100 },
    ]);
    time.advance(3000);
    answer(0, 2);
    answer(1, 1);
    expect(activities()).toEqual([
      { activity: 'idle', since: 106 },
      { activity: 'evaluate', since: 106 },
    ]);
    answer(1, 2);
    expect(activities()).toEqual([
      { activity: 'idle', since: 106 },
      { activity: 'idle', since: 106 },
    ]);
    expect(await Promise.all(parts)).toEqual([
      { lossSum: 2, correct: 2 },
      { lossSum: 2, correct: 2 },
    ]);
  });
});

describe('a coordinator that stood still', () => {
  it("does not count that time as its members'", () => {
    const { generation, time } = playQuietGeneration(1);
    generation.predict(1).catch(() => {});
    time.advance(61_000);
    generation.putOff(60);
    expect([...generation.activities().values()]).toEqual([{ activity: 'predict', since: 160 }]);
  });
});

describe('a report of the state', () => {
  it('is of each member as much as it is asked for', async () => {
    const { generation, sent, say } = playQuietGeneration(4);
    const extents = ['state', 'checksum', 'parameters', 'checksum'] as const;
    const reports = generation.reportState((place) => extents[place] ?? 'state');
    expect(sent()).toEqual(
      extents.map((extent, to) => ({ to, body: { type: 'report-state', request: 1, extent }, tensors: [] })),
    );
    const whole = wholeState(1, usage);
    const checksum = { type: 'state', request: 1, usage, parametersChecksum: whole.body.parametersChecksum } as const;
    say(3, checksum);
    say(0, whole.body, whole.tensors);
    say(2, checksum, [[1, 2, 3]]);
    say(1, checksum);
    const received = { v: 8, run: 'run-1' };
    expect(await outcomeOf(reports)).toEqual({
      value: [
        { message: { ...received, ...whole.body }, tensors: whole.tensors.map((values) => Float32Array.from(values)) },
        { message: { ...received, ...checksum }, tensors: [] },
        { message: { ...received, ...checksum }, tensors: [Float32Array.of(1, 2, 3)] },
        { message: { ...received, ...checksum }, tensors: [] },
      ],
    });
  });
});

it('a residual alone shows nothing of the parameters, whose checksum the member may only say', async () => {
  const { generation, say } = playQuietGeneration(2);
  const extents = ['residual', 'parameters-and-residual'] as const;
  const reports = generation.reportState((place) => extents[place] ?? 'state');
  const { body, tensors } = wholeState(1, usage);
  const { parametersChecksum } = body;
  const told = { type: 'state', request: 1, usage, parametersChecksum } as const;
  const parameters = [...(tensors[0] ?? [])];
  expect(say(0, told, [parameters, [0, 0, 1]])).toMatchObject({
    kind: 'wrong',
    reason: expect.stringMatching('1 tensors, got 2'),
  });
  expect(say(0, told, [[0, 0, 1]])).toBeUndefined();
  expect(
    say(1, told, [
      [0, 0, 1],
      [0, 0, 1],
    ]),
  ).toMatchObject({ kind: 'wrong', reason: expect.stringMatching('parametersChecksum') });
  expect(say(1, told, [parameters, [0, 0, 1]])).toBeUndefined();
  expect(await outcomeOf(reports)).toMatchObject({
    value: [{ tensors: [[0, 0, 1]].map((one) => Float32Array.from(one)) }, {}],
  });
});

it('a state before the first committed step has none', () => {
  const { generation, say } = playQuietGeneration(1);
  generation.reportState(() => 'state').catch(() => {});
  const { body, tensors } = wholeState(1, usage, 5);
  expect(say(0, body, tensors)).toMatchObject({
    kind: 'wrong',
    reason: "it sent a wrong 'state' to request 1: applied must be left out, got step 5 of generation 3",
  });
});

describe('a state to take over', () => {
  const parameters = Float32Array.of(1, 2, 3);
  const slots = [Float32Array.of(4, 5, 6), Float32Array.of(7, 8, 9)];

  it('goes to every rank, parameters first, and is done when all have it', async () => {
    const { generation, sent, say } = playQuietGeneration(2);
    const restoring = generation.restore(
      { parameters, optimizer: { iterations: 12, slots } },
      { step: 5, generation: 1 },
      generation.members,
    );
    expect(sent()).toEqual(
      toAll(2, { type: 'restore', request: 1, applied: { step: 5, generation: 1 }, optimizerIterations: 12 }, [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ]),
    );
    const restored = {
      type: 'restored',
      request: 1,
      parametersChecksum: parameterChecksum(parameters),
      usage,
    } as const;
    say(1, restored);
    expect(await outcomeOf(restoring)).toBe('pending');
    say(0, restored);
    expect(await outcomeOf(restoring)).toEqual({ value: undefined });
  });

  it.each([undefined, 2])('has a residual for the first who gets it alone, in chunks of %s', async (chunkFloats) => {
    const { generation, sent, say } = playGeneration(3, { codec: codecNamed('bf16'), chunkFloats });
    sent();
    const receivers = generation.members.slice(1);
    const state = { parameters, optimizer: { iterations: 12, slots } };
    generation.restore(state, { step: 5, generation: 1 }, receivers).catch(() => {});
    for (let offset = 2; chunkFloats !== undefined && offset <= 8; offset += 2) {
      for (const { rank } of receivers) say(rank, { type: 'taken', request: 1, offset });
    }
    const orders = sent().flatMap(({ to, body }) => (body.type === 'restore' ? [[to, body.ownsResidual]] : []));
    expect(orders).toEqual([
      [1, true],
      [2, undefined],
    ]);
  });

  it.each([0, 1])('that rank %i did not take over ends the run by its name', async (odd) => {
    const { generation, say } = playQuietGeneration(2);
    const state = { parameters, optimizer: { iterations: 0, slots: [] } };
    const restoring = generation.restore(state, { step: 5, generation: 1 }, generation.members);
    for (const rank of [0, 1]) {
      const parametersChecksum = parameterChecksum(parameters) + (rank === odd ? 1 : 0);
      say(rank, { type: 'restored', request: 1, parametersChecksum, usage });
    }
    await expect(restoring).rejects.toMatchObject({
      code: 'run-failed',
      message: `worker w${odd} (rank ${odd}, pid 10${odd} on alpha) did not take over the parameters that it was sent`,
    });
  });
});

describe('predictions', () => {
  it('are made by rank 0 alone', async () => {
    const { generation, sent, say } = playQuietGeneration(2);
    const predicting = generation.predict(2);
    expect(sent()).toEqual([{ to: 0, body: { type: 'predict', request: 1, count: 2 }, tensors: [] }]);
    say(0, { type: 'predicted', request: 1, usage }, [[0.25, 0.75, 0.5, 0.5]]);
    expect(await outcomeOf(predicting)).toEqual({ value: Float32Array.of(0.25, 0.75, 0.5, 0.5) });
  });
});

it('requests are numbered from 1, and each is answered by its own number', async () => {
  const { generation, sent, say } = playQuietGeneration(1);
  const [first, second] = [generation.predict(1), generation.predict(2)];
  expect(sent().map(({ body }) => 'request' in body && body.request)).toEqual([1, 2]);
  say(0, { type: 'predicted', request: 2, usage }, [[0, 1, 0, 1]]);
  expect(await outcomeOf(second)).toEqual({ value: Float32Array.of(0, 1, 0, 1) });
  expect(await outcomeOf(first)).toBe('pending');
  say(0, { type: 'predicted', request: 1, usage }, [[1, 0]]);
  expect(await outcomeOf(first)).toEqual({ value: Float32Array.of(1, 0) });
});
