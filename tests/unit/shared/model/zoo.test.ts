import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { modelNames } from '../../../../src/shared/model/model-spec.ts';
import { parameterCount } from '../../../../src/shared/model/parameter-count.ts';
import { buildModel } from '../../../../src/shared/model/zoo.ts';

// Without this, tfjs prints an advertisement.
tf.enableProdMode();

describe('buildModel', () => {
  const inputShape = [28, 28, 1] as const;

  it.each([
    ['cnn', 320 + 18_496 + 36_928 + 36_928 + 650],
    ['mlp', 784 * 128 + 128 + 1290],
    ['softmax', 7850],
  ] as const)('%s has %i parameters for digits', async (name, parameters) => {
    await tf.setBackend('cpu');
    const { network } = buildModel({ name, inputShape, classes: 10 });
    expect(network.countParams()).toBe(parameters);
    network.dispose();
  });

  it.each(modelNames)('%s has as many parameters as are counted without building it', async (name) => {
    await tf.setBackend('cpu');
    for (const [height, width, channels, classes] of [
      [28, 28, 1, 10],
      [18, 18, 1, 2],
      [19, 33, 3, 100],
      [21, 20, 4, 7],
      [64, 22, 2, 256],
    ] as const) {
      const spec = { name, inputShape: [height, width, channels], classes } as const;
      const { network } = buildModel(spec);
      expect(parameterCount(spec), JSON.stringify(spec)).toBe(network.countParams());
      network.dispose();
    }
  });

  it.each(modelNames)('%s names the initialisers that draw its parameters', async (name) => {
    await tf.setBackend('cpu');
    const { network } = buildModel({ name, inputShape, classes: 10 });
    const configs = network.layers.map((layer) => layer.getConfig()).filter((config) => 'kernelInitializer' in config);
    expect(configs.length).toBe(network.trainableWeights.length / 2);
    // U(-l, l) with l² = 3 · scale / ((fan in + fan out) / 2), as initialize.ts has it.
    for (const { kernelInitializer, biasInitializer } of configs) {
      expect(kernelInitializer).toMatchObject({
        className: 'VarianceScaling',
        config: { scale: 1, mode: 'fanAvg', distribution: 'uniform' },
      });
      expect(biasInitializer).toMatchObject({ className: 'Zeros' });
    }
    network.dispose();
  });

  it('takes other images and classes', async () => {
    await tf.setBackend('cpu');
    const { network, logitLayers } = buildModel({ name: 'cnn', inputShape: [18, 20, 3], classes: 7 });
    const images = tf.zeros([1, 18, 20, 3]);
    const probabilities = network.predict(images) as tf.Tensor2D;
    expect(probabilities.shape).toEqual([1, 7]);
    const logits = logitLayers.reduce<tf.Tensor>((x, layer) => layer.apply(x) as tf.Tensor, images);
    expect(Array.from(tf.softmax(logits).dataSync())).toEqual(Array.from(probabilities.dataSync()));
    network.dispose();
  });

  it('names variables alike in every process, whatever was built before', async () => {
    await tf.setBackend('cpu');
    const names = () => {
      const { network } = buildModel({ name: 'mlp', inputShape, classes: 10 });
      const built = network.trainableWeights.map(({ originalName }) => originalName);
      network.dispose();
      return built;
    };
    expect(names()).toEqual(['hidden/kernel', 'hidden/bias', 'logits/kernel', 'logits/bias']);
    expect(names()).toEqual(names());
  });
});
