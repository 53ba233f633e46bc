import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { slowEngineDown } from '../../../src/worker/slowed-engine.ts';
import { logUniform, uniform } from '../../support/realistic-numbers.ts';
import { toyDataset, toyProvider } from '../../support/toy-engine.ts';

const dataset = toyDataset(20);

/**
 * A toy engine whose computing moves a clock by what `seconds` says next, and a sleep that takes too long.
 * @param held seconds in which others have the processor, each time
 */
async function slowed(
  speed: number,
  { seconds, overslept = 0, held = 0 }: { seconds: () => number; overslept?: number; held?: number },
) {
  let [now, computed, longest] = [0, 0, 0];
  const toy = await toyProvider().create({
    model: { name: 'softmax', inputShape: dataset.imageShape, classes: dataset.classes },
    seed: 1,
    optimizer: { name: 'sgd', learningRate: 0.1 },
    dataset,
  });
  const work = () => {
    const spent = seconds();
    now += spent + held;
    computed += spent;
  };
  const engine: Engine = {
    ...toy,
    computeGradients(indices, gradients, onReady) {
      work();
      return toy.computeGradients(indices, gradients, onReady);
    },
    applyGradients(sum, samples) {
      work();
      return toy.applyGradients(sum, samples);
    },
  };
  const sleep = async (milliseconds: number) => {
    longest = Math.max(longest, milliseconds);
    now += milliseconds / 1000 + overslept;
  };
  return {
    toy,
    engine: slowEngineDown(engine, speed, { now: () => now, busySeconds: () => computed, sleep }),
    spent: () => ({ elapsed: now, computed, longest }),
  };
}

describe('an engine that is slowed down', () => {
  it('waits three times as long as it computed, to be at a quarter of its speed', async () => {
    const { engine, spent } = await slowed(0.25, { seconds: () => 0.5 });
    await engine.computeGradients(Uint32Array.of(0, 1), new Float32Array(engine.parameterCount));
    expect(spent()).toEqual({ elapsed: 2, computed: 0.5, longest: 1500 });
  });

  it('keeps its speed over many calls, however short they are and however long a sleep takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        uniform(0.05, 1),
        fc.array(logUniform(1e-6, 0.02), { minLength: 1, maxLength: 60 }),
        uniform(0, 0.003),
        async (speed, times, overslept) => {
          let next = 0;
          const { engine, spent } = await slowed(speed, { seconds: () => times[next++] ?? 0, overslept });
          const gradients = new Float32Array(engine.parameterCount);
          for (const _ of times) await engine.applyGradients(gradients, 1);
          const { elapsed, computed } = spent();
          // What is left is less than a wait is worth, or what the last one took too long.
          expect(elapsed - computed / speed).toBeGreaterThan(-0.001 - 1e-9);
          expect(elapsed - computed / speed).toBeLessThanOrEqual(overslept + 1e-9);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('computes what it would have computed, and hands no gradient on before it has waited', async () => {
    const { engine, toy } = await slowed(0.5, { seconds: () => 1 });
    const indices = Uint32Array.of(3, 5, 7);
    const [slow, fast] = [new Float32Array(toy.parameterCount), new Float32Array(toy.parameterCount)];
    const early: number[] = [];
    const result = await engine.computeGradients(indices, slow, (from) => early.push(from));
    expect(result).toEqual(await toy.computeGradients(indices, fast));
    expect(slow).toEqual(fast);
    expect(early).toEqual([]);
  });

  it('does not stretch the time in which others had the processor, nor makes it good', async () => {
    const { engine, spent } = await slowed(0.25, { seconds: () => 0.5, held: 1 });
    const gradients = new Float32Array(engine.parameterCount);
    await engine.applyGradients(gradients, 1);
    expect(spent()).toEqual({ elapsed: 2, computed: 0.5, longest: 500 });

    const late = await slowed(0.25, { seconds: () => 0.5, held: 3 });
    for (const _ of [1, 2]) await late.engine.applyGradients(gradients, 1);
    expect(late.spent()).toEqual({ elapsed: 7, computed: 1, longest: 0 });
  });

  it('takes no more for computing than the clock says, on however many processors', async () => {
    const many = async () => {
      let [now, busy] = [0, 0];
      const { toy } = await slowed(1, { seconds: () => 0 });
      const engine = {
        ...toy,
        applyGradients: async () => {
          now += 1;
          busy += 4;
        },
      };
      const sleep = async (milliseconds: number) => {
        now += milliseconds / 1000;
      };
      await slowEngineDown(engine, 0.5, { now: () => now, busySeconds: () => busy, sleep }).applyGradients(
        new Float32Array(toy.parameterCount),
        1,
      );
      return now;
    };
    expect(await many()).toBe(2);
  });

  it('does not wait at full speed', async () => {
    const { engine, spent } = await slowed(1, { seconds: () => 2 });
    await engine.applyGradients(new Float32Array(engine.parameterCount), 1);
    expect(spent()).toEqual({ elapsed: 2, computed: 2, longest: 0 });
  });
});
