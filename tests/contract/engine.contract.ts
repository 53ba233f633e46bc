/** What every engine must do, whatever it computes with. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, EngineOptions, EngineProvider } from '../../src/engine/engine.ts';
import { deterministicEngines } from '../../src/shared/model/deterministic-engines.ts';
import { initialParameters } from '../../src/shared/model/initialize.ts';
import { type ModelName, modelNames, type OptimizerName } from '../../src/shared/model/model-spec.ts';
import { parameterChecksum } from '../../src/shared/model/parameter-checksum.ts';
import { relativeError } from '../support/compare-vectors.ts';
import { engineDataset } from '../support/engine-dataset.ts';
import { mnistDataset } from '../support/mnist-samples.ts';
import { referenceGradients } from '../support/reference-model.ts';
import { rounds } from '../support/thoroughness.ts';

// The smallest images that the CNN takes, and few: the reference engine takes half a second for a gradient of one.
const imageShape = [18, 19, 1] as const;
const classes = 5;
const dataset = engineDataset(imageShape, classes, 12, 5);

const digits = mnistDataset(rounds(2, 8));
/** A CNN's gradient of one of these takes the reference engine a second; an emulated GPU is slow as well. */
const digitsOf = (engine: string) => (['cpu', 'webgpu'].includes(engine) ? 2 : digits.trainCount);

function options(model: ModelName, optimizer: OptimizerName, seed = 1): EngineOptions {
  return {
    model: { name: model, inputShape: imageShape, classes },
    optimizer: { name: optimizer, learningRate: 0.01 },
    seed,
    dataset,
  };
}

/**
 * Leaves the process-wide tfjs backend as the engine under test finds it, which may be another's.
 *
 * @param model what an engine shows that it would show with any model
 */
export function describeEngine(title: string, provider: EngineProvider, model: ModelName = 'cnn'): void {
  describe(`${title} engine`, () => {
    // Some engines take long to make: tests that leave no trace share one, and tests of a few parameters another.
    let engine: Engine;
    let small: Engine;
    let initial: Float32Array;

    beforeAll(async () => {
      engine = await provider.create(options(model, 'adam'));
      small = await provider.create(options('softmax', 'sgd'));
      initial = await engine.getParameters();
    });
    afterAll(() => {
      engine.dispose();
      small.dispose();
    });

    async function gradientsOf(of: Engine, ...indices: number[]) {
      const gradients = new Float32Array(of.parameterCount).fill(Number.NaN);
      const result = await of.computeGradients(Uint32Array.from(indices), gradients);
      return { ...result, gradients };
    }
    async function trainSteps(of: Engine, steps: number): Promise<void> {
      for (let step = 0; step < steps; step++) {
        const indices = Array.from({ length: 2 }, (_, i) => (step * 2 + i) % dataset.trainCount);
        const { gradients } = await gradientsOf(of, ...indices);
        await of.applyGradients(gradients, indices.length);
      }
    }

    it('says what it is', async () => {
      expect(engine.name).toBe(provider.name);
      const availability = await provider.probe();
      expect(availability).toMatchObject({ usable: true, device: engine.device });
      // What an assumed price is paid for.
      const [, threads = '1'] = /(\d+) threads/.exec(engine.device) ?? [];
      if (provider.name === 'wasm' || provider.name === 'cpu') expect(engine.threads).toBe(Number(threads));
    });

    it('starts from the parameters that the seed decides, whatever the engine', async () => {
      const shapes = engine.artifacts().weightSpecs.map(({ shape }) => shape);
      const expected = initialParameters(shapes, 7);
      // A second engine beside the first, which also puts tfjs's global state to use.
      const other = await provider.create(options(model, 'adam', 7));
      expect(relativeError(await other.getParameters(), expected)).toBe(0);
      expect(relativeError(initial, expected)).toBeGreaterThan(0.1);
      other.dispose();
    });

    it('describes one weight for each stretch of the flat vector', () => {
      const sizes = engine.artifacts().weightSpecs.map(({ shape }) => shape.reduce((size, n) => size * n, 1));
      expect(sizes.reduce((sum, size) => sum + size)).toBe(engine.parameterCount);
    });

    it('gives back the parameters it was given, as a copy', async () => {
      const given = Float32Array.from({ length: engine.parameterCount }, (_, i) => Math.fround(Math.sin(i)));
      const kept = given.slice();
      await engine.setParameters(given);
      given.fill(0);
      const read = await engine.getParameters();
      expect(relativeError(read, kept)).toBe(0);
      read.fill(0);
      expect(relativeError(await engine.getParameters(), kept)).toBe(0);
      await engine.setParameters(initial);
    });

    it('sums over samples: the parts of a batch add up to it, and order does not matter', async () => {
      const whole = await gradientsOf(engine, 0, 1, 2, 3);
      const parts = [await gradientsOf(engine, 3, 0), await gradientsOf(engine, 2), await gradientsOf(engine, 1)];
      const sum = new Float32Array(engine.parameterCount);
      for (const { gradients } of parts) for (const [i, g] of gradients.entries()) sum[i] = (sum[i] ?? 0) + g;
      expect(relativeError(sum, whole.gradients)).toBeLessThan(1e-5);
      const lossSum = parts.reduce((total, part) => total + part.lossSum, 0);
      expect(relativeError([lossSum], [whole.lossSum])).toBeLessThan(1e-6);
      expect(parts.reduce((total, part) => total + part.correct, 0)).toBe(whole.correct);
      expect(whole.lossSum).toBeGreaterThan(0);
    });

    // Images that are noise everywhere have no blank areas, where many outputs are exactly zero, or equal.
    it.each(modelNames.filter((name) => name !== 'cnn' || model === 'cnn'))(
      'finds the gradients of %s on real images, at first and after some steps',
      async (name) => {
        const spec = { name, inputShape: digits.imageShape, classes: digits.classes };
        const optimizer = { name: 'adam', learningRate: 0.001 } as const;
        const learner = await provider.create({ model: spec, optimizer, seed: 1, dataset: digits });
        const all = [...digits.train.labels.keys()].slice(0, digitsOf(provider.name));
        for (let step = 0; step < 3; step++) {
          const { gradients, lossSum } = await gradientsOf(learner, ...all);
          if (step !== 1) {
            const parameters = await learner.getParameters();
            const exact = await referenceGradients(spec, parameters, digits.train, all.length);
            expect(relativeError([lossSum], [exact.lossSum])).toBeLessThan(1e-6);
            let offset = 0;
            for (const { name: variable, gradient } of exact.variables) {
              const actual = gradients.subarray(offset, offset + gradient.length);
              offset += gradient.length;
              expect(relativeError(actual, gradient), `${variable} after ${step} steps`).toBeLessThan(2e-5);
            }
            expect(offset).toBe(learner.parameterCount);
          }
          await learner.applyGradients(gradients, all.length);
        }
        learner.dispose();
      },
    );

    it('counts a sample twice that is there twice', async () => {
      const once = await gradientsOf(engine, 3);
      const twice = await gradientsOf(engine, 3, 3);
      expect(
        relativeError(
          twice.gradients,
          once.gradients.map((g) => 2 * g),
        ),
      ).toBeLessThan(1e-5);
      expect(relativeError([twice.lossSum], [2 * once.lossSum])).toBeLessThan(1e-6);
    });

    // One on threads is not offered to deterministic runs: it cuts a batch by their number.
    if (deterministicEngines.includes(provider.name)) {
      it('gives a batch the same bits, whatever it and others have computed before, and after every update', async () => {
        const [busy, quiet] = await Promise.all([provider, provider].map((one) => one.create(options(model, 'adam'))));
        if (busy === undefined || quiet === undefined) throw new Error('two engines');
        const batch = [3, 0, 7, 5, 1, 11, 2, 9];
        // Compared by one number, which takes Vitest a moment and not seconds.
        const bitsOf = async (one: Engine) => {
          const { gradients, lossSum } = await gradientsOf(one, ...batch);
          return { gradients, bits: `${parameterChecksum(gradients)} ${lossSum}` };
        };
        for (let update = 0; update < 3; update++) {
          const { gradients, bits } = await bitsOf(quiet);
          // Forward alone, both passes, and batches of other lengths.
          await busy.evaluate('test', 0, 3);
          expect((await bitsOf(busy)).bits).toBe(bits);
          await gradientsOf(busy, 4, 6, 8);
          await gradientsOf(busy, 10, ...batch);
          expect((await bitsOf(busy)).bits).toBe(bits);
          for (const one of [busy, quiet]) await one.applyGradients(gradients, batch.length);
        }
        const parameters = await busy.getParameters();
        const { bits } = await bitsOf(busy);
        await busy.setParameters(parameters.map((value) => value / 2));
        expect((await bitsOf(busy)).bits).not.toBe(bits);
        await busy.setParameters(parameters);
        expect((await bitsOf(busy)).bits).toBe(bits);
        for (const one of [busy, quiet]) one.dispose();
      });
    }

    it('sums losses to the same bits in any order', async () => {
      const losses = await Promise.all([0, 1, 2, 3, 4].map((image) => engine.evaluate('test', image, image + 1)));
      const sumOf = (order: readonly number[]) => order.reduce((sum, image) => sum + (losses[image]?.lossSum ?? 0), 0);
      const inOrder = sumOf([0, 1, 2, 3, 4]);
      for (const order of [
        [4, 3, 2, 1, 0],
        [2, 0, 4, 1, 3],
      ])
        expect(sumOf(order)).toBe(inOrder);
    });

    it('reports parts of the gradient only when they are final, and none twice', async () => {
      const expected = await gradientsOf(engine, 0, 1, 2);
      const gradients = new Float32Array(engine.parameterCount).fill(Number.NaN);
      const reported = new Float32Array(engine.parameterCount).fill(Number.NaN);
      await engine.computeGradients(Uint32Array.of(0, 1, 2), gradients, (from, to) => {
        expect(reported.subarray(from, to).every(Number.isNaN)).toBe(true);
        reported.set(gradients.subarray(from, to), from);
      });
      expect(relativeError(gradients, expected.gradients)).toBe(0);
      const changedLater = gradients.filter((value, i) => !Number.isNaN(reported[i]) && reported[i] !== value);
      expect(changedLater.length).toBe(0);
    });

    it('writes zeros for a batch of none', async () => {
      const { gradients, lossSum, correct } = await gradientsOf(engine);
      expect(gradients.every((g) => g === 0)).toBe(true);
      expect([lossSum, correct]).toEqual([0, 0]);
    });

    it('finds the gradient of the loss that evaluate reports, by central differences', async () => {
      const { gradients, lossSum } = await gradientsOf(small, 0, 1, 2, 3, 4, 5);
      const parameters = await small.getParameters();
      const direction = Float32Array.from(gradients, (_, i) => Math.cos(i));
      const lossAt = async (distance: number) => {
        await small.setParameters(parameters.map((p, i) => p + distance * (direction[i] ?? 0)));
        return (await small.evaluate('train', 0, 6)).lossSum;
      };
      const slope = ((await lossAt(0.01)) - (await lossAt(-0.01))) / 0.02;
      const expected = gradients.reduce((sum, g, i) => sum + g * (direction[i] ?? 0), 0);
      expect(relativeError([slope], [expected])).toBeLessThan(1e-3);
      expect(relativeError([await lossAt(0)], [lossSum])).toBeLessThan(1e-6);
    });

    it('divides the gradient by the samples of the global batch', async () => {
      const before = await small.getParameters();
      const sum = Float32Array.from(before, (_, i) => (i % 7) - 3);
      await small.applyGradients(sum, 8);
      const expected = before.map((p, i) => p - (0.01 * (sum[i] ?? 0)) / 8);
      expect(relativeError(await small.getParameters(), expected)).toBeLessThan(1e-6);
    });

    it('evaluates any interval of either split as it computes gradients', async () => {
      const evaluated = await engine.evaluate('train', 2, 4);
      const { lossSum, correct } = await gradientsOf(engine, 2, 3);
      expect(relativeError([evaluated.lossSum], [lossSum])).toBeLessThan(1e-6);
      expect(evaluated.correct).toBe(correct);
      const whole = await engine.evaluate('test', 0, 5);
      const halves = [await engine.evaluate('test', 0, 2), await engine.evaluate('test', 2, 5)] as const;
      expect(relativeError([halves[0].lossSum + halves[1].lossSum], [whole.lossSum])).toBeLessThan(1e-6);
      expect(halves[0].correct + halves[1].correct).toBe(whole.correct);
      expect(await engine.evaluate('test', 3, 3)).toEqual({ lossSum: 0, correct: 0 });
    });

    it('predicts probabilities that have the loss that evaluate reports', async () => {
      const { images, labels, count } = dataset.test;
      const probabilities = await engine.predict(images, count);
      expect(probabilities.length).toBe(count * classes);
      let lossSum = 0;
      for (let i = 0; i < count; i++) {
        const row = probabilities.subarray(i * classes, (i + 1) * classes);
        expect(row.reduce((sum, p) => sum + p)).toBeCloseTo(1, 5);
        lossSum -= Math.log(row[labels[i] ?? -1] ?? Number.NaN);
      }
      expect(relativeError([lossSum], [(await engine.evaluate('test', 0, count)).lossSum])).toBeLessThan(1e-5);
    });

    it.each(modelNames.filter((name) => name !== 'cnn' || model === 'cnn'))(
      'learns what it is shown: %s',
      async (name) => {
        const learner = await provider.create(options(name, 'adam'));
        const before = await learner.evaluate('train', 0, 2);
        for (let step = 0; step < 2; step++)
          await learner.applyGradients((await gradientsOf(learner, 0, 1)).gradients, 2);
        const after = await learner.evaluate('train', 0, 2);
        expect(after.lossSum).toBeLessThan(0.8 * before.lossSum);
        learner.dispose();
      },
    );

    it.each(['adam', 'sgd'] as const)(
      'goes on from saved parameters and state of %s as if never stopped',
      async (name) => {
        const first = await provider.create(options('softmax', name));
        const fresh = await first.getOptimizerState();
        expect(fresh.iterations).toBe(0);
        expect(fresh.slots.every((slot) => slot.length === first.parameterCount && slot.every((x) => x === 0))).toBe(
          true,
        );
        await trainSteps(first, 3);
        const [parameters, state] = [await first.getParameters(), await first.getOptimizerState()];
        expect(state.iterations).toBe(3);
        expect(state.slots.length).toBe(name === 'adam' ? 2 : 0);

        const second = name === 'sgd' ? small : await provider.create(options('softmax', name, 99));
        await trainSteps(second, 1);
        await second.setParameters(parameters);
        await second.setOptimizerState(state);
        expect(await second.getOptimizerState()).toEqual(state);
        await trainSteps(first, 2);
        await trainSteps(second, 2);
        expect(relativeError(await second.getParameters(), await first.getParameters())).toBeLessThan(1e-6);
        first.dispose();
        if (second !== small) second.dispose();
      },
    );

    it('leaves no tensor behind, neither in steps nor in its life', async () => {
      const atFirst = tf.memory().numTensors;
      const busy = await provider.create(options(model, 'adam'));
      await trainSteps(busy, 1);
      const afterOne = tf.memory();
      await trainSteps(busy, 1);
      await busy.evaluate('test', 0, 5);
      await busy.predict(dataset.test.images, 5);
      await busy.setParameters(await busy.getParameters());
      await busy.setOptimizerState(await busy.getOptimizerState());
      expect(tf.memory()).toMatchObject({ numTensors: afterOne.numTensors, numBytes: afterOne.numBytes });
      busy.dispose();
      expect(tf.memory().numTensors).toBe(atFirst);
    });

    it('may be disposed of twice, and says so when used after', async () => {
      const gone = await provider.create(options('softmax', 'sgd'));
      gone.dispose();
      gone.dispose();
      await expect(gone.getParameters()).rejects.toThrow(/after its disposal/);
    });

    it('refuses what does not fit, in words', async () => {
      const short = new Float32Array(3);
      await expect(engine.setParameters(short)).rejects.toThrow(/3 floats, but the model has \d+ parameters/);
      await expect(engine.applyGradients(short, 1)).rejects.toThrow(/3 floats/);
      await expect(engine.computeGradients(Uint32Array.of(0), short)).rejects.toThrow(/3 floats/);
      await expect(gradientsOf(engine, dataset.trainCount)).rejects.toThrow(/sample 12 is not one of the 12/);
      await expect(engine.applyGradients(new Float32Array(engine.parameterCount), 0)).rejects.toThrow(/0 samples/);
      await expect(engine.evaluate('test', 0, 6)).rejects.toThrow(/\[0, 6\).*5 samples/);
      await expect(engine.predict(new Uint8Array(7), 1)).rejects.toThrow(/18×19×1/);
      await expect(engine.setOptimizerState({ iterations: 1, slots: [] })).rejects.toThrow(/adam has 2 slots, not 0/);
      const wide = { ...options(model, 'adam').model, inputShape: [19, 19, 1] as const };
      await expect(provider.create({ ...options(model, 'adam'), model: wide })).rejects.toThrow(/19×19×1.*18×19×1/);
    });
  });
}
