import { expect, it } from 'vitest';
import { cpuProvider } from '../../src/engine/cpu/cpu-provider.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { tensorflowProvider } from '../../src/engine/tensorflow/tensorflow-provider.ts';
import { modelNames, optimizerNames } from '../../src/shared/model/model-spec.ts';
import { relativeError } from '../support/compare-vectors.ts';
import { engineDataset } from '../support/engine-dataset.ts';
import { needs } from '../support/machine-parts.ts';
import { thorough } from '../support/thoroughness.ts';
import { describeEngine } from './engine.contract.ts';

const { describe } = await needs('tensorflow');

describe('tensorflow', () => {
  describeEngine('tensorflow', tensorflowProvider);

  // The plain engine takes half a second for a convolution. Where that is too long, the contract above has the CNN.
  const cases = modelNames
    .filter((model) => thorough || model !== 'cnn')
    .flatMap((model) => optimizerNames.map((optimizer) => [model, optimizer] as const));
  it.each(cases)("computes what tfjs's plain engine computes: %s with %s", async (model, optimizer) => {
    const dataset = engineDataset([18, 19, 1], 5, 12, 5);
    const options = {
      model: { name: model, inputShape: dataset.imageShape, classes: dataset.classes },
      optimizer: { name: optimizer, learningRate: 0.001 },
      seed: 3,
      dataset,
    };
    const plain = await cpuProvider.create(options);
    const engine = await tensorflowProvider.create(options);
    const step = async (of: Engine) => {
      const gradients = new Float32Array(of.parameterCount);
      const { lossSum } = await of.computeGradients(Uint32Array.of(4, 0, 4), gradients);
      await of.applyGradients(gradients, 5);
      return { gradients, lossSum };
    };
    for (let i = 0; i < 2; i++) {
      const [expected, actual] = [await step(plain), await step(engine)];
      expect(relativeError(actual.gradients, expected.gradients)).toBeLessThan(1e-4);
      expect(relativeError([actual.lossSum], [expected.lossSum])).toBeLessThan(1e-5);
    }
    expect(relativeError(await engine.getParameters(), await plain.getParameters())).toBeLessThan(1e-4);
    plain.dispose();
    engine.dispose();
  });
});
