/** The steps of an epoch, with a generation that answers as the test says. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { type EpochRange, trainSteps } from '../../../../src/coordinator/training/epoch-steps.ts';
import { ReplicasDiffer } from '../../../../src/coordinator/training/replicas.ts';
import { createShareBalancer, type ShareBalancer } from '../../../../src/coordinator/training/shares/share-balancer.ts';
import type { TrainContext } from '../../../../src/coordinator/training/train.ts';
import { beginEpoch } from '../../../../src/economics/record/epoch-totals.ts';
import { trainingConfig } from '../../../support/settings.ts';
import { type Script, scriptGeneration, spentBy } from './scripted-generation.ts';

interface Steps extends Script {
  readonly range?: Partial<EpochRange>;
  readonly context?: Partial<TrainContext>;
  readonly balancer?: ShareBalancer;
  /** Called with every event. */
  readonly onEvent?: (event: RunEvent) => void;
}

/** Steps of 4 samples of 10, three an epoch, two workers. The outcome is what was told of the last commit. */
async function trainEpoch({ range, context, balancer, onEvent, ...script }: Steps = {}) {
  const { generation, log, time } = scriptGeneration(script);
  const events: RunEvent[] = [];
  let reached = { step: range?.begin ?? 0, totals: range?.totals ?? beginEpoch(0) };
  const spentBudget = await trainSteps(
    generation,
    { training: trainingConfig({ batchSize: 4 }), trainCount: 10, testCount: 5 },
    {
      clock: time.clock,
      signal: new AbortController().signal,
      observe(event) {
        events.push(event);
        onEvent?.(event);
      },
      ...context,
    },
    balancer ?? createShareBalancer('off', 4, ['a', 'a']),
    {
      totals: beginEpoch(0),
      begin: 0,
      end: 3,
      stepsBefore: 0,
      skippedInRow: 0,
      isPauseDue: () => false,
      ...range,
      onCommitted(step, totals, skippedInRow, figures) {
        reached = { step, totals };
        range?.onCommitted?.(step, totals, skippedInRow, figures);
      },
    },
  );
  const eventsOf = <Type extends RunEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<RunEvent, { type: Type }> => event.type === type);
  const outcome = { step: reached.step, totals: reached.totals, spentBudget };
  return { outcome, log, events, eventsOf, committed: log.filter((line) => line.startsWith('commit')).length };
}

describe('the steps of an epoch', () => {
  it('are assigned one ahead, each with its part of the order, and committed when all have voted', async () => {
    const { log, outcome } = await trainEpoch();
    expect(log).toEqual([
      'assign 0 of epoch 0: 0..4 by 2/2',
      'assign 1 of epoch 0: 4..8 by 2/2',
      'votes 0',
      'commit 0',
      'assign 2 of epoch 0: 8..10 by 2/2',
      'votes 1',
      'commit 1',
      'votes 2',
      'commit 2',
    ]);
    expect(outcome).toMatchObject({ step: 3, spentBudget: undefined });
  });

  it('go on in the middle of a later epoch', async () => {
    const range = { totals: { ...beginEpoch(1), samples: 4 }, begin: 4, end: 6 };
    const { log, outcome } = await trainEpoch({ range });
    expect(log.filter((line) => line.startsWith('assign'))).toEqual([
      'assign 4 of epoch 1: 4..8 by 2/2',
      'assign 5 of epoch 1: 8..10 by 2/2',
    ]);
    expect(outcome).toMatchObject({ step: 6, totals: { epoch: 1, samples: 4 + 32 } });
  });

  it('of which there are none are nothing', async () => {
    const range = { begin: 3, end: 3 };
    const { log, outcome, events } = await trainEpoch({ range });
    expect(log).toEqual([]);
    expect(events).toEqual([]);
    expect(outcome).toEqual({ step: 3, totals: beginEpoch(0), spentBudget: undefined });
  });
});

describe('a committed step', () => {
  const votes = [
    { samples: 3, lossSum: 6, correct: 1 },
    { samples: 1, lossSum: 4, correct: 1 },
  ];

  it('is told with the sums over its votes, then with what was spent', async () => {
    let cost = 10;
    const { events } = await trainEpoch({
      range: { end: 2, stepsBefore: 1 },
      vote: (rank) => votes[rank] ?? {},
      context: { spentUsd: () => cost++ },
      spent: () => [spentBy(0, 2), spentBy(1, 3)],
    });
    const phases = (compute: number) => spentBy(0, compute).seconds;
    const step = {
      type: 'step',
      epoch: 0,
      samples: 4,
      loss: 2.5,
      correct: 2,
      seconds: 1,
      usd: 1,
      members: [
        { workerId: 'w0', samples: 3, phases: phases(2) },
        { workerId: 'w1', samples: 1, phases: phases(3) },
      ],
    };
    const spent = { type: 'spent', members: [spentBy(0, 2), spentBy(1, 3)] };
    const shares = (from: number) => [
      { workerId: 'w0', from, to: from + 2 },
      { workerId: 'w1', from: from + 2, to: from + 4 },
    ];
    expect(events).toEqual([
      { ...step, step: 0, shares: shares(0), gradientNorm: 20 },
      { ...spent, redone: true },
      { ...step, step: 1, shares: shares(4) },
      { ...spent, redone: false },
    ]);
  });

  it('has the time of its ranks where they go on by themselves, with its part of the cost, and the last one the rest', async () => {
    const costs = [0, 8, 16, 24];
    const { events } = await trainEpoch({
      // More than has gone by since the step before is no step's.
      ownSeconds: (step) => [0.25, 5, 0.5][step] ?? Number.NaN,
      context: { spentUsd: () => costs.shift() ?? Number.NaN },
    });
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.map(({ seconds, usd }) => [seconds, usd])).toEqual([
      [0.25, 2],
      [1.75, 14],
      [1, 8],
    ]);
  });

  it.each([
    // Five of them take 250 ms. More are assigned when no more than half of that is left.
    ['by several at a time', false, '+0 +1 =0 +2 +3 +4 +5 =1 =2 =3 +6 +7 +8 =4 =5 =6 +9 +10 +11 =7 =8 =9 =10 =11'],
    // Whatever is assigned will be paid for.
    [
      'one by one where a budget is nearly used up',
      true,
      '+0 +1 =0 +2 =1 +3 =2 +4 =3 +5 =4 +6 =5 +7 =6 +8 =7 +9 =8 +10 =9 +11 =10 =11',
    ],
  ])(
    'is followed by steps that are assigned ahead where ranks go on by themselves: %s',
    async (_, isNear, expected) => {
      const { log } = await trainEpoch({
        ownSeconds: () => 0.05,
        stepMs: 50,
        range: { end: 12 },
        context: { isBudgetNear: () => isNear },
      });
      const done = log.flatMap((line) => /^(assign|commit) (\d+)/.exec(line)?.slice(1).join(' ') ?? []);
      expect(done.join(' ').replaceAll('assign ', '+').replaceAll('commit ', '=')).toBe(expected);
    },
  );

  it('that is not finite teaches nothing, and its time is wasted', async () => {
    const skipped: number[] = [];
    const { eventsOf, log, outcome } = await trainEpoch({
      nonFinite: (step) => (step === 0 ? undefined : 'w0: it became NaN'),
      range: { begin: 0, end: 3, skippedInRow: 4, onCommitted: (_, __, inRow) => skipped.push(inRow) },
    });
    const [first, second, third] = eventsOf('step');
    expect(first).toMatchObject({ loss: 0.5, correct: 12, gradientNorm: 20 });
    expect(first).not.toHaveProperty('skipped');
    expect(second).toMatchObject({ loss: Number.NaN, correct: 0, samples: 16, skipped: 'w0: it became NaN' });
    // Of its gradient nothing is told, though its norm is known.
    expect(third).toHaveProperty('gradientNorm', undefined);
    expect(log.filter((line) => line.startsWith('commit'))).toEqual([
      'commit 0',
      'commit 1, skipped',
      'commit 2, skipped',
    ]);
    expect(eventsOf('spent').map(({ redone }) => redone)).toEqual([false, true, true]);
    expect(skipped).toEqual([0, 1, 2]);
    expect(outcome.totals).toMatchObject({ samples: 48, skippedSamples: 32, lossSum: 8, correct: 12 });
  });

  it('is written and paid for together with those that all have voted for as well', async () => {
    const recorded: unknown[] = [];
    const { eventsOf } = await trainEpoch({
      ownSeconds: () => 1,
      isVoted: (step) => step !== 2,
      range: { end: 5 },
      context: { record: ({ step }, isFollowed) => recorded.push([step, isFollowed]) },
    });
    // After the last of the range none is awaited.
    expect(recorded).toEqual([
      [0, true],
      [1, false],
      [2, true],
      [3, true],
      [4, false],
    ]);
    expect(eventsOf('step')).toHaveLength(5);
    const computed = eventsOf('spent').map(({ members }) => members.map(({ seconds }) => seconds.compute));
    expect(computed).toEqual([
      [2, 2],
      [3, 3],
    ]);
  });

  it('is on record before its commit, though votes for the next one are here', async () => {
    const recorded: unknown[] = [];
    const record: TrainContext['record'] = ({ step }, isFollowed) => recorded.push([step, isFollowed]);
    await trainEpoch({ isVoted: () => true, range: { end: 2 }, context: { record } });
    expect(recorded).toEqual([
      [0, false],
      [1, false],
    ]);
  });

  it('is paid for when the next one, for which all have voted as well, ends training', async () => {
    const events: RunEvent[] = [];
    const training = trainEpoch({
      ownSeconds: () => 1,
      isVoted: () => true,
      vote: (rank, step) => (step === 1 ? { parametersChecksum: rank } : {}),
      onEvent: (event) => events.push(event),
    });
    await expect(training).rejects.toBeInstanceOf(ReplicasDiffer);
    expect(events.map(({ type }) => type)).toEqual(['step', 'spent']);
  });

  it('is followed by several where nobody counts what is left of a budget', async () => {
    const { log } = await trainEpoch({ ownSeconds: () => 0.05, stepMs: 50, range: { end: 12 } });
    expect(log.slice(0, log.indexOf('commit 1')).filter((line) => line.startsWith('assign'))).toHaveLength(6);
  });

  it('on which replicas differ is followed by those that are under way, where ranks go on by themselves', async () => {
    for (const [ahead, awaited] of [
      [{}, [0]],
      [{ ownSeconds: () => 1 }, [0, 1]],
    ] as const) {
      const voted = new Set<number>();
      const vote = (rank: number, step: number) => {
        voted.add(step);
        return { parametersChecksum: rank };
      };
      await expect(trainEpoch({ ...ahead, vote })).rejects.toBeInstanceOf(ReplicasDiffer);
      expect([...voted]).toEqual(awaited);
    }
  });

  it('adds to what its epoch has', async () => {
    let cost = 0;
    const totals = { epoch: 0, samples: 4, lossSum: 10, correct: 2, seconds: 5, usd: 7 };
    const { outcome } = await trainEpoch({
      range: { totals, begin: 1 },
      vote: (rank) => votes[rank] ?? {},
      stepMs: 250,
      context: { spentUsd: () => cost++ },
    });
    expect(outcome.totals).toEqual({ epoch: 0, samples: 12, lossSum: 30, correct: 6, seconds: 5.5, usd: 9 });
  });

  it('never costs less than nothing, and nothing where nobody counts', async () => {
    const costs = [5, 4.75, 6];
    const falling = await trainEpoch({ range: { end: 2 }, context: { spentUsd: () => costs.shift() ?? 0 } });
    expect(falling.eventsOf('step').map(({ usd }) => usd)).toEqual([0, 1]);
    const still = [1, 3];
    const atOnce = await trainEpoch({ range: { end: 1 }, stepMs: 0, context: { spentUsd: () => still.shift() ?? 0 } });
    expect(atOnce.eventsOf('step').map(({ usd }) => usd)).toEqual([2]);
    const free = await trainEpoch();
    expect(free.eventsOf('step').map(({ usd }) => usd)).toEqual([0, 0, 0]);
  });

  it('has the norm of its mean gradient where the sum is known', async () => {
    const { eventsOf } = await trainEpoch();
    // A norm of 20 of the sum over two votes of 8 samples each.
    expect(eventsOf('step').map(({ gradientNorm }) => gradientNorm)).toEqual([20, undefined, 20]);
  });

  it('is told at once as the step that comes next, with what the epoch has then', async () => {
    const next: unknown[] = [];
    const onCommitted: EpochRange['onCommitted'] = (step, { samples }) => next.push([step, samples]);
    await trainEpoch({
      range: { begin: 1, onCommitted },
      onEvent: ({ type }) => (type === 'step' ? next.push(type) : undefined),
    });
    // Two votes of 8 samples a step.
    expect(next).toEqual([[2, 16], 'step', [3, 32], 'step']);
  });

  it('leaves out the times of a member that reported none', async () => {
    const { eventsOf } = await trainEpoch({ spent: (step) => (step === 0 ? [spentBy(1)] : []) });
    expect(eventsOf('step').map(({ members }) => members.map(({ workerId }) => workerId))).toEqual([['w1'], [], []]);
  });

  it('needs replicas that are alike, or is not committed', async () => {
    const log: string[] = [];
    const training = trainEpoch({
      vote: (rank, step) => ({ parametersChecksum: step === 1 ? rank : 0 }),
      onEvent: ({ type }) => log.push(type),
    });
    await expect(training).rejects.toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(/^worker w1 .* holds other parameters than rank 0 before step 1,/),
    });
    expect(log).toEqual(['step', 'spent']);
  });

  it('may change the shares of the next one that is not assigned yet', async () => {
    let shares = [2, 2];
    const seen: unknown[] = [];
    const balancer: ShareBalancer = {
      shares: () => shares,
      firstReason: undefined,
      secondsPerSample: () => undefined,
      observe(members) {
        seen.push(members.map(({ samples }) => samples));
        if (seen.length !== 1) return undefined;
        shares = [3, 1];
        return 'w0 is faster';
      },
    };
    const { events, log } = await trainEpoch({ balancer, vote: (rank) => votes[rank] ?? {} });
    expect(seen).toEqual([
      [3, 1],
      [3, 1],
      [3, 1],
    ]);
    expect(events[2]).toEqual({
      type: 'shares',
      step: 2,
      shares: [
        { workerId: 'w0', samples: 3 },
        { workerId: 'w1', samples: 1 },
      ],
      reason: 'w0 is faster',
    });
    expect(log).toContain('assign 2 of epoch 0: 8..10 by 3/1');
    expect(events.filter(({ type }) => type === 'shares')).toHaveLength(1);
  });
});

describe('training that ends early', () => {
  const range = { end: 100 };

  it('because it is interrupted finishes what is assigned', async () => {
    const interruption = new AbortController();
    const { outcome, committed } = await trainEpoch({
      range,
      context: { signal: interruption.signal },
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 4) interruption.abort();
      },
    });
    expect(outcome).toMatchObject({ step: 6, spentBudget: undefined });
    expect(committed).toBe(6);
  });

  it('because a budget is used up finishes what is assigned, and keeps to the first reason', async () => {
    const reasons = [undefined, undefined, 'the money is gone', 'the time is up', 'both'];
    const { outcome, committed } = await trainEpoch({ range, context: { findSpentBudget: () => reasons.shift() } });
    expect(outcome).toMatchObject({ step: 3, spentBudget: 'the money is gone' });
    expect(committed).toBe(3);
    // Asked once before, and once a commit until there is a reason.
    expect(reasons).toEqual(['the time is up', 'both']);
  });

  it('because a pause is due finishes what is assigned, and says for no budget', async () => {
    let asked = 0;
    const pause = { ...range, isPauseDue: () => ++asked === 2 };
    const { outcome, log } = await trainEpoch({ range: pause });
    // Asked after the commits of steps 0 and 1; step 2 was assigned by then.
    expect(outcome).toMatchObject({ step: 3, spentBudget: undefined });
    expect(log.at(-1)).toBe('commit 2');
  });

  it('before it begins trains nothing', async () => {
    const budget = await trainEpoch({ range: { begin: 2, end: 3 }, context: { findSpentBudget: () => 'no money' } });
    expect(budget.outcome).toEqual({ step: 2, totals: beginEpoch(0), spentBudget: 'no money' });
    const interrupted = await trainEpoch({ range: { begin: 2, end: 3 }, context: { signal: AbortSignal.abort() } });
    expect(interrupted.outcome).toEqual({ step: 2, totals: beginEpoch(0), spentBudget: undefined });
    for (const { log } of [budget, interrupted]) expect(log).toEqual([]);
  });

  it('at the end of its range has nothing left to finish', async () => {
    const interruption = new AbortController();
    const { outcome, committed } = await trainEpoch({
      range: { end: 2 },
      context: { signal: interruption.signal },
      onEvent: (event) => {
        if (event.type === 'step' && event.step === 1) interruption.abort();
      },
    });
    expect(outcome.step).toBe(2);
    expect(committed).toBe(2);
  });
});
