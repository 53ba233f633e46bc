/** What is to be done next, for as far as training has come. Three steps an epoch, eight at most. */
import { describe, expect, it } from 'vitest';
import {
  beginProgress,
  decideNext,
  nothingTested,
  type Progress,
} from '../../../../src/coordinator/training/progress.ts';
import { beginEpoch } from '../../../../src/economics/record/epoch-totals.ts';

const plan = { stepsPerEpoch: 3, lastStep: 8 };

const between = (step: number, fields: Partial<Progress> = {}): Progress => ({
  ...beginProgress({ step, generation: 2 }, undefined, 0),
  ...fields,
});
const within = (epoch: number, step: number, fields: Partial<Progress> = {}): Progress => ({
  ...beginProgress({ step, generation: 2 }, beginEpoch(epoch), 0),
  ...fields,
});

it('training begins with nothing tested, nothing to save and no reason to end', () => {
  const open = beginEpoch(1);
  expect(beginProgress({ step: 4, generation: 2 }, open, 3)).toEqual({
    step: 4,
    generation: 2,
    open,
    tested: nothingTested,
    skippedInRow: 3,
    isSaveDue: false,
    end: undefined,
  });
});

describe('next', () => {
  it.each([
    ['the first epoch is trained', between(0), { kind: 'train', epoch: 0, until: 3 }],
    ['an epoch that was begun is trained to its end', within(1, 4), { kind: 'train', epoch: 1, until: 6 }],
    ['an epoch is begun after one that was tested', between(3), { kind: 'train', epoch: 1, until: 6 }],
    ['the last epoch is trained as far as the run goes', between(6), { kind: 'train', epoch: 2, until: 8 }],
    [
      'an epoch whose steps are done is tested, not the next one begun',
      within(0, 3),
      { kind: 'test', open: beginEpoch(0) },
    ],
    ['an epoch that the end of the run cuts short is tested', within(2, 8), { kind: 'test', open: beginEpoch(2) }],
    ['the run is complete once its last epoch is tested', between(8), { kind: 'finish', end: { kind: 'completed' } }],
    [
      'the run is complete where more than its steps are done',
      between(9),
      { kind: 'finish', end: { kind: 'completed' } },
    ],
  ])('%s', (_, progress, task) => {
    expect(decideNext(progress, plan)).toEqual(task);
  });

  const end = { kind: 'interrupted' } as const;

  it.each([
    ['before more is trained', within(0, 2)],
    ['before the epoch is tested', within(0, 3)],
    ['before the run is complete', between(8)],
    ['before the run ends for another reason', between(4, { end })],
  ])('what is due is saved %s', (_, progress) => {
    expect(decideNext({ ...progress, isSaveDue: true }, plan)).toEqual({ kind: 'save' });
  });

  it.each([
    ['steps', within(1, 4, { end })],
    ['the test pass of its epoch', within(1, 6, { end })],
    ['epochs', between(3, { end })],
  ])('a run that ends leaves %s to the run that goes on', (_, progress) => {
    expect(decideNext(progress, plan)).toEqual({ kind: 'finish', end });
  });

  it('a run that reached its target with its last step ends for that', () => {
    const target = { kind: 'target', reason: 'the accuracy is reached' } as const;
    expect(decideNext(between(8, { end: target }), plan)).toEqual({ kind: 'finish', end: target });
  });
});
