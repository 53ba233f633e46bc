import { describe, expect, test } from 'vitest';
import { beginLive } from '../../../src/coordinator/live/live-record.ts';
import {
  describeFigures,
  describeSilence,
  describeStage,
  describeStatus,
  describeSubject,
} from '../../../src/live-page/figures.ts';
import type { LiveState } from '../../../src/shared/protocol/live/live-state.ts';
import { livePlan } from '../../support/live-run.ts';

const waiting = beginLive(livePlan).state;
const worker = { workerId: 'w0', host: 'alpha', status: 'training', priceUsdPerHour: 0.31 } as const;
const training: LiveState = {
  ...waiting,
  stage: { name: 'training' },
  cost: { usd: 0.0031, usdPerHour: 0.62, lastEpochUsd: 0.0012 },
  progress: {
    epoch: 2,
    step: 15,
    elapsedSeconds: 12,
    etaSeconds: 4,
    samplesPerSecond: 5730,
    loss: 0.1234,
    accuracy: 0.961,
  },
  workers: [worker, { ...worker, workerId: 'w1' }],
};

describe('the figures of the live page', () => {
  test('say nothing before there is something to say', () => {
    const { accuracy, loss, throughput, cost, progress } = describeFigures(waiting);
    expect([accuracy, loss, throughput, cost].map(({ value }) => value)).toEqual(['–', '–', '–', '–']);
    expect(progress).toMatchObject({ value: 'epoch 0/2', ratio: 0 });
    expect(cost.note).toBe('');
  });

  test('are those of a run in progress', () => {
    const { loss, throughput, cost, progress } = describeFigures(training);
    expect(progress).toEqual({ value: 'epoch 2/2', ratio: 0.75, note: 'step 15 of 20 · 4.0 s to go' });
    expect(loss.value).toBe('0.1234');
    expect(throughput).toEqual({ value: '5,730/s', note: 'samples, 2 workers, this epoch' });
    expect(cost).toMatchObject({ value: '$0.0031', note: '$0.62/h · $0.0012 per epoch', budgetRatio: undefined });
  });

  test('show a budget where there is one, and who has no price', () => {
    const { workerId, host, status } = worker;
    const budget = { basis: 'accrued', usd: 0.01 } as const;
    const { cost } = describeFigures({ ...training, budget, workers: [worker, { workerId, host, status }] });
    expect(cost.budgetRatio).toBeCloseTo(0.31, 12);
    expect(cost.note).toBe('$0.62/h · $0.0012 per epoch · 31 % of $0.010 · 1 without a price');
    const { cost: _, ...free } = training;
    expect(describeFigures({ ...free, workers: [] }).cost.note).toBe('');
    expect(describeFigures(free).cost).toMatchObject({
      value: '–',
      note: 'no worker has a price; set one with --price',
    });
  });

  test('show what the run will cost, and how long its budget lasts', () => {
    const budget = { basis: 'accrued', usd: 0.01, secondsLeft: 40 } as const;
    const cost = { usd: 0.0031, usdPerHour: 0.62, billedUsd: 0.008, projectedUsd: 0.0155 };
    const ahead = { ...training, cost, budget };
    const noteOf = (state: LiveState) => describeFigures(state).cost.note;
    expect(noteOf(ahead)).toBe('$0.62/h · $0.015 projected · 31 % of $0.010 · budget lasts 40 s');
    expect(noteOf({ ...ahead, budget: { ...budget, basis: 'billed' } })).toBe(
      '$0.62/h · $0.015 projected · 80 % of $0.010 billed · budget lasts 40 s',
    );
    // Hours alone have no share of a cost.
    expect(noteOf({ ...ahead, budget: { basis: 'accrued', secondsLeft: 40 } })).toBe(
      '$0.62/h · $0.015 projected · budget lasts 40 s',
    );
  });

  test('say which part of the price nobody gave', () => {
    const assumed = { ...worker, priceAssumed: '1 vCPU at aws/c7a/on-demand' };
    const noteOf = (workers: LiveState['workers']) => describeFigures({ ...training, workers }).cost.note;
    expect(noteOf([assumed, { ...assumed, workerId: 'w1' }])).toBe('$0.62/h assumed · $0.0012 per epoch');
    expect(noteOf([assumed, { ...worker, workerId: 'w1' }])).toBe('$0.62/h, assumed for 1 of 2 · $0.0012 per epoch');
  });

  test('say of a straggler how long it takes', () => {
    expect(describeStatus(worker)).toBe('training');
    expect(describeStatus({ ...worker, stragglerSlowdown: 5.13 })).toBe(
      'training, a straggler: a sample takes it 5.1 times as long',
    );
  });

  test('name the run and where it is', () => {
    expect(describeSubject(training)).toBe('mnist · cnn · adam · batch 64 · seed 1');
    const at = (name: LiveState['stage']['name'], reason?: string) =>
      describeStage({ ...training, stage: { name, ...(reason === undefined ? {} : { reason }) } });
    expect([at('waiting'), at('training'), at('testing')]).toEqual([
      ...['Waiting for 2 workers', 'Training, epoch 2 of 2', 'Testing after epoch 2 of 2'],
    ]);
    expect([at('completed'), at('failed', 'w1 is gone'), at('interrupted', 'Ctrl-C')]).toEqual([
      ...['Finished', 'Failed: w1 is gone', 'Interrupted: Ctrl-C'],
    ]);
    expect(describeSilence(training)).toBe('no connection, trying again');
    expect(describeSilence(undefined)).toBe('no connection, trying again');
    expect(describeSilence({ ...training, stage: { name: 'failed' } })).toBe(
      'the next run on this port will appear here',
    );
  });
});
