/** What is recorded of a run whose fleet changes, and of one that goes back to a checkpoint. */
import { expect, test } from 'vitest';
import {
  type CarriedRecord,
  createRunRecorder,
  nothingRecorded,
} from '../../../../src/coordinator/record/run-recorder.ts';
import type { EpochEvent, RunEvent } from '../../../../src/coordinator/run-events.ts';
import { newAccount } from '../../../../src/economics/ledger/ledger.ts';
import { member, startedAtUnixMs, stepEvent } from '../../../support/observed-run.ts';
import { toyDataset } from '../../../support/toy-engine.ts';

function openRecord(carried: Partial<CarriedRecord> = {}) {
  const recorder = createRunRecorder(
    {
      runId: 'r1',
      version: '1.0.0',
      startedAtUnixMs,
      dataset: toyDataset(10),
      modelName: 'cnn',
      globalBatchSize: 64,
      localSteps: 1,
      seed: 1,
    },
    { now: () => 0, unixMs: () => startedAtUnixMs + 4000 },
    () => 0,
    { ...nothingRecorded, startedAtUnixMs, ...carried },
  );
  return {
    tell(...events: readonly RunEvent[]) {
      for (const event of events) recorder.observe(event);
    },
    record: () => recorder.record({ status: 'completed' }),
  };
}

const generation = (number: number, ...ranks: readonly number[]): RunEvent => ({
  type: 'generation',
  number,
  parameterCount: 10,
  reason: 'ready',
  members: ranks.map((rank) => member(rank, 3600)),
});

const epochEvent = (epoch: number): EpochEvent => ({
  type: 'epoch',
  epoch,
  loss: 1,
  accuracy: 1,
  testLoss: 1,
  testAccuracy: 1,
  samples: 128,
  seconds: 2,
  evaluateSeconds: 1,
});

/** The ledger's line at the end of an epoch. */
const epochAccounts = (epoch: number): RunEvent => ({
  type: 'ledger',
  at: 0,
  cause: 'epoch',
  epoch,
  step: 0,
  runSeconds: epoch,
  entries: [],
  costUsd: epoch,
});

const checkpoint: RunEvent = {
  type: 'checkpoint',
  checkpoint: {
    step: 2,
    epoch: 0,
    cursor: 128,
    state: { parameters: new Float32Array(1), optimizer: { iterations: 1, slots: [] } },
    artifacts: { topology: {}, weightSpecs: [] },
  },
  seconds: 0,
};

const rolledBack = (step: number, lostSteps: number): RunEvent => ({ type: 'rolled-back', step, lostSteps });

test('a fleet is recorded with the steps before it, and the workers are those of the last one', () => {
  const { tell, record } = openRecord();
  tell(generation(1, 0, 1), stepEvent(0), stepEvent(1), generation(2, 0, 2), stepEvent(2));
  const { fleets, workers, steps } = record();
  expect(fleets.map(({ step, members }) => [step, members.map(({ workerId }) => workerId)])).toEqual([
    [0, ['w0', 'w1']],
    [2, ['w0', 'w2']],
  ]);
  expect(workers.map(({ workerId }) => workerId)).toEqual(['w0', 'w2']);
  expect(steps).toBe(3);
});

test('what a worker cost that is no longer there stays in the cost of the run', () => {
  const { tell, record } = openRecord();
  const entry = (workerId: string, compute: number) => ({
    workerId,
    rank: 0,
    samples: 1,
    account: { ...newAccount, usd: { ...newAccount.usd, compute }, rentals: 1 },
    priceSinceUnixMs: 0,
  });
  const entries = [entry('w0', 2), entry('w1', 3)];
  tell(generation(1, 0, 1), generation(2, 0));
  tell({ type: 'ledger', at: 0, cause: 'end', step: 0, runSeconds: 1, entries, costUsd: 5 });
  expect(record().formerWorkers).toMatchObject({ costUsd: 3, rentals: 1 });
});

test('steps that nobody has any more are in no figure, and those that are trained again are in it once', () => {
  const { tell, record } = openRecord();
  tell(generation(1, 0, 1), { type: 'epoch-begun', epoch: 0 }, stepEvent(0), stepEvent(1));
  tell(epochEvent(0), epochAccounts(0), checkpoint);
  tell({ type: 'epoch-begun', epoch: 1 }, stepEvent(2, { epoch: 1 }), stepEvent(3, { epoch: 1 }));
  tell(epochEvent(1), epochAccounts(1), generation(2, 2), rolledBack(2, 2));
  expect(record()).toMatchObject({ steps: 2, samples: 128, trainSeconds: 2, openEpoch: undefined });
  expect(record().epochs.map(({ epoch }) => epoch)).toEqual([0]);
  expect(record().milestones.map(({ epoch }) => epoch)).toEqual([0]);
  tell(stepEvent(2, { epoch: 1, samples: 60 }));
  expect(record()).toMatchObject({ steps: 3, samples: 188, openEpoch: { epoch: 1, samples: 60 } });
  tell(epochEvent(1), epochAccounts(1));
  expect(record().epochs.map(({ epoch }) => epoch)).toEqual([0, 1]);
  expect(record().milestones.map(({ epoch }) => epoch)).toEqual([0, 1]);
});

test('skipped steps are counted as the steps are that go on', () => {
  const { tell, record } = openRecord({ skippedSteps: 3 });
  const skipped = { loss: Number.NaN, skipped: 'the loss became NaN' };
  tell(generation(1, 0), stepEvent(0, skipped), checkpoint, stepEvent(1, skipped), stepEvent(2));
  expect(record()).toMatchObject({ skippedSteps: 5, openEpoch: { samples: 192, skippedSamples: 128, lossSum: 32 } });
  tell(rolledBack(1, 2));
  expect(record()).toMatchObject({ steps: 1, skippedSteps: 4 });
});

test('an epoch that was saved half way goes on from there', () => {
  const { tell, record } = openRecord();
  tell(generation(1, 0), stepEvent(0), checkpoint, stepEvent(1), rolledBack(1, 1), stepEvent(1), stepEvent(2));
  expect(record()).toMatchObject({ steps: 3, openEpoch: { epoch: 0, samples: 192 } });
});

test('a run that saved nothing goes back to where it was resumed', () => {
  const openEpoch = { epoch: 3, samples: 64, lossSum: 1, correct: 1, seconds: 1, usd: undefined };
  const carried = { steps: 7, samples: 448, trainSeconds: 9, openEpoch, milestones: [], epochs: [epochEvent(2)] };
  const { tell, record } = openRecord(carried);
  tell(generation(1, 0), stepEvent(7, { epoch: 3 }), epochEvent(3), rolledBack(7, 1));
  expect(record()).toMatchObject({ steps: 7, samples: 448, trainSeconds: 9, openEpoch });
  expect(record().epochs.map(({ epoch }) => epoch)).toEqual([2]);
});

const accounts = (...rows: readonly (readonly [workerId: string, compute: number, rentals: number])[]): RunEvent => ({
  type: 'ledger',
  at: 0,
  cause: 'interim',
  step: 0,
  runSeconds: 1,
  costUsd: 0,
  entries: rows.map(([workerId, compute, rentals]) => ({
    workerId,
    rank: 0,
    samples: 10 * compute,
    account: { ...newAccount, seconds: { ...newAccount.seconds, compute }, rentals },
    priceSinceUnixMs: 0,
  })),
});

test('every worker that ever was a member is recorded by its name, with what it did and why it is gone', () => {
  const before = { step: 0, members: [{ ...member(7), workerId: 'of an earlier sitting' }] };
  const { tell, record } = openRecord({ fleets: [before] });
  tell(generation(1, 0, 1, 2));
  tell({ type: 'worker-lost', workerId: 'w0', reason: 'a test', cause: 'stuck' }, generation(2, 1, 2));
  tell({ type: 'worker-drained', workerId: 'w1', reason: 'it got SIGTERM' }, generation(3, 2));
  // It comes back.
  tell(generation(4, 0, 2));
  tell({ type: 'worker-lost', workerId: 'w2', reason: 'a test', cause: 'killed' });
  tell({ type: 'worker-lost', workerId: 'never a member', reason: 'a test', cause: 'left' });
  tell(accounts(['w0', 3, 2], ['w1', 4, 1], ['w2', 5, 1], ['of an earlier sitting', 6, 1], ['never a member', 0, 1]));
  const { workers, departedWorkers = [], formerWorkers } = record();
  expect(workers).toMatchObject([
    { workerId: 'w0', rank: 0, samples: 30, left: undefined, booked: { rentals: 2 } },
    { workerId: 'w2', rank: 2, samples: 50, left: 'killed', booked: { rentals: 1 } },
  ]);
  expect(departedWorkers).toMatchObject([
    { workerId: 'of an earlier sitting', samples: 60, left: undefined },
    { workerId: 'w1', samples: 40, left: 'drained', booked: { seconds: { compute: 4 } } },
  ]);
  expect(departedWorkers.every((worker) => !('rank' in worker))).toBe(true);
  expect(formerWorkers.rentals).toBe(3);
});

test('interruptions are recorded after those of earlier sittings, and say why a worker is gone', () => {
  const one = {
    workerId: 'w1',
    reason: 'preempted',
    step: 3,
    recoverySeconds: 0.5,
    wastedSeconds: 1,
    wastedUsd: 0.5,
    lostSteps: 0,
  } as const;
  const { tell, record } = openRecord({ interruptions: [{ ...one, reason: 'stuck' }] });
  tell(generation(1, 0, 1), { type: 'worker-drained', workerId: 'w1', reason: 'it got SIGUSR1' }, generation(2, 0));
  tell({ type: 'interruption', interruption: one });
  expect(record().interruptions?.map(({ reason }) => reason)).toEqual(['stuck', 'preempted']);
  expect(record().departedWorkers).toMatchObject([{ workerId: 'w1', left: 'preempted' }]);
});
