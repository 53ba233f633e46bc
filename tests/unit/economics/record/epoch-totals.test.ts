import { expect, test } from 'vitest';
import { addStep, beginEpoch, epochMeans, type StepFigures } from '../../../../src/economics/record/epoch-totals.ts';

const step = (overrides: Partial<StepFigures> = {}): StepFigures => ({
  samples: 64,
  loss: 0.5,
  correct: 48,
  seconds: 2,
  usd: 0.25,
  ...overrides,
});
const totalsOf = (...steps: readonly StepFigures[]) => steps.reduce(addStep, beginEpoch(3));

test('an epoch begins with nothing', () => {
  expect(beginEpoch(3)).toEqual({ epoch: 3, samples: 0, lossSum: 0, correct: 0, seconds: 0, usd: 0 });
  expect(epochMeans(beginEpoch(3))).toEqual({ loss: 0, accuracy: 0, samplesPerSecond: 0 });
});

test('steps are summed, and their losses weighted by their samples', () => {
  const totals = totalsOf(step(), step({ samples: 16, loss: 3, correct: 4, seconds: 1, usd: 0.5 }));
  expect(totals).toEqual({ epoch: 3, samples: 80, lossSum: 32 + 48, correct: 52, seconds: 3, usd: 0.75 });
  expect(epochMeans(totals)).toEqual({ loss: 1, accuracy: 0.65, samplesPerSecond: 80 / 3 });
});

test('a cost that is unknown for one step stays unknown for the epoch', () => {
  expect(totalsOf(step(), step({ usd: undefined }), step())).toMatchObject({ samples: 192, usd: undefined });
  expect(addStep({ ...beginEpoch(0), usd: undefined }, step()).usd).toBeUndefined();
});

test('a loss that is not finite shows in the mean', () => {
  expect(epochMeans(totalsOf(step(), step({ loss: Number.NaN }))).loss).toBeNaN();
});

test('a step that was skipped counts its samples and its time, and leaves the means alone', () => {
  const skipped = step({ samples: 32, loss: Number.NaN, correct: 0, skipped: 'the loss became NaN' });
  const totals = totalsOf(step(), skipped, step({ loss: 1.5 }), skipped);
  expect(totals).toMatchObject({ samples: 192, skippedSamples: 64, lossSum: 128, correct: 96, seconds: 8, usd: 1 });
  expect(epochMeans(totals)).toEqual({ loss: 1, accuracy: 0.75, samplesPerSecond: 24 });
  // Nothing was learned, so nothing is known.
  expect(epochMeans(totalsOf(skipped))).toEqual({ loss: Number.NaN, accuracy: 0, samplesPerSecond: 16 });
});
