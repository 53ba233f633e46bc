import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../../src/coordinator/run-events.ts';
import { positionAfter, saveCheckpoint } from '../../../../src/coordinator/training/checkpoint.ts';
import { createVirtualTime } from '../../../support/virtual-time.ts';
import { memberOf } from '../generation/members.ts';
import { type Script, scriptGeneration, spentBy, stateOf } from './scripted-generation.ts';

const position = { step: 9, epoch: 2, cursor: 48 };

async function save(script: Script) {
  const { generation, log } = scriptGeneration(script);
  const events: RunEvent[] = [];
  const time = createVirtualTime();
  const taken = await saveCheckpoint(generation, position, {
    clock: time.clock,
    observe(event) {
      events.push(event);
      // Replicas are compared before the state is taken.
      if (event.type === 'spent') time.advance(250);
    },
  });
  return { ...taken, events, log };
}

describe('a place in the run', () => {
  // Three steps an epoch: two of 4 samples, one of 2.
  it.each([
    [0, 0, 0],
    [1, 0, 4],
    [2, 0, 8],
    [3, 0, 10],
    [4, 1, 4],
    [6, 1, 10],
    [7, 2, 4],
  ])('after step %i is in epoch %i, after %i of its samples', (step, epoch, cursor) => {
    expect(positionAfter(step, 4, 10)).toEqual({ step, epoch, cursor });
  });
});

describe('a checkpoint', () => {
  it("is the first member's state with its place in the run, with how long training stood still for it", async () => {
    const { events, replicas, state } = await save({ spent: () => [spentBy(0)] });
    expect(replicas).toEqual({ identical: true, difference: 0 });
    const parameters = Float32Array.of(3, 4, 12);
    const optimizer = { iterations: 7, slots: [Float32Array.of(1, 1, 1), Float32Array.of(2, 2, 2)] };
    expect(state).toEqual({ parameters, optimizer });
    expect(events).toEqual([
      { type: 'spent', members: [spentBy(0)], redone: false },
      {
        type: 'checkpoint',
        checkpoint: {
          step: 9,
          epoch: 2,
          cursor: 48,
          state: { parameters, optimizer },
          artifacts: { topology: { layers: 1 }, weightSpecs: [] },
        },
        seconds: 0.25,
      },
    ]);
  });

  it('asks for the parameters of the first rank of each arithmetic, and says how far these are apart', async () => {
    const members = [memberOf(0), memberOf(1), memberOf(2, 'arm64'), memberOf(3, 'arm64')];
    const answers = [stateOf(1), stateOf(1), stateOf(2, [3, 4, 12.0005]), stateOf(2)];
    const { log, replicas } = await save({ members, answers });
    expect(log).toEqual(['report-state state,checksum,parameters,checksum']);
    expect(replicas).toEqual({ identical: false, difference: expect.closeTo(0.0005 / 13, 7) });
  });

  it('asks each other member for what it has kept back, and for its parameters only where they are compared', async () => {
    const members = [memberOf(0), memberOf(1), memberOf(2, 'arm64'), memberOf(3, 'arm64')];
    const reports = (...vectors: readonly number[][]) => ({
      ...stateOf(1),
      tensors: vectors.map((values) => Float32Array.from(values)),
    });
    const own = [3, 4, 12];
    const answers = [stateOf(1), reports([1, 0, 0]), reports(own, [0, 2, 0]), reports([0, 0, 4])];
    const { log, replicas, state } = await save({ members, answers, keepsResiduals: true });
    expect(log).toEqual(['report-state state,residual,parameters-and-residual,residual']);
    expect(replicas).toEqual({ identical: true, difference: 0 });
    expect(state.parameters).toEqual(Float32Array.from(own));
    // The last slot of the first is its own.
    expect(state.optimizer.slots).toEqual([Float32Array.of(1, 1, 1), Float32Array.of(3, 4, 6)]);
  });

  const withTensors = (tensors: readonly Float32Array[]) => ({ ...stateOf(1), tensors });
  const [parameters = new Float32Array(3), slot = new Float32Array(3)] = stateOf(1).tensors;

  it.each([
    ['no state', { ...stateOf(1), message: { ...stateOf(1).message, state: undefined } }],
    ['a slot that is too short', withTensors([parameters, slot, new Float32Array(2)])],
    ['a slot that is too long', withTensors([parameters, new Float32Array(4), slot])],
  ])('is not made of %s', async (_, answer) => {
    await expect(save({ members: [memberOf(0)], answers: [answer] })).rejects.toMatchObject({
      code: 'run-failed',
      message: 'rank 0 sent no complete state for the checkpoint',
    });
  });

  it('is not made of replicas that are not what they should be', async () => {
    await expect(save({ answers: [stateOf(1), stateOf(2)] })).rejects.toThrow(/before step 9/);
    const members = [memberOf(0), memberOf(1, 'arm64')];
    await expect(save({ members, answers: [stateOf(1), stateOf(2, [3, 4, 13])] })).rejects.toThrow(/before step 9/);
  });
});
