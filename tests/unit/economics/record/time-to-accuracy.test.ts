import { expect, test } from 'vitest';
import { timeToAccuracy } from '../../../../src/economics/record/time-to-accuracy.ts';
import { runRecord } from '../../../support/run-records.ts';

test('an accuracy is reached by the first epoch that has it or more, at the end of its test pass', () => {
  const [epoch] = runRecord().epochs;
  if (epoch === undefined) throw new Error('the record has epochs');
  const epochs = [0.96, 0.97, 0.995, 0.98].map((testAccuracy, at) => ({ ...epoch, epoch: at, testAccuracy }));
  const milestones = epochs.map(({ epoch: at }) => ({ epoch: at, runSeconds: 10 * at, costUsd: 0.01 * at }));
  expect(timeToAccuracy(epochs, milestones)).toEqual([
    { accuracy: 0.97, seconds: 10, cost_usd: 0.01 },
    { accuracy: 0.98, seconds: 20, cost_usd: 0.02 },
    { accuracy: 0.99, seconds: 20, cost_usd: 0.02 },
  ]);
});
