import { describe, expect, it } from 'vitest';
import { decideSalvage } from '../../../../src/coordinator/training/salvage.ts';

/** Of three members one was lost, two steps after the last checkpoint; the others have these steps. */
const lost = { code: 'quorum-lost', lost: 1, holders: 2, step: 9, savedStep: 7 } as const;

describe('what the survivors hold', () => {
  it.each([
    ['is saved', {}, { kind: 'save' }],
    ['is saved for whatever reason a member is gone', { code: 'run-failed', lost: 2, holders: 1 }, { kind: 'save' }],
    ['is in the checkpoint if that is as new', { savedStep: 9 }, { kind: 'saved' }],
    ['is in the checkpoint, whoever is left', { savedStep: 9, lost: 3, holders: 0 }, { kind: 'saved' }],
    ['is nothing before the first step', { step: 0, savedStep: 0 }, { kind: 'none' }],
    [
      'is lost with the last of them, though others are left',
      { holders: 0 },
      { kind: 'give-up', reason: 'no worker is left that has them' },
    ],
    ['is not worth saving where it diverged', { code: 'diverged' }, { kind: 'none' }],
    ['is not asked for when nobody was lost', { code: 'run-failed', lost: 0 }, { kind: 'none' }],
  ] as const)('%s', (_, changes, decision) => {
    expect(decideSalvage({ ...lost, ...changes })).toEqual(decision);
  });
});
