/** How a generation comes to the way in which its gradients are summed, and what it then does without a hub. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { MemberLost } from '../../../../src/coordinator/generation/member-lost.ts';
import { codecNamed } from '../../../../src/shared/collectives/compression/codecs.ts';
import { mostAssignedAhead } from '../../../../src/shared/protocol/limits.ts';
import type { MeasuredLink } from '../../../../src/shared/protocol/messages.ts';
import { nothingUsed } from '../../../support/nothing-used.ts';
import { outcomeOf } from '../../../support/outcome.ts';
import { promisesSettle } from '../../../support/virtual-time.ts';
import { contribution, number, type PlayedOptions, playGeneration, toAll, used, vote } from './members.ts';

const vectorsOf = (rank: number) => ({
  memory: { host: 'boot 1', pid: 100 + rank, fd: 20, secret: `${rank}`.repeat(32) },
  network: { addresses: [`tcp://10.0.0.${rank}:40000`], secret: `${rank}`.repeat(32) },
});
const onOneHost: PlayedOptions = { allReduce: 'mesh', readyOf: (rank) => ({ vectors: vectorsOf(rank) }) };
const batch = { from: 0, to: 16 };

/** A generation that has asked its ranks to open each other's vectors. */
function play(worldSize: number, options: PlayedOptions = onOneHost) {
  const played = playGeneration(worldSize, options);
  const quorums = played.sent();
  const choice = played.generation.chooseAllReduce();
  const answer = (rank: number, problem?: string, overNetwork?: number) =>
    played.say(rank, { type: 'linked', request: 1, usage: nothingUsed, problem, overNetwork });
  return { ...played, quorums, choice, answer };
}

/** A mesh of two ranks. */
async function playMesh(options: PlayedOptions = {}) {
  const played = play(2, { ...onOneHost, ...options });
  for (const rank of [0, 1]) expect(played.answer(rank)).toBeUndefined();
  await played.choice;
  played.sent();
  return played;
}

describe('the choice of an all-reduce', () => {
  it.each([
    [0, /one host, .*; in memory, --compress takes longer than it saves$/],
    [1, /^workers read each other's gradients over the network$/],
  ])('says where compression loses, with %i links over the network', async (overNetwork, reason) => {
    const { choice, answer } = play(2, { ...onOneHost, codec: codecNamed('int8') });
    for (const rank of [0, 1]) answer(rank, undefined, overNetwork || undefined);
    expect(await choice).toEqual({ allReduce: 'mesh', reason: expect.stringMatching(reason) });
  });

  it('is the star for more ranks than may read each other, of whom none is asked', async () => {
    const { sent, choice } = play(257);
    expect(await choice).toEqual({
      allReduce: 'star',
      reason: "257 workers are more than the 256 that may read each other's gradients",
    });
    expect(sent()).toEqual([]);
    const most = play(256);
    expect(most.sent()).toHaveLength(256);
    expect(await outcomeOf(most.choice)).toBe('pending');
  });

  it('lets ranks read each other once all of them have shown that they can, and use the star until then', async () => {
    const { generation, quorums, sent, choice, answer } = play(3);
    expect(quorums).toMatchObject(
      toAll(3, { type: 'quorum', generation: number, rank: 0, worldSize: 3, allReduce: 'star' }).map(({ to }) => ({
        to,
        body: { allReduce: 'star' },
      })),
    );
    expect(sent()).toEqual(
      toAll(3, {
        type: 'link',
        request: 1,
        ranks: [0, 1, 2].map((rank) => ({ workerId: `w${rank}`, vectors: vectorsOf(rank) })),
      }),
    );
    answer(2);
    answer(0);
    // Each has the time that a state takes.
    expect([...generation.activities().values()].map(({ activity }) => activity)).toEqual([
      'idle',
      'checkpoint',
      'idle',
    ]);
    expect(await outcomeOf(choice)).toBe('pending');
    expect(sent()).toEqual([]);
    answer(1);
    expect(await choice).toEqual({
      allReduce: 'mesh',
      reason: "all workers are on one host, and read each other's gradients",
    });
    expect(sent()).toEqual(toAll(3, { type: 'exchange', generation: number, allReduce: 'mesh' }));
  });

  it('stays with the star, and says why, where a rank cannot', async () => {
    const { sent, choice, answer } = play(2);
    sent();
    answer(0);
    answer(1, 'those of rank 0: it is another file here');
    expect(await choice).toEqual({
      allReduce: 'star',
      reason:
        "worker w1 (rank 1, pid 101 on alpha) cannot read the others' gradients: those of rank 0: it is another file here",
    });
    expect(sent()).toEqual([]);
  });

  it.each([
    [[0, 0, 0], "all workers are on one host, and read each other's gradients"],
    [[1, 1, 2], "workers read each other's gradients, in memory on one host and over the network between hosts"],
    [[2, 2, 2], "workers read each other's gradients over the network"],
  ])('says by which way they do, where so many of two others are read over the network: %j', async (links, reason) => {
    const { choice, answer } = play(3);
    for (const [rank, overNetwork] of links.entries()) answer(rank, undefined, overNetwork || undefined);
    expect(await choice).toEqual({ allReduce: 'mesh', reason });
  });

  it.each<[string, PlayedOptions, string | undefined]>([
    [
      'no offer',
      { readyOf: (rank) => (rank === 1 ? { vectorsProblem: 'ENOENT: /dev/shm' } : { vectors: vectorsOf(rank) }) },
      'worker w1 (rank 1, pid 101 on alpha) cannot offer its gradients to be read: ENOENT: /dev/shm',
    ],
    [
      'not asked',
      { readyOf: () => ({}) },
      'worker w0 (rank 0, pid 100 on alpha) cannot offer its gradients to be read: it was not asked to',
    ],
    [
      'the star that was asked for',
      { allReduce: 'star', readyOf: (rank) => ({ vectors: vectorsOf(rank) }) },
      undefined,
    ],
  ])('asks nobody where that is known to be no use: %s', async (_, options, reason) => {
    const { sent, choice } = play(2, { allReduce: 'mesh', ...options });
    expect(await choice).toEqual({ allReduce: 'star', reason });
    expect(sent()).toEqual([]);
  });

  it('asks nobody where there is only one', async () => {
    const { sent, choice } = play(1);
    expect(await choice).toEqual({ allReduce: 'solo', reason: undefined });
    expect(sent()).toEqual([]);
  });

  /** A run that leaves it to the model, whose ranks read so many others over the network. */
  async function playAuto(overNetwork: readonly number[], options: PlayedOptions = {}) {
    const played = play(overNetwork.length, { ...onOneHost, allReduce: 'auto', ...options });
    played.sent();
    for (const [rank, count] of overNetwork.entries()) played.answer(rank, undefined, count || undefined);
    await promisesSettle();
    const measured = (rank: number, link?: MeasuredLink) =>
      played.say(rank, { type: 'measured', request: 2, usage: nothingUsed, link });
    return { ...played, measured };
  }
  const slow = { delaySeconds: 2e-3, bytesPerSecond: 2e6 };
  const usual = { delaySeconds: 1e-4, bytesPerSecond: 1.2e8 };

  it('takes one stage in memory where it is left to the model, and has nobody measure anything', async () => {
    const { sent, choice } = await playAuto([0, 0, 0]);
    expect(await choice).toEqual({
      allReduce: 'mesh',
      reason: "all workers are on one host, and read each other's gradients",
      link: undefined,
    });
    expect(sent()).toEqual(toAll(3, { type: 'exchange', generation: number, allReduce: 'mesh' }));
  });

  it('has those who read others over the network measure their links, and goes by the slowest', async () => {
    const { generation, sent, choice, measured } = await playAuto([1, 0, 1]);
    const order = { type: 'measure', request: 2 } as const;
    expect(sent().map(({ to, body }) => [to, body])).toEqual([
      [0, order],
      [2, order],
    ]);
    expect([...generation.activities().values()].map(({ activity }) => activity)).toEqual([
      'checkpoint',
      'idle',
      'checkpoint',
    ]);
    expect(measured(1, usual)).toMatchObject({ kind: 'wrong' });
    expect(measured(0, usual)).toBeUndefined();
    expect(measured(2, slow)).toBeUndefined();
    const { reason, link } = await choice;
    // The gradient of these tests is short, so one stage takes less.
    expect(reason).toMatch(
      /^workers read .* over the network between hosts; modelled [\d.]+ ms a step against [\d.]+ ms with mesh-two-shot, over links of 17 Mbit\/s and 2 ms, measured$/,
    );
    expect(link).toMatchObject({ basis: 'measured' });
  });

  it('assumes usual links where one cannot be measured, and names who could not', async () => {
    const { choice, measured } = await playAuto([1, 1]);
    measured(0, slow);
    measured(1);
    const { reason } = await choice;
    expect(reason).toMatch(
      /, over links of 1 Gbit\/s and 0\.1 ms, assumed; worker w1 \(.*\) could not measure its link$/,
    );
  });

  it('measures nothing where only one of them can compress', async () => {
    const { choice } = await playAuto([1, 1], { codec: codecNamed('int8') });
    expect(await choice).toEqual({
      allReduce: 'mesh',
      reason: "workers read each other's gradients over the network",
      link: undefined,
    });
  });

  it('measures nothing where the run has chosen', async () => {
    const { choice } = await playAuto([1, 1], { allReduce: 'mesh-two-shot' });
    expect(await choice).toMatchObject({ allReduce: 'mesh-two-shot' });
  });

  it('ends with the loss of a member', async () => {
    const { generation, choice, answer } = play(2);
    answer(0);
    generation.lose('p1', new MemberLost('worker w1 was lost'));
    await expect(choice).rejects.toThrow('worker w1 was lost');
  });
});

describe('a mesh', () => {
  it('tells nobody of a commit, for which nobody waits', async () => {
    const { generation, say, sent } = await playMesh();
    expect(generation.runsAhead()).toBe(true);
    generation.assign(0, 0, batch, [1, 1]);
    sent();
    for (const rank of [0, 1]) say(rank, vote(0));
    await generation.votes(0);
    generation.commit(0);
    expect(sent()).toEqual([]);
    expect(generation.applied()).toEqual(Array(2).fill({ step: 1, generation: number }));
  });

  it('may be as far as it was assigned steps, which its ranks tell when they are asked', async () => {
    const { generation, say, sent } = await playMesh();
    for (const step of [0, 1, 2]) generation.assign(step, 0, batch, [1, 1]);
    for (const rank of [0, 1]) say(rank, vote(0));
    generation.commit(0);
    generation.lose('p1', new MemberLost('rank 1 is lost'));
    expect(generation.mayDiffer()).toBe(true);
    sent();
    const asked = generation.abort().reportState(() => 'checksum');
    const report = (step: number, of = number) =>
      say(0, {
        type: 'state',
        request: 2,
        usage: nothingUsed,
        applied: { step, generation: of },
        parametersChecksum: 1,
      });
    const possible = `applied must be step 1 of generation ${number} or step 3 of generation ${number}`;
    for (const [step, of] of [
      [4, number],
      [0, number],
      [2, number - 1],
    ] as const) {
      expect(report(step, of)).toMatchObject({ kind: 'wrong', reason: expect.stringContaining(possible) });
    }
    expect(report(2)).toBeUndefined();
    expect(await asked).toMatchObject([{ message: { applied: { step: 2 } } }]);
    expect(generation.applied()[0]).toEqual({ step: 2, generation: number });
    expect(generation.carry().members.get('p0')).toMatchObject({ ahead: undefined });
  });

  it('may lack the last step that all voted for: the gradient of the one that is lost did not reach it', async () => {
    const { generation, say } = await playMesh();
    for (const step of [0, 1]) {
      generation.assign(step, 0, batch, [1, 1]);
      for (const rank of [0, 1]) say(rank, vote(step));
      generation.commit(step);
    }
    generation.lose('p1', new MemberLost('rank 1 is lost'));
    expect(generation.mayDiffer()).toBe(true);
    const asked = generation.abort().reportState(() => 'checksum');
    const report = (applied: { step: number; generation: number } | undefined) =>
      say(0, { type: 'state', request: 2, usage: nothingUsed, applied, parametersChecksum: 1 });
    // Whoever voted for the second step has applied the first.
    expect(report(undefined)).toMatchObject({
      reason: expect.stringContaining(
        `applied must be step 1 of generation ${number} or step 2 of generation ${number}`,
      ),
    });
    expect(report({ step: 1, generation: number })).toBeUndefined();
    expect(await asked).toMatchObject([{ message: { applied: { step: 1 } } }]);
    expect([generation.applied()[0]?.step, generation.mayDiffer()]).toEqual([1, true]);
    expect(generation.carry().members.get('p0')).toMatchObject({ behind: undefined });
    expect(generation.holders(2)).toEqual([]);
  });

  it('may lack its first step, and be as it was made', async () => {
    const { generation, say } = await playMesh();
    expect(generation.mayDiffer()).toBe(false);
    generation.assign(0, 0, batch, [1, 1]);
    expect(generation.mayDiffer()).toBe(true);
    for (const rank of [0, 1]) say(rank, vote(0));
    generation.commit(0);
    generation.lose('p1', new MemberLost('rank 1 is lost'));
    const asked = generation.abort().reportState(() => 'checksum');
    expect(say(0, { type: 'state', request: 2, usage: nothingUsed, parametersChecksum: 1 })).toBeUndefined();
    await asked;
    expect(generation.applied()[0]).toBeUndefined();
  });

  it('has as many steps under way as may be assigned ahead, and Node warns of no leak', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const { generation } = await playMesh();
    for (let step = 0; step < mostAssignedAhead; step++) generation.assign(step, 0, batch, [1, 1]);
    // Warnings come at the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  });

  it('believes nobody whose steps do not lead to what it has', async () => {
    const { generation, say } = await playMesh();
    generation.assign(0, 0, batch, [1, 1]);
    generation.lose('p1', new MemberLost('rank 1 is lost'));
    generation
      .abort()
      .reportState(() => 'checksum')
      .catch(() => {});
    const step = { bounds: [0, 8, 16], lossSum: 1, correct: 1 };
    const report = (since: number, steps: readonly (typeof step)[]) =>
      say(0, {
        type: 'state',
        request: 2,
        usage: nothingUsed,
        applied: { step: 1, generation: number },
        trained: { since: { step: since, generation: 0 }, generation: number, workers: ['w0', 'w1'], steps },
        parametersChecksum: 1,
      });
    expect(report(0, [])).toMatchObject({ reason: expect.stringContaining('trained must end with step 1') });
    expect(report(1, [step])).toMatchObject({ reason: expect.stringContaining('ends with step 2') });
    expect(report(0, [{ ...step, bounds: [0, 16] }])).toMatchObject({
      reason: expect.stringContaining('trained must have 3 bounds a step, got 2'),
    });
    expect(report(0, [step])).toBeUndefined();
  });

  it('tells what each step took by the clock of the slowest rank, though several become known at a time', async () => {
    const { generation, say } = await playMesh();
    for (const step of [0, 1, 2, 3]) generation.assign(step, 0, batch, [1, 1]);
    // Rank 1 is slower in step 1; step 3 is not known yet.
    say(0, vote(0, { usage: used(1, 0) }));
    say(0, vote(1, { usage: used(2, 0) }));
    say(0, vote(2, { usage: used(3, 0) }));
    say(0, vote(3, { usage: used(4, 0) }));
    say(1, vote(0, { usage: used(1, 0) }));
    say(1, vote(1, { usage: used(4, 0) }));
    say(1, vote(2, { usage: used(5, 0) }));
    expect(generation.ownSeconds(0)).toBe(1);
    expect(generation.takeSpent(0)).toMatchObject([{ seconds: { compute: 1 } }, { seconds: { compute: 1 } }]);
    generation.commit(0);
    expect(generation.ownSeconds(1)).toBe(3);
    expect(generation.takeSpent(1)).toMatchObject([{ seconds: { compute: 1 } }, { seconds: { compute: 3 } }]);
    generation.commit(1);
    expect(generation.ownSeconds(2)).toBe(1);
    // What is left of it was told with the vote after.
    expect(generation.takeSpent()).toMatchObject([{ seconds: { compute: 2 } }, { seconds: { compute: 1 } }]);
  });

  it('knows who waits for whom in the step that is to be committed next', async () => {
    const { generation, say } = await playMesh();
    const activities = () => [...generation.activities().values()].map(({ activity }) => activity);
    for (const step of [0, 1]) generation.assign(step, 0, batch, [1, 1]);
    say(0, vote(0));
    say(0, vote(1));
    expect(activities()).toEqual(['wait', 'compute']);
    say(1, vote(0));
    generation.commit(0);
    expect(activities()).toEqual(['wait', 'compute']);
    say(1, vote(1));
    generation.commit(1);
    expect(activities()).toEqual(['idle', 'idle']);
  });

  it('takes no gradients', async () => {
    const { generation, say } = await playMesh();
    generation.assign(0, 0, batch, [1, 1]);
    expect(say(0, contribution(0, 0), [[1, 2]])).toMatchObject({
      kind: 'wrong',
      reason: expect.stringContaining('mesh has no hub'),
    });
  });

  it('learns the norm of the mean gradient from the votes for the step after', async () => {
    const { generation, say } = await playMesh();
    for (const step of [50, 51]) generation.assign(step, 0, batch, [1, 1]);
    for (const rank of [0, 1]) say(rank, vote(50));
    expect(generation.gradientNorm(50)).toBeUndefined();
    generation.commit(50);
    for (const rank of [0, 1]) expect(say(rank, vote(51, { gradientNorm: 2.5 }))).toBeUndefined();
    expect(generation.gradientNorm(51)).toBe(2.5);
    generation.commit(51);
    generation.assign(52, 0, batch, [1, 1]);
    expect(say(0, vote(52, { gradientNorm: 2.5 }))).toMatchObject({
      reason: expect.stringContaining('gradientNorm must be left out, got 2.5'),
    });
  });

  it('ignores what a rank tells of a norm once its generation is over', async () => {
    const { say } = play(2);
    const late = { ...vote(51, { gradientNorm: 2.5 }), generation: number - 1 };
    expect(say(0, late)).toMatchObject({ kind: 'stale' });
  });

  it('hears from the rank itself that its gradient is not finite', async () => {
    const { generation, say } = await playMesh({ skipNonfinite: true });
    generation.assign(0, 0, batch, [1, 1]);
    say(0, vote(0));
    expect(say(1, vote(0, { nonFinite: { float: 2, value: Number.NaN } }))).toBeUndefined();
    expect(generation.nonFinite(0)).toMatch(/worker w1.*NaN/);
  });
});
