import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { decideSalvage, FailureWithCheckpoint, salvage } from '../../../../src/coordinator/training/salvage.ts';
import { PennygradError } from '../../../../src/shared/core/errors.ts';
import { memberOf } from '../generation/members.ts';
import { type Script, scriptGeneration, spentBy, stateOf } from './scripted-generation.ts';

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

describe('after a failure', () => {
  const position = { step: 9, epoch: 2, cursor: 48 };
  const failure = new PennygradError('quorum-lost', 'w2 is lost');

  /** Three members have the state of nine steps, and the third is lost. */
  async function recover(given: unknown, script: Script = {}, savedStep = 7) {
    const { generation, log, time } = scriptGeneration({
      members: [memberOf(0), memberOf(1), memberOf(2)],
      applied: [9, 9, 9],
      left: [[0, 1]],
      ...script,
    });
    const events: RunEvent[] = [];
    const observe = (event: RunEvent) => events.push(event);
    const told = await salvage(generation, given, position, { observe, clock: time.clock, savedStep });
    return { told, log, events };
  }

  it('those that are left give a checkpoint, and what they did since their last step is wasted', async () => {
    const { told, log, events } = await recover(failure, { spent: () => [spentBy(0)] });
    expect(told).toBeInstanceOf(FailureWithCheckpoint);
    expect(told).toMatchObject({
      code: 'quorum-lost',
      message: 'w2 is lost; the checkpoint has step 9, from the workers that are left',
      cause: failure,
      failure,
    });
    expect(log).toEqual(['report-state state,checksum']);
    expect(events).toMatchObject([
      { type: 'spent', members: [spentBy(0)], redone: true },
      { type: 'checkpoint', checkpoint: position },
    ]);
  });

  it('nobody is asked for what the last checkpoint has, which is said', async () => {
    const { told, log } = await recover(failure, {}, 9);
    expect(told).toMatchObject({ message: 'w2 is lost; the checkpoint has step 9', failure });
    expect(log).toEqual([]);
  });

  it('only those are asked that have the last step', async () => {
    const { log } = await recover(failure, { applied: [undefined, 9, 9] });
    expect(log).toEqual(['report-state state']);
  });

  it.each<readonly [string, Script, string]>([
    ['nobody has them', { applied: [8, undefined, 9] }, 'no worker is left that has them'],
    [
      'replicas differ',
      { answers: [stateOf(1), stateOf(2)] },
      'worker w1 (rank 1, pid 101 on alpha) holds other parameters than rank 0 before step 9, though both compute with ' +
        'wasm (wasm, SIMD) on x64; their replicas must be identical',
    ],
  ])('it is said how many steps are lost, and why: %s', async (_, script, reason) => {
    const { told, events } = await recover(failure, script);
    expect(told).not.toBeInstanceOf(FailureWithCheckpoint);
    expect(told).toMatchObject({
      code: 'quorum-lost',
      message: `w2 is lost; the 2 steps since the last checkpoint are lost: ${reason}`,
      cause: failure,
    });
    expect(events.filter(({ type }) => type === 'checkpoint')).toEqual([]);
  });

  it('the others are asked again where one more is lost meanwhile, until nobody is left', async () => {
    const { told, log } = await recover(failure, { left: [[0, 1], [1], []] });
    expect(log).toEqual(['report-state state,checksum', 'report-state state']);
    expect(told).toMatchObject({ message: expect.stringMatching(/are lost: no worker is left that has them$/) });
  });

  it.each([
    ['nobody was lost', failure, { left: [[0, 1, 2]] }],
    ['training diverged', new PennygradError('diverged', 'the loss became NaN'), {}],
    ['it is an error of this program', new TypeError('x is not a function'), {}],
  ])('it is told as it is where %s', async (_, given, script) => {
    const { told, log } = await recover(given, script);
    expect(told).toBe(given);
    expect(log).toEqual([]);
  });
});
