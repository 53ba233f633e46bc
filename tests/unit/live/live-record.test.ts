import { describe, expect, test } from 'vitest';
import {
  advanceLive,
  beginLive,
  endLive,
  type LiveEnding,
  type LivePlan,
  type LiveRecord,
  tickLive,
} from '../../../src/coordinator/live/live-record.ts';
import { publishTo } from '../../../src/coordinator/publish-events.ts';
import { createBookkeeper } from '../../../src/coordinator/record/bookkeeper.ts';
import { deriveEvents } from '../../../src/coordinator/record/derived-events.ts';
import type { EpochEvent, RunEvent } from '../../../src/coordinator/run-events.ts';
import { livePlan } from '../../support/live-run.ts';
import { member, startedAtUnixMs, stepEvent } from '../../support/observed-run.ts';
import { budgetConfig } from '../../support/settings.ts';

/** Seconds after the start. */
const at = (seconds: number) => ({ now: seconds, unixMs: startedAtUnixMs + seconds * 1000 });

/** A page and the books of the run beside each other, as the coordinator has them. */
function openLive(plan: LivePlan = livePlan) {
  let now = 0;
  let record = beginLive(plan);
  const see = (event: RunEvent) => {
    record = advanceLive(record, event, at(now));
  };
  const clock = { now: () => now, unixMs: () => at(now).unixMs };
  const books = createBookkeeper({ clock, startedAt: 0, carried: undefined });
  const publish = publishTo([see], deriveEvents(books, { now: () => now }));
  return {
    tell(seconds: number, event: RunEvent) {
      now = seconds;
      if (event.type === 'generation') {
        // Their processes began when the run did.
        for (const { workerId, priceUsdPerHour } of event.members)
          books.observe({ type: 'worker-began', workerId, at: 0, priceUsdPerHour });
      }
      publish(event);
    },
    end(seconds: number, ending: LiveEnding) {
      now = seconds;
      record = endLive(record, ending, at(now));
    },
    /** All processes are gone. */
    closeBooks(seconds: number) {
      now = seconds;
      const accounts = books.close();
      if (accounts !== undefined) see(accounts);
    },
    record: () => record,
  };
}

/** Events, each at its second. */
function observe(events: readonly (readonly [number, RunEvent])[], plan: LivePlan = livePlan): LiveRecord {
  const live = openLive(plan);
  for (const [seconds, event] of events) live.tell(seconds, event);
  return live.record();
}

/** $3.60 an hour is a tenth of a cent a second. */
const generation = (...prices: readonly (number | undefined)[]): RunEvent => ({
  type: 'generation',
  number: 1,
  parameterCount: 10,
  reason: 'all 2 workers are ready',
  members: prices.map((price, rank) => member(rank, price)),
});
const epochEvent: EpochEvent = {
  type: 'epoch',
  epoch: 0,
  loss: 0.5,
  accuracy: 0.75,
  testLoss: 0.4,
  testAccuracy: 0.9,
  samples: 640,
  seconds: 10,
  evaluateSeconds: 1,
};
const begun: readonly (readonly [number, RunEvent])[] = [
  [2, generation(3.6, 3.6)],
  [2, { type: 'epoch-begun', epoch: 0 }],
];
const tenSteps = Array.from({ length: 10 }, (_, step) => [3 + step, stepEvent(step)] as const);
const texts = ({ state }: LiveRecord) => state.log.map(({ text }) => text);

describe('what the live page shows', () => {
  test('at first is what was asked for, and that nobody is there', () => {
    const { state } = observe([]);
    expect(state.run).toMatchObject({ runId: 'r1', dataset: 'mnist', epochs: 2, totalSteps: 20, worldSize: 2 });
    expect(state).toMatchObject({ stage: { name: 'waiting' }, workers: [], epochs: [], log: [] });
    expect(state).not.toHaveProperty('cost');
    expect(state).not.toHaveProperty('budget');
    const training = { ...livePlan.training, steps: 7 };
    expect(observe([], { ...livePlan, training, budget: budgetConfig({ budgetUsd: 0.5 }) }).state).toMatchObject({
      run: { totalSteps: 7 },
      budget: { basis: 'accrued', usd: 0.5 },
    });
  });

  test('workers, from their arrival to their training, by rank', () => {
    const arriving = observe([
      [1, { type: 'worker-joined', workerId: 'w1', host: 'alpha', pid: 2 }],
      [1, { type: 'worker-joined', workerId: 'w0', host: 'alpha', pid: 1 }],
      [2, { type: 'worker-ready', workerId: 'w0', backend: 'wasm', device: 'wasm, SIMD' }],
    ]);
    expect(arriving.state.workers.map(({ workerId, status }) => [workerId, status])).toEqual([
      ['w1', 'joined'],
      ['w0', 'ready'],
    ]);
    const { workers, stage } = advanceLive(arriving, generation(3.6, undefined), at(3)).state;
    expect(stage.name).toBe('training');
    expect(workers).toMatchObject([
      { workerId: 'w0', status: 'training', device: 'wasm, SIMD', priceUsdPerHour: 3.6 },
      { workerId: 'w1', status: 'training' },
    ]);
    expect(workers[1]).not.toHaveProperty('priceUsdPerHour');
  });

  test('where the time went: the update counts as computing, and shares are of the samples', () => {
    const uneven = stepEvent(0, { samples: 40 });
    const members = uneven.members.map((part) => ({ ...part, samples: part.workerId === 'w0' ? 30 : 10 }));
    const { workers } = observe([...begun, [3, { ...uneven, members }]]).state;
    expect(workers.map(({ share }) => share)).toEqual([0.75, 0.25]);
    expect(workers[0]?.phases?.compute).toBeCloseTo(0.85, 12);
    expect(workers[0]?.phases?.load).toBeCloseTo(0.05, 12);
    expect(workers[1]?.phases?.wait).toBeCloseTo(0.5, 12);
    for (const { phases } of workers) {
      const ratios: readonly number[] = Object.values(phases ?? {});
      expect(ratios.reduce((sum, ratio) => sum + ratio)).toBeCloseTo(1, 12);
    }
  });

  test('a worker that slows down shows soon, whatever it did before', () => {
    const phases = { load: 0, compute: 0.1, communicate: 0, wait: 0.9, apply: 0 };
    const slow = (step: number) => stepEvent(step, { members: [{ workerId: 'w0', samples: 64, phases }] });
    const before = observe([...begun, ...tenSteps]);
    const after = Array.from({ length: 30 }, (_, step) => slow(10 + step)).reduce(
      (record, step) => advanceLive(record, step, at(20)),
      before,
    );
    expect(before.state.workers[0]?.phases?.wait).toBe(0);
    expect(after.state.workers[0]?.phases?.wait).toBeGreaterThan(0.8);
  });

  test('the figures of the epoch so far, and what is left of the run at this pace', () => {
    const { state } = tickLive(observe([...begun, ...tenSteps.slice(0, 5)]), at(7));
    expect(state.progress).toEqual({
      epoch: 1,
      step: 5,
      elapsedSeconds: 7,
      loss: 0.5,
      accuracy: 0.75,
      samplesPerSecond: 64,
      // Fifteen steps, and two passes over 100 test images at three times the pace.
      etaSeconds: expect.closeTo(15 + (2 * 100) / (3 * 64), 9),
    });
  });

  test('a step that was skipped, in the log; curve and means are of what was learned', () => {
    const skipped = stepEvent(1, { loss: Number.NaN, correct: 0, skipped: 'worker w1 (rank 1): the loss became NaN' });
    const applied = [stepEvent(0, { loss: 0.5 }), stepEvent(2, { loss: 1.5 })] as const;
    const { state } = observe([...begun, [3, applied[0]], [4, skipped], [5, applied[1]]]);
    expect(state.log.at(-1)).toMatchObject({
      text: 'step 2 was skipped: worker w1 (rank 1): the loss became NaN',
      level: 'bad',
    });
    expect(state.curve.points.map(({ step, samples, lossSum }) => [step, samples, lossSum])).toEqual([
      [1, 64, 32],
      [2, 0, 0],
      [3, 64, 96],
    ]);
    expect(state.progress).toMatchObject({ step: 3 });
  });

  test('the test pass after the last step of an epoch, then its results and its cost', () => {
    const trained = observe([...begun, ...tenSteps]);
    expect(trained.state.stage.name).toBe('testing');
    const tested = advanceLive(trained, epochEvent, at(13));
    expect(tested.state.epochs).toEqual([
      {
        epoch: 1,
        step: 10,
        loss: 0.5,
        accuracy: 0.75,
        testLoss: 0.4,
        testAccuracy: 0.9,
        seconds: 10,
        samplesPerSecond: 64,
        costUsd: expect.closeTo(0.02, 12),
      },
    ]);
    expect(texts(tested).at(-1)).toBe('epoch 1 finished: test accuracy 90.00 %');
    expect(advanceLive(tested, { type: 'epoch-begun', epoch: 1 }, at(13)).state).toMatchObject({
      stage: { name: 'training' },
      progress: { epoch: 2, step: 10 },
    });
  });
});

test('an epoch that --steps cut short is called so, and is no measure of what an epoch costs', () => {
  const whole = observe([...begun, [12, { ...epochEvent, usd: 0.5 }]]);
  expect(tickLive(whole, at(12)).state.cost?.lastEpochUsd).toBe(0.5);
  const cut = advanceLive(whole, { ...epochEvent, epoch: 1, usd: 0.1, cutShort: true }, at(13));
  expect(cut.state.epochs.map(({ epoch, costUsd, cutShort }) => [epoch, costUsd, cutShort])).toEqual([
    [1, 0.5, undefined],
    [2, 0.1, true],
  ]);
  expect(cut.state.cost?.lastEpochUsd).toBe(0.5);
  expect(texts(cut).at(-1)).toBe('epoch 2 cut short: test accuracy 90.00 %');
});

describe('the cost meter', () => {
  test('counts from the start of the workers, by worker and for all, and leaves out who has no price', () => {
    const { state } = tickLive(observe([[2, generation(3.6, undefined)]]), at(12));
    expect(state.cost).toEqual({
      usd: expect.closeTo(0.012, 12),
      billedUsd: expect.closeTo(0.012, 12),
      usdPerHour: 3.6,
    });
    expect(state.workers.map(({ costUsd }) => costUsd)).toEqual([expect.closeTo(0.012, 12), undefined]);
    expect(tickLive(observe([[2, generation(undefined)]]), at(12)).state).not.toHaveProperty('cost');
  });

  test('a lost worker costs no more, and is said to be lost', () => {
    const lost = observe([...begun, [10, { type: 'worker-lost', workerId: 'w1', reason: 'killed', cause: 'killed' }]]);
    const { state } = tickLive(lost, at(20));
    expect(state.cost).toMatchObject({ usd: expect.closeTo(0.03, 12), usdPerHour: 3.6 });
    expect(state.workers.map(({ status }) => status)).toEqual(['training', 'lost']);
    expect(state.log.at(-1)).toMatchObject({ level: 'bad', text: 'lost w1: killed' });
  });
});

describe('the end', () => {
  test('stops the clock and the meter, and nothing comes after it but the last accounts', () => {
    const live = openLive();
    for (const [seconds, event] of [...begun, ...tenSteps]) live.tell(seconds, event);
    live.end(13, { status: 'completed' });
    const ended = live.record();
    expect(ended.state).toMatchObject({ stage: { name: 'completed' }, progress: { elapsedSeconds: 13 } });
    expect(ended.state.cost?.usd).toBeCloseTo(0.026, 12);
    expect(ended.state.progress).not.toHaveProperty('etaSeconds');
    expect(ended.state.workers.map(({ status }) => status)).toEqual(['done', 'done']);
    expect(texts(ended).at(-1)).toBe('finished');
    expect(tickLive(ended, at(99))).toBe(ended);
    expect(endLive(ended, { status: 'failed', reason: 'late' }, at(99))).toBe(ended);

    // Processes take time to end, and cost until they have.
    live.tell(14, { type: 'worker-ended', workerId: 'w0' });
    live.tell(15, { type: 'worker-ended', workerId: 'w1' });
    live.closeBooks(20);
    const { state } = live.record();
    const closing = { usd: expect.closeTo(0.029, 12), billedUsd: expect.closeTo(0.029, 12) };
    expect(state.cost).toEqual({ ...ended.state.cost, ...closing });
    expect(state.workers.map(({ costUsd }) => costUsd)).toEqual([
      ...[expect.closeTo(0.014, 12), expect.closeTo(0.015, 12)],
    ]);
    expect({ ...state, cost: undefined, workers: undefined }).toEqual({
      ...ended.state,
      cost: undefined,
      workers: undefined,
    });
  });

  test('of a run that failed has its reason', () => {
    const failed = endLive(observe([]), { status: 'failed', reason: 'w1 is silent' }, at(1));
    expect(failed.state.stage).toEqual({ name: 'failed', reason: 'w1 is silent' });
    expect(failed.state.log.at(-1)).toMatchObject({ level: 'bad', text: 'failed: w1 is silent' });
  });
});

describe('what lies ahead', () => {
  const budget = budgetConfig({ budgetUsd: 0.1, budgetHours: 1 });
  const plan = { ...livePlan, budget };

  test('is the cost of the whole run, and how long the first budget lasts', () => {
    const { state } = tickLive(observe([...begun, ...tenSteps], plan), at(13));
    // Two workers at a tenth of a cent a second have been there for 13 s; ten steps and two test passes are left.
    const left = 10 + (2 * 100) / (3 * 64);
    expect(state.progress.etaSeconds).toBeCloseTo(left, 9);
    expect(state.cost).toMatchObject({
      usd: expect.closeTo(0.026, 9),
      projectedUsd: expect.closeTo(0.026 + 0.002 * left, 9),
    });
    expect(state.budget).toEqual({
      basis: 'accrued',
      usd: 0.1,
      secondsLeft: expect.closeTo(37, 6),
    });
  });

  test('is the bill where that is limited', () => {
    const live = openLive({ ...livePlan, budget: budgetConfig({ budgetUsd: 0.1, budgetBasis: 'billed' }) });
    live.tell(0, { type: 'worker-began', workerId: 'w0', at: 0, priceUsdPerHour: 3.6, gpu: 'gcp/t4/spot' });
    live.tell(2, { type: 'tick' });
    // A minute is billed already, and forty more seconds can be; the run takes three of them to end.
    expect(tickLive(live.record(), at(2)).state.budget).toMatchObject({
      basis: 'billed',
      usd: 0.1,
      secondsLeft: expect.closeTo(98 - 3, 3),
    });
  });

  test('is nothing once the run has ended', () => {
    const live = openLive(plan);
    for (const [seconds, event] of [...begun, ...tenSteps]) live.tell(seconds, event);
    live.end(13, { status: 'interrupted', reason: 'Ctrl-C' });
    live.closeBooks(14);
    const { state } = live.record();
    expect(state.cost).not.toHaveProperty('projectedUsd');
    // What its workers cost an hour while they were there.
    expect(state.cost?.usdPerHour).toBeCloseTo(7.2, 9);
    expect(state.budget).toEqual({ basis: 'accrued', usd: 0.1 });
  });

  test('has behind it, where a run goes on, what was trained before', () => {
    const epoch = { epoch: 0, samples: 320, lossSum: 160, correct: 240, seconds: 5 };
    const resumed = observe([
      [0, { type: 'resumed', step: 5, samples: 320, epoch }],
      ...begun,
      ...[5, 6, 7, 8, 9].map((step) => [step, stepEvent(step)] as const),
    ]);
    expect(resumed.state.stage.name).toBe('testing');
    expect(tickLive(resumed, at(9)).state.progress.etaSeconds).toBeCloseTo(10 + (2 * 100) / (3 * 64), 9);
  });
});

describe('strangers', () => {
  test('fill neither the log nor the table', () => {
    const rejected = { type: 'frame-rejected', reason: 'header', detail: 'not a map' } as const;
    const noise = Array.from({ length: 500 }, (_, index): readonly [number, RunEvent][] => [
      [1, rejected],
      [1, { type: 'worker-joined', workerId: `x${index}`, host: 'beta', pid: index }],
      [1, { type: 'worker-lost', workerId: `x${index}`, reason: 'y'.repeat(10_000), cause: 'left' }],
    ]).flat();
    const { state } = observe(noise);
    expect(state.workers).toEqual([]);
    expect(state.log).toHaveLength(100);
    expect(Math.max(...state.log.map(({ text }) => text.length))).toBe(300);
    expect(new Set(state.log.map(({ id }) => id)).size).toBe(100);
    expect(texts(observe(noise.slice(0, 30))).filter((text) => text.startsWith('rejected'))).toHaveLength(1);
  });
});

test('a straggler is marked while it is one, and no longer than it is in the run', () => {
  const compared = (slowdown: number): RunEvent => ({
    type: 'slowdowns',
    members: [
      { workerId: 'w0', slowdown: 1 / slowdown, isStraggler: false },
      { workerId: 'w1', slowdown, isStraggler: slowdown > 1.5 },
    ],
  });
  const marks = (...events: readonly RunEvent[]) =>
    observe([generation(1, 1), ...events].map((event, second) => [second, event])).state.workers.map(
      ({ stragglerSlowdown }) => stragglerSlowdown,
    );
  expect(marks(compared(4))).toEqual([undefined, 4]);
  expect(marks(compared(4), compared(1))).toEqual([undefined, undefined]);
  const withoutIt: RunEvent = { type: 'slowdowns', members: [{ workerId: 'w0', slowdown: 1, isStraggler: false }] };
  expect(marks(compared(4), withoutIt)).toEqual([undefined, 4]);
  const dropped: RunEvent = { type: 'worker-drained', workerId: 'w1', reason: 'it is slow', dropped: true };
  expect(marks(compared(4), dropped)).toEqual([undefined, undefined]);
  const told: RunEvent = { type: 'straggler', workerId: 'w1', isOne: true, slowdown: 4, reason: 'it is slow' };
  const log = observe([
    [0, generation(1, 1)],
    [1, told],
    [2, { ...told, isOne: false }],
    [3, { type: 'straggler-kept', workerId: 'w1', reason: 'the run needs it' }],
  ]).state.log;
  expect(log.slice(-3).map(({ text, level }) => `${level}: ${text}`)).toEqual([
    'bad: w1 is a straggler: it is slow',
    'good: w1 is no straggler any more: it is slow',
    'bad: w1 is not dropped: the run needs it',
  ]);
});
