/** Training that learns from its workers of steps that it has not on record: when another generation begins, and when it ends. */
import { describe, expect, it } from 'vitest';
import { MemberLost } from '../../../../src/coordinator/generation/member-lost.ts';
import type { Answered } from '../../../../src/coordinator/generation/requests.ts';
import type { RecordedRun } from '../../../../src/coordinator/run-events.ts';
import { FailureWithCheckpoint } from '../../../../src/coordinator/training/salvage.ts';
import { mostSkippedInRow } from '../../../../src/settings/training-settings.ts';
import { noPhaseSeconds } from '../../../../src/shared/core/phases.ts';
import type { Applied, Trained } from '../../../../src/shared/protocol/messages.ts';
import { memberOf } from '../generation/members.ts';
import { type Script, spentBy, stateOf } from './scripted-generation.ts';
import { failTraining, recorded, runTraining, type Training } from './scripted-training.ts';

/** The positions of a step's batch, of which two workers take one half each. Three steps of 4 of 10 samples are an epoch. */
function boundsOf(step: number): readonly number[] {
  const from = 4 * (step % 3);
  const to = Math.min(from + 4, 10);
  return [from, (from + to) / 2, to];
}

const stepTold = (step: number): Trained['steps'][number] => ({
  bounds: boundsOf(step),
  lossSum: 2 * (step + 1),
  correct: 1,
});

/** The generation that has trained what workers tell of. */
const number = 7;

/** What a worker says that has trained the steps from one to another. */
function told(since: Applied, to: number, steps: Partial<Trained> = {}): Answered<'state'> {
  const answer = stateOf(1);
  const trained = {
    since,
    generation: number,
    workers: ['w0', 'w1'],
    steps: Array.from({ length: to - since.step }, (_, place) => stepTold(since.step + place)),
    ...steps,
  };
  return { ...answer, message: { ...answer.message, applied: { step: to, generation: number }, trained } };
}

const fromTheStart: Applied = { step: 0, generation: 0 };

/** Its votes for a step never come: it loses a worker. */
const losesIn = (step: number): Script => ({
  number,
  vote: (_, voted) => {
    if (voted === step) throw new MemberLost('w1 is lost');
    return {};
  },
});

/** How far the workers are with which training goes on. */
const answering = (...answers: readonly Answered<'state'>[]): Script => ({
  number: number + 1,
  applied: answers.map(({ message }) => message.applied?.step),
  answers,
});

const commits = (log: readonly string[]) =>
  log.filter((line) => line.startsWith('commit')).map((line) => Number(line.split(' ')[1]));

const nobodyLooks = () => {
  throw new Error('the record is not needed');
};

describe('steps that the others have done when a worker is lost', () => {
  it('are put on record with what they came to, and are not trained again', async () => {
    let cost = 0;
    const both = told(fromTheStart, 5);
    const { eventsOf, log, outcome } = await runTraining({
      ...losesIn(4),
      context: { spentUsd: () => (cost += 3), recordAt: nobodyLooks },
      stepMs: 250,
      later: [{ ...answering(both, both), stepMs: 250 }],
    });
    expect(outcome).toMatchObject({ steps: 6, end: { kind: 'completed' } });
    expect(commits(log)).toEqual([0, 1, 2, 3, 5]);
    const [caughtUp, next] = eventsOf('step').slice(4);
    // Nobody knows how long it took: as long as the step before.
    expect(caughtUp).toEqual({
      type: 'step',
      step: 4,
      epoch: 1,
      generation: number,
      samples: 4,
      loss: 2.5,
      correct: 1,
      seconds: 0.25,
      usd: 3,
      members: [
        { workerId: 'w0', samples: 2, phases: noPhaseSeconds },
        { workerId: 'w1', samples: 2, phases: noPhaseSeconds },
      ],
      shares: [
        { workerId: 'w0', from: 4, to: 6 },
        { workerId: 'w1', from: 6, to: 8 },
      ],
    });
    expect(next).toMatchObject({ step: 5 });
    // Two steps of 16 samples, and this one.
    expect(eventsOf('epoch').at(-1)).toMatchObject({ samples: 36, seconds: 0.75, loss: (8 + 10 + 8) / 36 });
    expect(eventsOf('rolled-back')).toEqual([]);
    expect(eventsOf('went-on')).toEqual([]);
    // None of the workers' time was wasted.
    expect(eventsOf('spent').filter(({ late, redone }) => late || redone)).toEqual([
      { type: 'spent', members: [spentBy(0), spentBy(1)], redone: false, late: true },
    ]);
  });

  it('may be the last ones of their epoch, which is tested then', async () => {
    const both = told(fromTheStart, 6);
    const { eventsOf, log } = await runTraining({ ...losesIn(4), later: [answering(both, both)] });
    expect(commits(log)).toEqual([0, 1, 2, 3]);
    expect(eventsOf('step').map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(eventsOf('epoch').map(({ epoch, samples }) => [epoch, samples])).toEqual([
      [0, 48],
      [1, 16 + 4 + 2],
    ]);
  });

  it('are lost where they go on into the next epoch: nobody has the parameters of whose test pass it begins', async () => {
    const both = told(fromTheStart, 7);
    const { eventsOf, log } = await runTraining({
      ...losesIn(5),
      training: { epochs: 3 },
      later: [answering(both, both)],
    });
    expect(eventsOf('rolled-back')).toEqual([{ type: 'rolled-back', step: 3, lostSteps: 2 }]);
    expect(commits(log)).toEqual([0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8]);
    expect(eventsOf('spent').filter(({ late }) => late)).toEqual([]);
  });

  it('are those of whoever tells of them, where another one comes without a state', async () => {
    const { eventsOf, log } = await runTraining({
      ...losesIn(4),
      later: [answering(stateOf(1), told(fromTheStart, 5))],
    });
    expect(eventsOf('step').map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(log).toContain('copy step 5 from 1 to 0');
  });

  it('are none where another generation has trained them', async () => {
    const other = told(fromTheStart, 5, { generation: number - 1 });
    const { eventsOf } = await runTraining({ ...losesIn(4), later: [answering(other, other)] });
    expect(eventsOf('rolled-back')).toEqual([{ type: 'rolled-back', step: 3, lostSteps: 1 }]);
  });
});

describe('steps that the others have skipped as not finite', () => {
  /** One step for each sample, so that as many may be skipped in a row as a run puts up with. */
  const oneByOne = { training: { batchSize: 2, epochs: 1 }, settings: { trainCount: 80 } };
  const skipped = (step: number) => ({ bounds: [2 * step, 2 * step + 1, 2 * step + 2], lossSum: 0, correct: 0 });
  const nonFinite = (step: number) => (step < 5 || step >= mostSkippedInRow ? 'w0: it became NaN' : undefined);

  /** Five steps are skipped; workers tell of eleven more, of which one may have been applied; the next ones are skipped. */
  function skipMany(applied: number | undefined, given: Training = {}) {
    const steps = Array.from({ length: mostSkippedInRow }, (_, step) =>
      step === applied ? skipped(step) : { ...skipped(step), skipped: true as const },
    );
    const both = told(fromTheStart, mostSkippedInRow, { steps });
    return { ...oneByOne, ...losesIn(5), nonFinite, later: [{ ...answering(both, both), nonFinite }], ...given };
  }

  it('are told with the worker that says so, and with their samples', async () => {
    const { eventsOf, failure } = await failTraining(skipMany(undefined));
    expect(eventsOf('step').find(({ step }) => step === 6)).toMatchObject({
      skipped: 'worker w0 reports that it was not finite, on positions 12 to 13 of epoch 1',
      samples: 2,
      loss: Number.NaN,
      correct: 0,
    });
    // With those before them they are as many as a run puts up with.
    expect(failure).toMatchObject({ code: 'diverged', message: expect.stringMatching(/^step 17 is not finite/) });
  });

  it('are no longer in a row after one that was applied', async () => {
    const { eventsOf, failure } = await failTraining(skipMany(8));
    expect(eventsOf('step').find(({ step }) => step === 8)).not.toHaveProperty('skipped');
    // From the tenth step on.
    expect(failure).toMatchObject({ code: 'diverged', message: expect.stringMatching(/^step 26 is not finite/) });
  });
});

/** By the generation whose workers tell of further steps. */
const recordedHere = (step: number, fields: Partial<RecordedRun> = {}): RecordedRun =>
  recorded(step, { generation: number, ...fields });

const state = { parameters: Float32Array.of(1, 2, 3), optimizer: { iterations: 4, slots: [] } };
const start = { step: 3, generation: number, stepsBefore: 3, state, epoch: undefined };

/** A resumed run, whose record has some steps. */
function resumed(records: readonly RecordedRun[], given: Training) {
  const asked: (readonly [step: number, savedStep: number, isFollowed: boolean | undefined])[] = [];
  const recordAt = (step: number, savedStep: number, isFollowed?: boolean) => {
    asked.push([step, savedStep, isFollowed]);
    return records.find((record) => record.step === step);
  };
  return { asked, training: { settings: { start }, context: { recordAt }, ...given } };
}

describe('steps that workers have done while their coordinator was gone', () => {
  it('follow what is on record, of which it is asked once for each step', async () => {
    const both = told(fromTheStart, 5);
    const record = recordedHere(4);
    const { asked, training } = resumed([record], answering(both, both));
    const { events, eventsOf, log } = await runTraining(training);
    expect(events.slice(0, 3)).toMatchObject([
      { type: 'went-on', step: 4, record },
      // Nobody knows how long it took, nor how long the one before did.
      { type: 'step', step: 4, generation: number, samples: 4, seconds: 0, usd: 0 },
      { type: 'spent', redone: false, late: true },
    ]);
    expect(eventsOf('went-on')).toHaveLength(1);
    expect(commits(log)).toEqual([5]);
    expect(eventsOf('epoch')).toMatchObject([{ epoch: 1, samples: 4 + 4 + 16, loss: (8 + 10 + 8) / 24 }]);
    expect(asked).toEqual([
      [5, 3, false],
      [4, 3, true],
    ]);
  });

  it('may begin an epoch, where the record says that the one before was tested', async () => {
    const both = told({ step: 3, generation: number }, 4);
    const { asked, training } = resumed([recordedHere(3, { openEpoch: undefined })], answering(both, both));
    const { eventsOf, log } = await runTraining(training);
    expect(eventsOf('step').map(({ step }) => step)).toEqual([3, 4, 5]);
    expect(commits(log)).toEqual([4, 5]);
    expect(eventsOf('epoch')).toMatchObject([{ epoch: 1, samples: 4 + 16 + 16 }]);
    expect(asked).toEqual([
      [4, 3, false],
      [3, 3, true],
    ]);
  });

  it('count on from steps that were skipped before', async () => {
    const steps = [{ ...stepTold(4), lossSum: 0, correct: 0, skipped: true as const }];
    const both = told({ step: 4, generation: number }, 5, { steps });
    const nonFinite = () => 'w0: it became NaN';
    const { training } = resumed([recordedHere(4, { skippedInRow: mostSkippedInRow - 1 })], {
      ...answering(both, both),
      nonFinite,
    });
    const { failure } = await failTraining(training);
    expect(failure).toMatchObject({ code: 'diverged', message: expect.stringMatching(/^step 6 is not finite/) });
  });

  it('are not looked for where no worker is past the checkpoint', async () => {
    const both = told(fromTheStart, 3);
    const { asked, training } = resumed([], answering(both, both));
    expect((await runTraining(training)).outcome.steps).toBe(6);
    // Once, for what the run had done up to there.
    expect(asked).toEqual([[3, 3, undefined]]);
  });

  it('are lost where there is no record', async () => {
    const both = told(fromTheStart, 5);
    const { log } = await runTraining({ ...answering(both, both), settings: { start } });
    expect(commits(log)).toEqual([3, 4, 5]);
  });

  it('are lost where the record has nothing that they follow', async () => {
    const both = told(fromTheStart, 5);
    const { training } = resumed([], answering(both, both));
    const { eventsOf, log } = await runTraining(training);
    expect(log).toContain('restore 1,2,3 of step 3 to 0,1');
    expect(commits(log)).toEqual([3, 4, 5]);
    expect(eventsOf('spent')[0]).toMatchObject({ redone: true });
    expect(eventsOf('spent')[0]?.late).toBeUndefined();
  });
});

describe('a run that ends when it loses a worker, while the others are ahead of it,', () => {
  const [ahead, behind] = [told(fromTheStart, 5), told(fromTheStart, 4)];

  /** Nobody comes in its place. */
  const ends = (given: Training) => failTraining({ ...losesIn(4), mayDiffer: true, left: [[0]], ...given });

  it('saves what they have done', async () => {
    const { failure, events, positions, log } = await ends({ answers: [ahead, stateOf(1)] });
    expect(failure).toBeInstanceOf(FailureWithCheckpoint);
    expect(failure).toMatchObject({
      code: 'quorum-lost',
      message: 'nobody came; the checkpoint has step 5, from the workers that are left',
    });
    expect(positions.at(-1)).toEqual([5, 1, 8]);
    expect(log.slice(-2)).toEqual(['report-state checksum', 'report-state state']);
    expect(events.slice(-4)).toMatchObject([
      { type: 'step', step: 4, generation: number },
      { type: 'spent', redone: false, late: true },
      { type: 'spent', redone: true },
      { type: 'checkpoint' },
    ]);
  });

  it('calls wasted what they did for a step that came to nothing', async () => {
    const { failure, events } = await ends({ answers: [behind, stateOf(1)] });
    expect(failure).toMatchObject({ message: expect.stringMatching(/the checkpoint has step 4, from the workers/) });
    const [asked] = events.slice(-3);
    expect(asked).toMatchObject({ type: 'spent', redone: true });
    expect(asked).toHaveProperty('late', undefined);
  });

  it('asks the others again when one more is lost meanwhile', async () => {
    const { failure, log } = await ends({
      members: [memberOf(0), memberOf(1), memberOf(2)],
      answers: [stateOf(1), ahead, stateOf(1)],
      left: [[0, 1], [1]],
    });
    expect(failure).toMatchObject({ message: expect.stringMatching(/has step 5, from the workers that are left$/) });
    expect(log.slice(-3)).toEqual(['report-state checksum,checksum', 'report-state checksum', 'report-state state']);
  });

  it('says that the steps are lost where their answers are wrong, and why', async () => {
    const { failure, log } = await ends({ failsWhenLeft: new Error('w0 answers wrongly') });
    expect(failure).toMatchObject({
      message: 'nobody came; the 1 steps since the last checkpoint are lost: w0 answers wrongly',
    });
    expect(log.slice(-2)).toEqual(['report-state checksum', 'report-state state']);
  });

  it('asks nobody where all are lost', async () => {
    const { failure, log } = await ends({ left: [[]] });
    expect(failure).toMatchObject({
      message: 'nobody came; the 1 steps since the last checkpoint are lost: no worker is left that has them',
    });
    expect(log.at(-1)).toBe('votes 4');
  });

  it('does not ask where they cannot be', async () => {
    const { log } = await ends({ mayDiffer: false });
    expect(log.filter((line) => line.startsWith('report-state'))).toEqual([
      'report-state state,checksum',
      'report-state state',
    ]);
  });
});

describe('a resumed run that loses a worker before it knows how far the others are', () => {
  const onReport = () => {
    throw new MemberLost('w1 is lost');
  };
  const record = recordedHere(4);
  const begins = (applied: readonly number[], records: readonly RecordedRun[]) =>
    failTraining({
      ...resumed(records, { number: number + 1, onReport, applied, left: [[0]] }).training,
      settings: { start: { ...start, generation: 1 } },
    });

  it('saves what they have, with what the record has of it', async () => {
    const { failure, eventsOf, positions } = await begins([4, 4], [{ ...record, generation: 1 }]);
    expect(failure).toMatchObject({ message: expect.stringMatching(/has step 4, from the workers that are left$/) });
    expect(eventsOf('went-on')).toEqual([{ type: 'went-on', step: 4, record: { ...record, generation: 1 } }]);
    expect(positions).toEqual([[4, 1, 4]]);
  });

  it.each([
    ['only the lost one was further', [3, 4], [{ ...record, generation: 1 }]],
    ['the record has no such step', [4, 4], []],
    ['they are where the checkpoint is', [3, 3], [{ ...recordedHere(3), generation: 1 }]],
  ])('has its checkpoint where %s', async (_, applied, records) => {
    const { failure, eventsOf, positions } = await begins(applied, records);
    expect(failure).toMatchObject({ message: 'nobody came; the checkpoint has step 3' });
    expect(eventsOf('went-on')).toEqual([]);
    expect(positions).toEqual([]);
  });
});
