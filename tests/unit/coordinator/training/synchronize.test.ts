/** How the members of a generation come to one state. */
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import {
  chooseState,
  decideSync,
  type Synchronization,
  synchronize,
} from '../../../../src/coordinator/training/synchronize.ts';
import type { TrainingState } from '../../../../src/shared/model/training-state.ts';
import type { Applied } from '../../../../src/shared/protocol/messages.ts';
import { memberOf } from '../generation/members.ts';
import { type Script, scriptGeneration, spentBy, stateOf } from './scripted-generation.ts';

/** Replicas of these steps, all of one line of the run. */
const at = (step: number): Applied => ({ step, generation: step === 0 ? 0 : 1 });
const seen = (steps: readonly (number | undefined)[]) =>
  steps.map((step) => (step === undefined ? undefined : at(step)));

describe('the state from which training goes on', () => {
  const [saved, committed] = [at(4), at(7)];
  /** The record has one generation up to step 9, and another from there on. */
  const isRecorded = ({ step, generation }: Applied) => generation === (step <= 9 ? 1 : 2);

  it.each([
    ['is the last committed one, where a member has it', [at(7), undefined], at(7)],
    ['is the latest that any member has, where a coordinator begins with less', [at(8), undefined, at(9)], at(9)],
    ['may be a committed one that only some have heard of', [at(6), at(5)], at(6)],
    ['is none that the record has not', [{ step: 10, generation: 1 }, at(5)], at(5)],
    ['is none of another line of the run', [{ step: 7, generation: 3 }, at(5)], at(5)],
    ['is the checkpoint, where members are behind it', [at(3), undefined], at(4)],
    ['is the checkpoint, where all are as they were made', [undefined, undefined], at(4)],
  ])('%s', (_, applied, state) => {
    expect(chooseState(applied, { committed, saved, isRecorded })).toEqual(state);
  });

  it('is the checkpoint where it is not known which generation committed its step', () => {
    const unknown = { step: 4, generation: 0 };
    expect(chooseState([at(4)], { committed: unknown, saved: unknown, isRecorded })).toEqual(unknown);
  });

  it('needs no record where it is the last committed one', () => {
    expect(chooseState([at(7)], { committed, saved, isRecorded: () => false })).toEqual(at(7));
  });
});

describe('who gives the state to whom', () => {
  const rollBack = { kind: 'roll-back' };
  const copies = (...donors: (number | undefined)[]) => ({ kind: 'copy', donors });

  it.each([
    ['nobody, where all have it', [7, 7], 7, copies(undefined, undefined)],
    ['nobody, where all are as made and no step is committed', [undefined, undefined], 0, copies(undefined, undefined)],
    ['the first that has it, to a newcomer', [7, undefined, 7], 7, copies(undefined, 0, undefined)],
    ['the first that has it, which need not be rank 0', [undefined, 6, 7, 7], 7, copies(2, 2, undefined, undefined)],
    ['one that is as made, where the others went on to what nobody kept', [undefined, 3], 0, copies(undefined, 0)],
    ['the checkpoint, to all, where nobody has it', [6, undefined], 7, rollBack],
    ['the checkpoint, to all, where they are new', [undefined, undefined], 7, rollBack],
    ['the checkpoint, to all, where some are ahead of it', [8, 7], 6, rollBack],
  ])('%s', (_, applied, step, decision) => {
    expect(decideSync({ applied: seen(applied), keys: applied.map(() => 'alike'), wrong: [] }, at(step))).toEqual(
      decision,
    );
  });

  it('one of the same arithmetic, if there is one: replicas of a kind must be equal bit for bit', () => {
    const keys = ['a', 'b', 'b', 'c'];
    expect(decideSync({ applied: seen([7, 7, 1, 1]), keys, wrong: [] }, at(7))).toEqual(
      copies(undefined, undefined, 1, 0),
    );
  });

  it('not one whose replica went wrong, which gets the state of its kind', () => {
    const keys = ['a', 'a', 'a'];
    expect(decideSync({ applied: seen([7, 7, 7]), keys, wrong: [0] }, at(7))).toEqual(copies(1, undefined, undefined));
  });
});

const saved: { readonly step: number; readonly state: TrainingState | undefined } = {
  step: 4,
  state: { parameters: Float32Array.of(1, 2, 3), optimizer: { iterations: 4, slots: [] } },
};

/** Three members at these steps come to one state; step 7 is committed. */
async function run(
  applied: readonly (number | undefined)[],
  script: Script = {},
  checkpoint = saved,
  { step = 7, heals = false, ...given }: Partial<Pick<Synchronization, 'heals' | 'before'>> & { step?: number } = {},
) {
  const isFirst = applied.every((seen) => seen === undefined);
  const before = 'before' in given ? given.before : isFirst ? undefined : 'lost';
  const members = applied.map((_, rank) => memberOf(rank));
  const { generation, log } = scriptGeneration({ members, applied, ...script });
  const events: RunEvent[] = [];
  const observe = (event: RunEvent) => events.push(event);
  const known = { committed: at(step), saved: at(checkpoint.step), isRecorded: () => false };
  const learn = () => ({ known, hasCaughtUp: false });
  const reached = await synchronize(generation, { learn, saved: checkpoint.state, heals, before, observe });
  const steps = generation.applied().map((state) => state?.step);
  return { reached: reached.step, log, events, applied: steps };
}

describe('a generation begins', () => {
  it('with a question to all where all have the state: whether it is the same, and what they have spent', async () => {
    const { reached, log, events } = await run([7, 7, 7], { spent: () => [spentBy(0)] });
    expect(reached).toBe(7);
    expect(log).toEqual(['report-state checksum,checksum,checksum']);
    // They waited for others, or worked on a step that came to nothing.
    expect(events).toEqual([{ type: 'spent', members: [spentBy(0)], redone: true }]);
  });

  it('with no word where nothing has happened yet', async () => {
    expect(await run([undefined, undefined], {}, { step: 0, state: undefined }, { step: 0 })).toMatchObject({
      reached: 0,
      log: [],
      events: [],
    });
  });

  it('after a worker joined or left, with what was left of the last step, which stays', async () => {
    const { events } = await run([7, 7], { spent: () => [spentBy(0)] }, saved, { before: 'changed' });
    expect(events).toEqual([{ type: 'spent', members: [spentBy(0)], redone: false }]);
  });

  it('after a loss in the first step, with what came to nothing, though all are as they were made', async () => {
    const nothing = { step: 0, state: undefined };
    const { log, events } = await run([undefined], { spent: () => [spentBy(0)] }, nothing, { step: 0, before: 'lost' });
    expect(log).toEqual(['report-state checksum']);
    expect(events).toEqual([{ type: 'spent', members: [spentBy(0)], redone: true }]);
  });

  it('with a copy of the state of one that has it for those that have not', async () => {
    const answers = [stateOf(9), stateOf(1, [5, 6, 7]), stateOf(1)];
    const { reached, log, applied } = await run([undefined, 7, 7], { answers });
    expect(log.slice(1)).toEqual(['copy step 7 from 1 to 0']);
    expect([reached, applied]).toEqual([7, [7, 7, 7]]);
  });

  it('with the checkpoint where nobody has the last step any more', async () => {
    const { reached, log, applied, events } = await run([6, undefined, undefined]);
    expect(log).toEqual(['report-state checksum,checksum,checksum', 'restore 1,2,3 of step 4 to 0,1,2']);
    expect([reached, applied]).toEqual([4, [4, 4, 4]]);
    expect(events).toMatchObject([{ type: 'spent', redone: true }]);
  });

  it('with the checkpoint of the run that is resumed, unasked', async () => {
    const { reached, log } = await run([undefined, undefined], {}, { ...saved, step: 7 });
    expect([reached, log]).toEqual([7, ['restore 1,2,3 of step 7 to 0,1']]);
  });

  it('as its members were made, where nobody has the last step and nothing was saved', async () => {
    const { reached, log } = await run([undefined, undefined], {}, { step: 0, state: undefined });
    expect([reached, log]).toEqual([0, []]);
  });

  it('not at all where members have trained, nobody has a state of the run and nothing was saved', async () => {
    await expect(run([3, 3], {}, { step: 0, state: undefined })).rejects.toMatchObject({
      code: 'quorum-lost',
      message: expect.stringMatching(
        /^worker w0 \(rank 0, .*\) has a state that this run has gone back behind, and no checkpoint was saved/,
      ),
    });
  });

  it('not at all with replicas that should be the same and are not', async () => {
    const answers = [stateOf(1), stateOf(2), stateOf(1)];
    const odd = {
      code: 'run-failed',
      message: expect.stringMatching(/^worker w1 .* other parameters than rank 0 before step 7/),
    };
    await expect(run([7, 7, 7], { answers })).rejects.toMatchObject(odd);
    // Whoever lacks the state may hold anything.
    expect((await run([7, undefined, 7], { answers })).reached).toBe(7);
  });

  it('with the state of most for a replica that differs from them, where it is to be healed', async () => {
    const answers = [stateOf(1, [5, 6, 7]), stateOf(2), stateOf(1, [5, 6, 7])];
    const { log, events } = await run([7, 7, 7], { answers }, saved, { heals: true });
    expect(log.slice(1)).toEqual(['copy step 7 from 0 to 1']);
    expect(events).toContainEqual({ type: 'healed', workerId: 'w1', step: 7 });
  });

  it('with that state for a newcomer and for the one that went wrong, who is told by its name', async () => {
    const answers = [stateOf(9), stateOf(1), stateOf(2), stateOf(1)];
    const { log, events } = await run([undefined, 7, 7, 7], { answers }, saved, { heals: true });
    expect(log.slice(1)).toEqual(['copy step 7 from 1 to 0,2']);
    expect(events.filter(({ type }) => type === 'healed')).toEqual([{ type: 'healed', workerId: 'w2', step: 7 }]);
  });

  it('with a copy from one of each kind to those that compute alike', async () => {
    const members = ['x64', 'arm64', 'arm64', 'x64'].map((cpu, rank) => memberOf(rank, cpu));
    const answers = [stateOf(1), stateOf(2), stateOf(8), stateOf(9)];
    const { log } = await run([7, 7, undefined, 3], { members, answers });
    expect(log.slice(1)).toEqual(['copy step 7 from 0 to 3', 'copy step 7 from 1 to 2']);
  });

  it('not where no majority says which of two replicas is right', async () => {
    const answers = [stateOf(1), stateOf(2)];
    await expect(run([7, 7], { answers }, saved, { heals: true })).rejects.toMatchObject({
      code: 'run-failed',
      message: expect.stringMatching(/no majority of their kind says which is right$/),
    });
  });
});
