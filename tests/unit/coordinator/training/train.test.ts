/** The loop over epochs, with a generation that answers as the test says. */
import { describe, expect, it } from 'vitest';
import { MemberLost } from '../../../../src/coordinator/generation/member-lost.ts';
import type { RecordedRun, RunEvent } from '../../../../src/coordinator/run-events.ts';
import { mostSkippedInRow } from '../../../../src/settings/training-settings.ts';
import { PennygradError } from '../../../../src/shared/core/errors.ts';
import type { Checkpoint } from '../../../../src/shared/model/training-state.ts';
import { memberOf } from '../generation/members.ts';
import { type Script, spentBy, stateOf } from './scripted-generation.ts';
import { atStep, recorded, runTraining, type Training } from './scripted-training.ts';

/** In parts of two global batches. */
const testPass = ['0..8', '8..16', '16..20'].map((part) => `evaluate test ${part} by 2/2`);

describe('training', () => {
  it('that has diverged ends at the end of its epoch, with that epoch on record and without a checkpoint', async () => {
    const events: RunEvent[] = [];
    const diverging = {
      testLoss: 1e6,
      training: { lr: 0.25 },
      onEvent: (event: RunEvent) => events.push(event),
    };
    await expect(runTraining(diverging)).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(/test loss is 1\.0e\+6 after step 3, in epoch 1, .* --lr below 0\.25$/),
    });
    expect(events.filter(({ type }) => type === 'epoch')).toMatchObject([{ epoch: 0, testLoss: 1e6 }]);
    expect(events.some(({ type }) => type === 'checkpoint')).toBe(false);
  });

  it('goes on where a step has a loss that the epoch recovers from', async () => {
    const { outcome } = await runTraining({
      vote: (_, step) => ({ lossSum: step === 1 ? 1e9 : 1 }),
      testLoss: 2,
    });
    expect(outcome.end).toEqual({ kind: 'completed' });
  });

  it('is epochs of steps, each tested and saved, and a picture at the end', async () => {
    const { outcome, log, events, positions } = await runTraining();
    expect(outcome).toEqual({ steps: 6, end: { kind: 'completed' }, replicas: { identical: true, difference: 0 } });
    expect(log.filter((line) => !/^(assign|votes)/.test(line))).toEqual([
      'commit 0',
      'commit 1',
      'commit 2',
      ...testPass,
      'report-state state,checksum',
      'commit 3',
      'commit 4',
      'commit 5',
      ...testPass,
      'report-state state,checksum',
      'predict 10',
    ]);
    expect(positions).toEqual([
      [3, 0, 10],
      [6, 1, 10],
    ]);
    expect(events.map(({ type }) => type).slice(7)).toEqual([
      ...Array(3).fill('spent'),
      'epoch',
      'spent',
      'checkpoint',
      'epoch-begun',
      ...Array(3).fill(['step', 'spent']).flat(),
      ...Array(3).fill('spent'),
      'epoch',
      'spent',
      'checkpoint',
      'predictions',
      'spent',
    ]);
    expect(events.at(-2)).toEqual({ type: 'predictions', count: 10, probabilities: new Float32Array(10) });
    expect(events.filter((event) => event.type === 'spent').map(({ redone }) => redone)).not.toContain(true);
  });

  it('tells of an epoch with means over its samples and over the test images', async () => {
    let cost = 0;
    const { eventsOf } = await runTraining({ context: { spentUsd: () => cost++ } });
    expect(eventsOf('epoch')[0]).toStrictEqual({
      type: 'epoch',
      epoch: 0,
      loss: 0.5,
      accuracy: 0.75,
      testLoss: 0.5,
      testAccuracy: 0.75,
      samples: 48,
      seconds: 3,
      usd: 3,
      evaluateSeconds: 1.5,
    });
    expect(eventsOf('epoch').map(({ epoch }) => epoch)).toEqual([0, 1]);
  });

  it('shows no more images than there are', async () => {
    expect((await runTraining({ settings: { testCount: 7 } })).log.at(-1)).toBe('predict 7');
  });

  it.each([
    [4, [3, 4], [undefined, true]],
    [3, [3], [undefined]],
    [2, [2], [true]],
    [100, [3, 6], [undefined, undefined]],
  ])('of %i steps at most says which epoch that cuts short', async (steps, saved, cutShort) => {
    const { outcome, eventsOf, positions } = await runTraining({ training: { steps } });
    expect(outcome).toMatchObject({ steps: saved.at(-1), end: { kind: 'completed' } });
    expect(positions.map(([step]) => step)).toEqual(saved);
    expect(eventsOf('epoch').map((event) => event.cutShort)).toEqual(cutShort);
  });

  it.each([
    [0.75, 3, { kind: 'target', reason: '--target-accuracy 0.75 is reached after epoch 1' }],
    [0.5, 3, { kind: 'target', reason: '--target-accuracy 0.5 is reached after epoch 1' }],
    [0.76, 6, { kind: 'completed' }],
  ])('ends at the first epoch that reaches a test accuracy of %d', async (targetAccuracy, steps, end) => {
    expect((await runTraining({ training: { targetAccuracy } })).outcome).toMatchObject({ steps, end });
  });

  it('compares the replicas of each save', async () => {
    const { outcome } = await runTraining({ training: { epochs: 1 }, answers: [stateOf(1), stateOf(1)] });
    expect(outcome.replicas).toEqual({ identical: true, difference: 0 });
    await expect(runTraining({ answers: [stateOf(1), stateOf(2)] })).rejects.toThrow(
      /w1 .* holds other parameters than rank 0 before step 3/,
    );
  });
});

describe('training that is interrupted', () => {
  it('in an epoch saves where it is, and tests nothing more', async () => {
    const interruption = new AbortController();
    const { outcome, positions, eventsOf } = await runTraining({
      context: { signal: interruption.signal },
      onEvent: atStep(3, () => interruption.abort()),
      training: { epochs: 3 },
    });
    // The fifth step was assigned; the epoch has a sixth.
    expect(outcome).toMatchObject({ steps: 5, end: { kind: 'interrupted' } });
    expect(positions.at(-1)).toEqual([5, 1, 8]);
    expect(eventsOf('epoch')).toHaveLength(1);
  });

  it('where a checkpoint within an epoch is due saves once, and ends there', async () => {
    const interruption = new AbortController();
    const { outcome, positions, eventsOf } = await runTraining({
      context: { signal: interruption.signal },
      onEvent: atStep(3, () => interruption.abort()),
      training: { checkpointEvery: 2 },
    });
    expect(outcome).toMatchObject({ steps: 4, end: { kind: 'interrupted' } });
    expect(positions).toEqual([
      [2, 0, 8],
      [3, 0, 10],
      [4, 1, 4],
    ]);
    expect(eventsOf('epoch')).toHaveLength(1);
  });

  it.each([2, 5])('with step %i, the last of its epoch, leaves the test pass to the run that goes on', async (last) => {
    const interruption = new AbortController();
    const { outcome, eventsOf, positions } = await runTraining({
      context: { signal: interruption.signal },
      onEvent: atStep(last, () => interruption.abort()),
    });
    expect(outcome).toMatchObject({ steps: last + 1, end: { kind: 'interrupted' } });
    expect(eventsOf('epoch').map(({ epoch }) => epoch)).toEqual(last === 2 ? [] : [0]);
    expect(positions.at(-1)).toEqual([last + 1, last === 2 ? 0 : 1, 10]);
  });

  it('in a test pass waits for the parts that are asked for, asks for no more, and saves', async () => {
    const interruption = new AbortController();
    const { outcome, eventsOf, log, positions } = await runTraining({
      context: { signal: interruption.signal },
      settings: { testCount: 40 },
      onEvaluate: (from) => {
        if (from === 8) interruption.abort();
      },
    });
    expect(outcome).toMatchObject({ steps: 3, end: { kind: 'interrupted' } });
    expect(eventsOf('epoch')).toEqual([]);
    expect(log.filter((line) => line.startsWith('evaluate'))).toEqual(testPass.slice(0, 2));
    expect(log.at(-2)).toBe('report-state state,checksum');
    expect(positions).toEqual([[3, 0, 10]]);
  });

  it('in the last part of a test pass has tested, saves once and begins nothing more', async () => {
    const interruption = new AbortController();
    const { outcome, eventsOf, positions } = await runTraining({
      context: { signal: interruption.signal },
      onEvaluate: (from) => {
        if (from === 16) interruption.abort();
      },
    });
    expect(outcome).toMatchObject({ steps: 3, end: { kind: 'interrupted' } });
    expect(eventsOf('epoch')).toMatchObject([{ epoch: 0, testLoss: 0.5, testAccuracy: 0.75 }]);
    expect(positions).toEqual([[3, 0, 10]]);
    expect(eventsOf('epoch-begun')).toHaveLength(1);
  });

  it('in the last part of its last test pass is complete', async () => {
    const interruption = new AbortController();
    const { outcome } = await runTraining({
      training: { epochs: 1 },
      context: { signal: interruption.signal },
      onEvaluate: (from) => {
        if (from === 16) interruption.abort();
      },
    });
    expect(outcome).toMatchObject({ steps: 3, end: { kind: 'completed' } });
  });

  it('at its very end is complete', async () => {
    const interruption = new AbortController();
    const { outcome } = await runTraining({
      context: { signal: interruption.signal },
      onEvent: ({ type }) => {
        if (type === 'predictions') interruption.abort();
      },
    });
    expect(outcome).toMatchObject({ steps: 6, end: { kind: 'completed' } });
  });

  it('by a budget in a test pass says which', async () => {
    let parts = 0;
    const { outcome, eventsOf, log } = await runTraining({
      context: { findSpentBudget: () => (parts >= 1 ? 'the money is gone' : undefined) },
      onEvaluate: () => {
        parts += 1;
      },
    });
    expect(outcome).toMatchObject({ steps: 3, end: { kind: 'budget', reason: 'the money is gone' } });
    expect(eventsOf('epoch')).toEqual([]);
    // Two were asked for at once.
    expect(log.filter((line) => line.startsWith('evaluate'))).toEqual(testPass.slice(0, 2));
  });

  it('by a budget says which, even where an epoch ends', async () => {
    let steps = 0;
    const { outcome, eventsOf, positions } = await runTraining({
      context: { findSpentBudget: () => (steps >= 3 ? 'the money is gone' : undefined) },
      onEvent: ({ type }) => {
        if (type === 'step') steps += 1;
      },
    });
    expect(outcome).toMatchObject({ steps: 3, end: { kind: 'budget', reason: 'the money is gone' } });
    expect(eventsOf('epoch')).toEqual([]);
    expect(positions).toEqual([[3, 0, 10]]);
  });
});

describe('training that goes on', () => {
  const state = { parameters: Float32Array.of(1, 2, 3), optimizer: { iterations: 4, slots: [] } };

  it('between epochs restores the state, and trains what is left', async () => {
    const start = { step: 3, generation: 0, stepsBefore: 5, state, epoch: undefined };
    const { log, outcome, eventsOf } = await runTraining({ settings: { start } });
    expect(log.slice(0, 2)).toEqual(['restore 1,2,3 of step 3 to 0,1', 'assign 3 of epoch 1: 0..4 by 2/2']);
    expect(outcome.steps).toBe(6);
    const redone = eventsOf('spent').map((event) => event.redone);
    // Steps 3 and 4 had been trained before; step 5, tests and saves had not.
    expect(redone).toEqual([true, true, ...Array(6).fill(false)]);
  });

  it('in an epoch whose steps are all done tests it first', async () => {
    const epoch = { epoch: 0, samples: 10, lossSum: 20, correct: 5, seconds: 2, usd: undefined };
    const start = { step: 3, generation: 0, stepsBefore: 3, state: undefined, epoch };
    const { log, eventsOf, positions } = await runTraining({ settings: { start } });
    expect(log.slice(0, 3)).toEqual(testPass);
    expect(eventsOf('epoch')[0]).toMatchObject({ epoch: 0, loss: 2, accuracy: 0.5, samples: 10, usd: undefined });
    expect(positions).toEqual([
      [3, 0, 10],
      [6, 1, 10],
    ]);
  });

  it('after its last step tests what was not tested', async () => {
    const epoch = { epoch: 1, samples: 10, lossSum: 20, correct: 5, seconds: 2, usd: 1 };
    const start = { step: 6, generation: 0, stepsBefore: 6, state: undefined, epoch };
    const { outcome, eventsOf, positions } = await runTraining({ settings: { start } });
    expect(outcome).toMatchObject({ steps: 6, end: { kind: 'completed' } });
    expect(eventsOf('epoch')).toMatchObject([{ epoch: 1, usd: 1 }]);
    expect(positions).toEqual([[6, 1, 10]]);
  });

  it('where nothing is left trains and saves nothing', async () => {
    const start = { step: 6, generation: 0, stepsBefore: 6, state: undefined, epoch: undefined };
    const { log, outcome } = await runTraining({ settings: { start } });
    expect(outcome).toEqual({ steps: 6, end: { kind: 'completed' }, replicas: undefined });
    expect(log).toEqual(['predict 10']);
  });
});

describe('training with several generations', () => {
  const steps = (log: readonly string[]) =>
    log.filter((line) => line.startsWith('commit')).map((line) => line.slice(7));
  const leaving = { reason: 'w1 is about to leave', leavesTooFew: false };
  const asked = 'report-state checksum,checksum';

  it('hands over to the next one after the steps that are assigned, in the same epoch', async () => {
    let change: typeof leaving | undefined;
    const { outcome, log, eventsOf } = await runTraining({
      changeDue: () => change,
      onEvent(event) {
        if (event.type === 'step' && event.step === 3) change = leaving;
      },
      // The next generation has no reason to end.
      onGeneration() {
        change = undefined;
      },
      training: { epochs: 3 },
      later: [{ applied: [5, 5] }],
    });
    expect(outcome).toMatchObject({ steps: 9, end: { kind: 'completed' } });
    expect(steps(log)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
    // Step 4 was assigned.
    expect(log[log.indexOf(asked) - 1]).toBe('commit 4');
    expect(eventsOf('epoch-begun').map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
    expect(eventsOf('epoch').map(({ samples }) => samples)).toEqual([48, 48, 48]);
    expect(eventsOf('rolled-back')).toEqual([]);
  });

  it.each([
    [
      'asks them how far they are before it is over, where nobody waits for a commit',
      { ownSeconds: () => 1 },
      [asked, asked],
    ],
    ['asks nobody before it is over, where steps are committed', {}, [asked]],
  ])('%s', async (_, script, expected) => {
    let change: typeof leaving | undefined;
    const { log } = await runTraining({
      changeDue: () => change,
      onEvent(event) {
        if (event.type === 'step' && event.step === 1) change = leaving;
      },
      onGeneration() {
        change = undefined;
      },
      ...script,
      later: [{ applied: [3, 3] }],
    });
    const last = log.lastIndexOf('commit 2');
    expect(
      log.slice(last + 1, log.indexOf('assign 3 of epoch 1: 0..4 by 1/1')).filter((line) => line === asked),
    ).toEqual(expected);
  });

  it.each([
    [true, [[2, 0, 8]]],
    [false, []],
  ])('saves before all of its members leave, and only then: %s', async (leavesTooFew, saved) => {
    const checkpoints: Checkpoint[] = [];
    let change: typeof leaving | undefined;
    const training = runTraining({
      changeDue: () => change,
      onEvent(event) {
        if (event.type === 'checkpoint') checkpoints.push(event.checkpoint);
        if (event.type === 'step' && event.step === 0) change = { ...leaving, leavesTooFew };
      },
    });
    await expect(training).rejects.toThrow('nobody came');
    expect(checkpoints.map(({ step, epoch, cursor }) => [step, epoch, cursor])).toEqual(saved);
  });

  it('saves first what is due when a change is, and finishes where nothing else is left', async () => {
    let change: typeof leaving | undefined;
    const { outcome, log, positions, eventsOf } = await runTraining({
      changeDue: () => change,
      onEvaluate: (from) => {
        if (from === 16) change = leaving;
      },
      onGeneration() {
        change = undefined;
      },
      // Nobody comes for the last one.
      later: [{ applied: [3, 3] }],
    });
    expect(outcome).toMatchObject({ steps: 6, end: { kind: 'completed' } });
    expect(positions).toEqual([
      [3, 0, 10],
      [6, 1, 10],
    ]);
    expect(log.filter((line) => line.startsWith('report-state'))).toEqual([
      'report-state state,checksum',
      asked,
      'report-state state,checksum',
    ]);
    // They have the state of the checkpoint, and nothing is lost.
    expect(eventsOf('rolled-back')).toEqual([]);
  });

  it('does not save twice what it has saved', async () => {
    const saved: number[] = [];
    let change: typeof leaving | undefined;
    const training = runTraining({
      changeDue: () => change,
      onEvent(event) {
        if (event.type !== 'checkpoint') return;
        saved.push(event.checkpoint.step);
        change = { ...leaving, leavesTooFew: true };
      },
    });
    await expect(training).rejects.toThrow('nobody came');
    expect(saved).toEqual([3]);
  });

  it('goes on with a test pass where the one before stopped, and no image is tested twice', async () => {
    let change: typeof leaving | undefined;
    const { eventsOf, log } = await runTraining({
      training: { epochs: 1 },
      settings: { testCount: 40 },
      changeDue: () => change,
      onEvaluate: (from) => {
        if (from === 0) change = leaving;
      },
      onGeneration() {
        change = undefined;
      },
      later: [{ applied: [3, 3] }],
    });
    const parts = ['0..8', '8..16', '16..24', '24..32', '32..40'].map((part) => `evaluate test ${part} by 2/2`);
    // The second part was asked for already.
    expect(log.filter((line) => line.startsWith('evaluate') || line === asked)).toEqual([
      ...parts.slice(0, 2),
      asked,
      ...parts.slice(2),
    ]);
    expect(eventsOf('epoch')).toMatchObject([{ testLoss: 0.5, testAccuracy: 0.75, evaluateSeconds: 2.5 }]);
  });

  it.each([
    [0, [2, 0, 8]],
    // With the test pass of its epoch before it.
    [2, [3, 0, 10]],
  ])('finishes with the members that there are once it is interrupted, in step %i', async (step, saved) => {
    const interruption = new AbortController();
    const { outcome, positions } = await runTraining({
      context: { signal: interruption.signal },
      changeDue: () => (interruption.signal.aborted ? leaving : undefined),
      onEvent: atStep(step, () => interruption.abort()),
    });
    expect(outcome).toMatchObject({ steps: saved[0], end: { kind: 'interrupted' } });
    expect(positions).toEqual([saved]);
  });

  /** The generation loses a member in step 4. */
  const losing: Script = {
    vote: (_, step) => {
      if (step === 4) throw new MemberLost('w1 is lost');
      return {};
    },
  };

  it('tries a step again that a loss has aborted, once', async () => {
    const { outcome, log, eventsOf } = await runTraining({ ...losing, later: [{ applied: [4, 4] }] });
    expect(outcome).toMatchObject({ steps: 6, end: { kind: 'completed' } });
    expect(steps(log)).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(eventsOf('rolled-back')).toEqual([]);
    expect(eventsOf('epoch').map(({ samples }) => samples)).toEqual([48, 48]);
  });

  it('goes back to the last checkpoint where nobody is left, and calls wasted what is trained again', async () => {
    const { outcome, log, eventsOf } = await runTraining({ ...losing, later: [{}] });
    expect(outcome).toMatchObject({ steps: 6, end: { kind: 'completed' } });
    expect(eventsOf('rolled-back')).toEqual([{ type: 'rolled-back', step: 3, lostSteps: 1 }]);
    expect(log).toContain('restore 3,4,12 of step 3 to 0,1');
    expect(steps(log)).toEqual(['0', '1', '2', '3', '3', '4', '5']);
    const [, again] = eventsOf('step').flatMap((event, index) => (event.step === 3 ? index : []));
    const spentOn = eventsOf('spent');
    expect(again).toBe(4);
    // Three steps, their tests and checkpoint; step 3; what came to nothing; step 3 again, and the others.
    expect(spentOn.map(({ redone }) => redone)).toEqual([
      ...Array(3 + 3 + 1 + 1).fill(false),
      ...[true, true],
      ...Array(2 + 3 + 1 + 1).fill(false),
    ]);
    expect(eventsOf('epoch').map(({ epoch, samples }) => [epoch, samples])).toEqual([
      [0, 48],
      [1, 48],
    ]);
  });

  it('calls wasted what had been trained before the run was resumed, also when it goes back further', async () => {
    const state = { parameters: Float32Array.of(1, 2, 3), optimizer: { iterations: 4, slots: [] } };
    const start = { step: 3, generation: 0, stepsBefore: 5, state, epoch: undefined };
    const { eventsOf } = await runTraining({ ...losing, settings: { start }, later: [{}] });
    const steps = eventsOf('step').map(({ step }) => step);
    expect(steps).toEqual([3, 3, 4, 5]);
    const inSteps = [...eventsOf('spent')].slice(0, 5).map(({ redone }) => redone);
    // Step 3, what came to nothing of step 4, and both again; step 5 is new.
    expect(inSteps).toEqual([true, true, true, true, false]);
  });

  it('begins at the beginning where nobody is left and nothing was saved', async () => {
    const early: Script = {
      vote: (_, step) => {
        if (step === 2) throw new MemberLost('w1 is lost');
        return {};
      },
    };
    const { log, eventsOf } = await runTraining({ ...early, later: [{}], training: { epochs: 1 } });
    expect(eventsOf('rolled-back')).toEqual([{ type: 'rolled-back', step: 0, lostSteps: 2 }]);
    expect(steps(log)).toEqual(['0', '1', '0', '1', '2']);
    expect(eventsOf('epoch')).toMatchObject([{ samples: 48 }]);
  });

  it('ends where replicas differ when the next generation begins, unless they are to be healed', async () => {
    const members = [memberOf(0), memberOf(1), memberOf(2)];
    const odd = { members, applied: [4, 4, 4], answers: [stateOf(1), stateOf(2), stateOf(1)] };
    const differing: Training = { ...losing, members, later: [odd] };
    await expect(runTraining(differing)).rejects.toThrow(
      /worker w1 .* holds other parameters than rank 0 before step 4/,
    );
    const events: RunEvent[] = [];
    // The script's answers stay as they are, so that the next checkpoint finds the difference again.
    const healing = runTraining({
      ...differing,
      training: { onDesync: 'heal' },
      onEvent: (event) => events.push(event),
    });
    await expect(healing).rejects.toThrow('nobody came');
    expect(events).toContainEqual({ type: 'healed', workerId: 'w1', step: 4 });
  });

  it('ends for whatever reason the fleet has where no generation ever begins', async () => {
    const refusal = new PennygradError('quorum-lost', 'only one of two workers came');
    const onGeneration = () => {
      throw refusal;
    };
    await expect(runTraining({ onGeneration })).rejects.toBe(refusal);
  });

  it('ends for anything but a loss', async () => {
    const broken: Script = {
      vote: () => {
        throw new PennygradError('diverged', 'the loss became NaN');
      },
    };
    await expect(runTraining({ ...broken, later: [{}] })).rejects.toThrow('the loss became NaN');
  });
});

describe('training that goes on with workers that are ahead of the checkpoint', () => {
  const state = { parameters: Float32Array.of(1, 2, 3), optimizer: { iterations: 4, slots: [] } };
  const start = { step: 3, generation: 1, stepsBefore: 5, state, epoch: undefined };

  /** The workers come with step 4, and the record may have it. */
  async function goOn(record: RecordedRun | undefined, given: Training = {}) {
    const asked: number[] = [];
    const recordAt = (step: number) => {
      asked.push(step);
      return step === 4 ? record : undefined;
    };
    const result = await runTraining({ applied: [4, 4], settings: { start }, context: { recordAt }, ...given });
    return { ...result, asked };
  }

  it('begins after their step and with what the record has of its epoch, and hardly reads the record', async () => {
    const { log, eventsOf, outcome, asked } = await goOn(recorded(4));
    expect(log.slice(0, 2)).toEqual(['report-state checksum,checksum', 'assign 4 of epoch 1: 4..8 by 2/2']);
    expect(eventsOf('went-on')).toEqual([{ type: 'went-on', step: 4, record: recorded(4) }]);
    // Two steps of 16 samples, after those of the record.
    expect(eventsOf('epoch')).toMatchObject([{ epoch: 1, samples: 36 }]);
    expect(outcome.steps).toBe(6);
    // Once to look for steps that are not on it, and once to choose where to go on.
    expect(asked).toEqual([4]);
  });

  it.each([
    ['has no such step', undefined],
    ['has that step by another generation', recorded(4, { generation: 2 })],
  ])('goes back to the checkpoint where the record %s', async (_, record) => {
    const { log, eventsOf } = await goOn(record);
    expect(log).toContain('restore 1,2,3 of step 3 to 0,1');
    expect(log.find((line) => line.startsWith('assign'))).toBe('assign 3 of epoch 1: 0..4 by 2/2');
    expect(eventsOf('went-on')).toEqual([]);
  });

  it('counts steps that were skipped before', async () => {
    const nonFinite = (step: number) => (step === 4 ? 'worker w1: the gradient became NaN' : undefined);
    const { outcome } = await goOn(recorded(4, { skippedInRow: mostSkippedInRow - 1 }), { nonFinite });
    expect(outcome.end).toEqual({ kind: 'completed' });
    const tooMany = goOn(recorded(4, { skippedInRow: mostSkippedInRow }), { nonFinite });
    await expect(tooMany).rejects.toMatchObject({ code: 'diverged' });
  });

  it('says where it goes on in the first generation alone', async () => {
    let change: { reason: string; leavesTooFew: boolean } | undefined;
    const { eventsOf } = await runTraining({
      applied: [3, 3],
      settings: { start },
      context: { recordAt: (step) => recorded(step, { openEpoch: undefined }) },
      changeDue: () => change,
      onEvent: atStep(3, () => {
        change = { reason: 'w1 is about to leave', leavesTooFew: false };
      }),
      onGeneration() {
        change = undefined;
      },
      later: [{ applied: [5, 5] }],
    });
    expect(eventsOf('went-on').map(({ step }) => step)).toEqual([3]);
  });
});

describe('what training tells of its generations', () => {
  const leaving = { reason: 'w2 is about to leave', leavesTooFew: false };

  /** Each generation but the last trains the first two of its steps: the change is due after the first. */
  function runGenerations(first: Training, later: readonly Script[]) {
    let change: typeof leaving | undefined;
    let generations = 0;
    return runTraining({
      ...first,
      later: later.map((script, index) => ({ applied: [2 * index + 2, 2 * index + 2], ...script })),
      changeDue: () => change,
      onEvent(event) {
        if (event.type === 'step' && generations <= later.length) change = leaving;
      },
      onGeneration() {
        generations += 1;
        change = undefined;
      },
    });
  }

  it('is how gradients are summed, as often as the reason changes', async () => {
    const star = { allReduce: 'star', reason: 'w1 is on another host' } as const;
    const mesh = { allReduce: 'mesh', reason: 'all are on one host' } as const;
    const alone = { allReduce: 'solo', reason: undefined } as const;
    const { eventsOf } = await runGenerations({ allReduce: star, settings: { trainCount: 40 } }, [
      { allReduce: star },
      { allReduce: alone },
      { allReduce: mesh },
    ]);
    expect(eventsOf('all-reduce')).toEqual([
      { type: 'all-reduce', ...star },
      { type: 'all-reduce', ...mesh },
    ]);
  });

  it('is the shares that follow what they trained, also where a generation in between has trained nothing', async () => {
    let change: typeof leaving | undefined;
    let generations = 0;
    const { eventsOf } = await runTraining({
      training: { batchSize: 16, balance: 'on', epochs: 1 },
      settings: { trainCount: 64 },
      spent: () => [spentBy(0, 1), spentBy(1, 3)],
      changeDue: () => change,
      onEvent: atStep(0, () => {
        change = leaving;
      }),
      onGeneration() {
        generations += 1;
        change = generations === 2 ? leaving : undefined;
      },
      later: [{ applied: [2, 2] }, { applied: [2, 2] }],
    });
    const shares = [
      { workerId: 'w0', samples: 12 },
      { workerId: 'w1', samples: 4 },
    ];
    const reason = 'shares 12/4: by how fast these workers have trained';
    // The second generation began with them, too.
    expect(eventsOf('shares')).toEqual(Array(2).fill({ type: 'shares', step: 2, shares, reason }));
  });

  it('is the shares that follow what workers measured of themselves, and then what they trained', async () => {
    const members = [1, 3].map((samplesPerSecond, rank) => {
      const member = memberOf(rank);
      return { ...member, ready: { ...member.ready, samplesPerSecond } };
    });
    const { eventsOf } = await runGenerations(
      {
        members,
        training: { batchSize: 16, balance: 'on' },
        settings: { trainCount: 64 },
        // With shares of 4 and 12 a sample takes the first of them three times as long.
        vote: (rank) => ({ samples: rank === 0 ? 4 : 12 }),
        spent: () => [spentBy(0, 3), spentBy(1, 3)],
      },
      [{ members, vote: (rank) => ({ samples: rank === 0 ? 4 : 12 }) }],
    );
    const shares = [
      { workerId: 'w0', samples: 4 },
      { workerId: 'w1', samples: 12 },
    ];
    expect(eventsOf('shares').slice(0, 2)).toEqual([
      {
        type: 'shares',
        step: 0,
        shares,
        reason: 'shares 4/12: by the speeds that the workers measured of themselves',
      },
      { type: 'shares', step: 2, shares, reason: 'shares 4/12: by how fast these workers have trained' },
    ]);
  });
});
