import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/engine/engine.ts';
import { createLocalReplica } from '../../../src/worker/local-updates.ts';
import { fakeEngine } from '../../support/fake-engine.ts';

const learningRate = 0.25;

/**
 * Sample x of `samples` costs ½ (θ − x)² in each of two parameters: an update with the mean of some samples moves θ a quarter
 * of the way to it. The one slot counts the samples that it has seen.
 */
function quadraticEngine(samples: readonly number[], begin = [0, 0]) {
  let parameters = Float32Array.from(begin);
  let [iterations, seen] = [0, Float32Array.of(0, 0)];
  const batches: number[][] = [];
  const engine: Engine = fakeEngine({
    getParameters: async () => parameters.slice(),
    async setParameters(next) {
      // Engines may keep what they are given.
      parameters = next as Float32Array<ArrayBuffer>;
    },
    getOptimizerState: async () => ({ iterations, slots: [seen.slice()] }),
    async setOptimizerState(state) {
      iterations = state.iterations;
      seen = state.slots[0]?.slice() as Float32Array<ArrayBuffer>;
    },
    async computeGradients(indices, gradients) {
      const values = [...indices].map((index) => samples[index] as number);
      batches.push(values);
      for (const i of [0, 1]) gradients[i] = values.reduce((sum, x) => sum + ((parameters[i] as number) - x), 0);
      return { lossSum: values.reduce((sum, x) => sum + x, 0), correct: values.length };
    },
    async applyGradients(sum, count) {
      iterations += 1;
      seen = seen.map((value) => value + count);
      for (const i of [0, 1]) parameters[i] = (parameters[i] as number) - (learningRate * (sum[i] as number)) / count;
    },
    evaluate: async () => ({ lossSum: parameters[0] as number, correct: 0 }),
    predict: async () => parameters.slice(),
  });
  return { engine, batches };
}

const plain = { batchSize: 4, learningRate: 1, momentum: 0 };
const share = (globalBatch: number) => ({ from: 0, to: globalBatch, globalBatch });
const indices = (count: number) => Uint32Array.from({ length: count }, (_, index) => index);
const unread = () => {};

describe('the local updates of a step', () => {
  it('move the parameters as so many updates do, and come to that for each sample', async () => {
    const { engine, batches } = quadraticEngine(Array(12).fill(8), [0, 16]);
    const { gradients } = createLocalReplica(engine, plain);
    const [movement] = gradients.vectorsOf(share(12));
    const final: number[][] = [];
    const result = await gradients.compute(share(12), indices(12), (...interval) => final.push(interval));
    // θ after k updates towards 8 is 8 + 0.75^k (θ − 8), here 4.625 and 11.375: exact in float32.
    const after = 8 + 0.75 ** 3 * -8;
    expect([...(movement ?? [])]).toEqual([-after * 12, (16 - (16 - after)) * 12]);
    expect(final).toEqual([[0, 2, 0]]);
    expect(result).toEqual({ lossSum: 96, correct: 12 });
    expect(batches.map(({ length }) => length)).toEqual([4, 4, 4]);
  });

  it.each([
    // A step of 12 samples in updates of 4 has as many updates whatever the share.
    [12, 12, [4, 4, 4]],
    [12, 7, [2, 2, 3]],
    [12, 2, [1, 1]],
    [12, 0, []],
    // The last step of an epoch is short.
    [9, 5, [1, 2, 2]],
    [3, 3, [3]],
  ])('are as many for each share: %d samples of all, %d of its own', async (all, own, expected) => {
    const { engine, batches } = quadraticEngine(Array(12).fill(1));
    const { gradients } = createLocalReplica(engine, plain);
    await gradients.compute(share(all), indices(own), unread);
    expect(batches.map(({ length }) => length)).toEqual(expected);
  });

  it('let the program hear signals in between', async () => {
    const { engine, batches } = quadraticEngine(Array(12).fill(1));
    const turns: number[] = [];
    const turn = async () => void turns.push(batches.length);
    await createLocalReplica(engine, plain, turn).gradients.compute(share(12), indices(12), unread);
    expect(turns).toEqual([1, 2, 3]);
  });

  it('end when the generation does, and the next step begins as this one did', async () => {
    const { engine, batches } = quadraticEngine(Array(12).fill(8), [0, 16]);
    const ended = new AbortController();
    const turn = async () => {
      if (batches.length === 2) ended.abort(new Error('a worker was lost'));
    };
    const { gradients } = createLocalReplica(engine, plain, turn);
    const computed = gradients.compute(share(12), indices(12), unread, ended.signal);
    await expect(computed).rejects.toThrow('a worker was lost');
    expect(batches).toHaveLength(2);
    await gradients.compute(share(12), indices(12), unread, new AbortController().signal);
    const after = 8 + 0.75 ** 3 * -8;
    expect([...(gradients.vectorsOf(share(12))[0] ?? [])]).toEqual([-after * 12, (16 - (16 - after)) * 12]);
  });

  it('end with one that is not finite', async () => {
    const samples = [1, 1, 1, 1, Number.NaN, 1, 1, 1, 1, 1, 1, 1];
    const { engine, batches } = quadraticEngine(samples);
    const { gradients } = createLocalReplica(engine, plain);
    const { lossSum } = await gradients.compute(share(12), indices(12), unread);
    expect(lossSum).toBeNaN();
    expect(batches).toHaveLength(2);
  });
});

describe('the outer update', () => {
  it('takes workers with unequal shares to the mean of where their samples took them', async () => {
    const samples = [8, 8, 8, 8, 8, 8, 8, 8, -8, -8, -8, -8];
    const [a, b] = [quadraticEngine(samples), quadraticEngine(samples)].map(({ engine }) =>
      createLocalReplica(engine, plain),
    ) as [ReturnType<typeof createLocalReplica>, ReturnType<typeof createLocalReplica>];
    await a.gradients.compute(share(12), indices(12).subarray(0, 8), unread);
    await b.gradients.compute(share(12), indices(12).subarray(8), unread);
    const [ofA, ofB] = [a, b].map(({ gradients }) => gradients.vectorsOf(share(12))[0] as Float32Array) as [
      Float32Array,
      Float32Array,
    ];
    const sum = ofA.map((value, i) => value + (ofB[i] as number));
    for (const { engine } of [a, b]) await engine.applyGradients(sum, 12);
    const reached = 8 * (1 - 0.75 ** 3);
    const [first, second] = [await a.engine.getParameters(), await b.engine.getParameters()];
    expect(first[0]).toBeCloseTo((8 * reached - 4 * reached) / 12, 5);
    expect(second).toEqual(first);
  });

  it('is that of PyTorch with Nesterov momentum', async () => {
    // torch.optim.SGD([1, 1], lr=0.5, momentum=0.9, nesterov=True), with gradients (1, 0), (0.5, 0) and (0, 2).
    const { engine } = createLocalReplica(quadraticEngine([], [1, 1]).engine, {
      batchSize: 4,
      learningRate: 0.5,
      momentum: 0.9,
    });
    const reached: number[][] = [];
    for (const gradient of [
      [1, 0],
      [0.5, 0],
      [0, 2],
    ]) {
      await engine.applyGradients(
        Float32Array.from(gradient, (value) => value * 3),
        3,
      );
      reached.push([...(await engine.getParameters())]);
    }
    const expected = [
      [0.05, 1],
      [-0.83, 1],
      [-1.397, -0.9],
    ];
    for (const [i, values] of reached.entries()) {
      for (const [k, value] of values.entries()) expect(value).toBeCloseTo(expected[i]?.[k] as number, 6);
    }
  });
});

describe('a step that comes to nothing', () => {
  async function begun() {
    const { engine, batches } = quadraticEngine(Array(12).fill(8), [0, 16]);
    const replica = createLocalReplica(engine, { batchSize: 4, learningRate: 0.5, momentum: 0.5 });
    await replica.gradients.compute(share(12), indices(12), unread);
    await replica.engine.applyGradients(replica.gradients.vectorsOf(share(12))[0] as Float32Array, 12);
    const before = {
      parameters: await replica.engine.getParameters(),
      optimizer: await replica.engine.getOptimizerState(),
    };
    await replica.gradients.compute(share(12), indices(12), unread);
    return { replica, before, inner: engine, batches };
  }

  it('is seen by nobody', async () => {
    const { replica, before } = await begun();
    expect(await replica.engine.getParameters()).toEqual(before.parameters);
    expect(await replica.engine.getOptimizerState()).toEqual(before.optimizer);
    expect(await replica.engine.predict(new Uint8Array(), 1)).toEqual(before.parameters);
    // It has gone back by then.
    expect(await replica.engine.getOptimizerState()).toEqual(before.optimizer);
  });

  it('nor by a test pass', async () => {
    const { replica, before, inner } = await begun();
    expect(await replica.engine.evaluate('test', 0, 1)).toEqual({ lossSum: before.parameters[0], correct: 0 });
    expect((await inner.getOptimizerState()).slots).toEqual([before.optimizer.slots[0]]);
  });

  it('is made again as if for the first time, again and again', async () => {
    const { replica, before } = await begun();
    const first = replica.gradients.vectorsOf(share(12))[0]?.slice();
    for (let again = 0; again < 2; again++) {
      await replica.gradients.compute(share(12), indices(12), unread);
      expect(replica.gradients.vectorsOf(share(12))[0]).toEqual(first);
      expect(await replica.engine.getOptimizerState()).toEqual(before.optimizer);
    }
  });

  it('is forgotten by a replica that is given another state', async () => {
    const { replica, before, inner } = await begun();
    await replica.engine.setParameters(Float32Array.of(3, 4));
    await replica.engine.setOptimizerState({ iterations: 7, slots: [Float32Array.of(5, 5), Float32Array.of(1, 2)] });
    expect(await replica.engine.getParameters()).toEqual(Float32Array.of(3, 4));
    expect(await replica.engine.getOptimizerState()).toEqual({
      iterations: 7,
      slots: [Float32Array.of(5, 5), Float32Array.of(1, 2)],
    });
    expect(await inner.getOptimizerState()).toEqual({ iterations: 7, slots: [Float32Array.of(5, 5)] });
    expect(before.optimizer.slots).toHaveLength(2);
  });
});

it('a replica whose state has gone to another and come back goes on as it was', async () => {
  const make = () =>
    createLocalReplica(quadraticEngine(Array(12).fill(8), [0, 16]).engine, {
      batchSize: 4,
      learningRate: 0.7,
      momentum: 0.9,
    });
  const [one, other] = [make(), make()];
  async function step({ gradients, engine }: ReturnType<typeof make>) {
    await gradients.compute(share(12), indices(12), unread);
    await engine.applyGradients(gradients.vectorsOf(share(12))[0] as Float32Array, 12);
    return { parameters: await engine.getParameters(), optimizer: await engine.getOptimizerState() };
  }
  await step(one);
  const state = await step(one);
  await other.engine.setParameters(state.parameters.slice());
  await other.engine.setOptimizerState(state.optimizer);
  expect(await step(other)).toEqual(await step(one));
});

it('a state without an outer momentum is refused', async () => {
  const { engine } = createLocalReplica(quadraticEngine([]).engine, plain);
  const given = engine.setOptimizerState({ iterations: 0, slots: [Float32Array.of(1, 1), new Float32Array(3)] });
  await expect(given).rejects.toThrow('outer momenta have 3 floats, but the model has 2 parameters');
  await expect(engine.setOptimizerState({ iterations: 0, slots: [] })).rejects.toThrow('outer momenta have 0 floats');
});
