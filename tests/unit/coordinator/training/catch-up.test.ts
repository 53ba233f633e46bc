import { describe, expect, it } from 'vitest';
import { findUnrecorded, type ToldState } from '../../../../src/coordinator/training/catch-up.ts';

type Trained = NonNullable<ToldState['trained']>;

/** Two workers halve batches of 8. */
const stepAfter = (step: number): Trained['steps'][number] => ({
  bounds: [8 * step, 8 * step + 4, 8 * step + 8],
  lossSum: step + 0.5,
  correct: 3,
});

/** A worker whose generation has trained from one step to another. */
function worker(since: number, to: number, fields: Partial<Trained> = {}, workerId = 'a'): ToldState {
  const steps = Array.from({ length: to - since }, (_, place) => stepAfter(since + place));
  const trained = { since: { step: since, generation: 1 }, generation: 2, workers: ['a', 'b'], steps, ...fields };
  return { workerId, applied: { step: to, generation: trained.generation }, trained };
}

/** The record has one step for each of `generations`, which committed it. */
function find(generations: readonly number[], told: readonly ToldState[], savedStep = 0) {
  const asked: (readonly [number, boolean])[] = [];
  const found = findUnrecorded(told, {
    savedStep,
    generationAt(step, isFollowed) {
      asked.push([step, isFollowed]);
      return step === 0 ? 0 : generations[step - 1];
    },
    batchOf: (step) => ({ from: 8 * step, to: 8 * step + 8 }),
  });
  return { found, steps: found?.steps.map(({ step }) => step), since: found?.since, asked };
}

describe('steps that a worker has and that are not on record', () => {
  it('follow the last one on record, of which it is said that a step follows it', () => {
    const { steps, since, asked } = find([1, 2], [worker(1, 4)]);
    expect([steps, since]).toEqual([[2, 3], { step: 2, generation: 2 }]);
    expect(asked).toEqual([
      [4, false],
      [3, true],
      [2, true],
    ]);
  });

  it('are told with what all the workers did', () => {
    expect(find([1], [worker(1, 2)]).found).toEqual({
      workerId: 'a',
      since: { step: 1, generation: 1 },
      applied: { step: 2, generation: 2 },
      steps: [
        {
          step: 1,
          shares: [
            { workerId: 'a', from: 8, to: 12 },
            { workerId: 'b', from: 12, to: 16 },
          ],
          samples: 8,
          lossSum: 1.5,
          correct: 3,
          isSkipped: false,
        },
      ],
    });
    const skipped = { steps: [{ ...stepAfter(1), lossSum: 0, correct: 0, skipped: true as const }] };
    expect(find([1], [worker(1, 2, skipped)]).found?.steps[0]?.isSkipped).toBe(true);
  });

  it('begin where the generation did, with the state that an earlier one had left, or with none', () => {
    expect(find([1], [worker(1, 3)]).steps).toEqual([1, 2]);
    expect(find([], [worker(0, 2, { since: { step: 0, generation: 0 } })]).steps).toEqual([0, 1]);
  });

  it('are those of whoever has come furthest, if they follow', () => {
    const told = [worker(1, 2), worker(1, 4, {}, 'b'), worker(1, 5, { since: { step: 1, generation: 9 } }, 'c')];
    expect(find([1], told).found).toMatchObject({ workerId: 'b', applied: { step: 4 } });
  });

  it('do not follow a step that others have trained since', () => {
    expect(find([1, 3], [worker(1, 3)]).steps).toBeUndefined();
    expect(find([3], [worker(1, 3)]).steps).toBeUndefined();
  });

  it('do not follow what is missing on record, or is before the checkpoint', () => {
    expect(find([1], [worker(2, 4, { since: { step: 2, generation: 2 } })]).steps).toBeUndefined();
    expect(find([1, 2, 2, 2], [worker(1, 3)], 4).steps).toBeUndefined();
    // The same generation had a step before, of which the worker does not tell.
    expect(find([2], [worker(2, 4, { since: { step: 2, generation: 2 } })]).steps).toBeUndefined();
    expect(find([2, 2, 2], [worker(0, 5)], 4).steps).toBeUndefined();
  });

  it('are none where the record has them, or where a worker knows of none', () => {
    expect(find([1, 2, 2], [worker(1, 3)]).found).toBeUndefined();
    expect(
      find([1], [{ workerId: 'a', applied: { step: 3, generation: 1 } }, { workerId: 'b' }]).found,
    ).toBeUndefined();
    const { workerId, trained } = worker(1, 3);
    expect(find([1], [{ workerId, trained }]).found).toBeUndefined();
  });

  it.each([
    ['another batch', { bounds: [9, 12, 16] }],
    ['part of a batch', { bounds: [8, 12, 15] }],
    ['a share of less than nothing', { bounds: [8, 17, 16] }],
    ['fewer shares than workers', { bounds: [8, 16] }],
    ['more correct predictions than samples', { correct: 9 }],
    ['a loss that is none', { lossSum: Number.NaN }],
  ])('cannot have had %s', (_, change) => {
    expect(find([1], [worker(1, 2, { steps: [{ ...stepAfter(1), ...change }] })]).found).toBeUndefined();
  });
});
