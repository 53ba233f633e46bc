/** Floating-point operations that training a model takes, by counting multiplications. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { ModelSpec } from '../shared/model/model-spec.ts';
import { buildModel } from '../shared/model/zoo.ts';

/** A layer that multiplies by weights: a dense layer has one position, a convolution each pixel of its output. */
export interface WeightedLayer {
  /** Weights of the kernel, without the bias. */
  readonly weights: number;
  /** How often the whole kernel is applied to a sample. */
  readonly positions: number;
}

/**
 * Floating-point operations of one sample's forward and backward pass.
 *
 * A layer's forward pass multiplies and adds `weights × positions` times: 2 operations each. The gradient with respect
 * to its weights takes as many again, and so does the one with respect to its input, which the first layer is spared:
 * images are not learnt. So `4 w p` for the first layer and `6 w p` for every other one. Biases, activations, pooling,
 * loss and optimizer are left out; together they are some 2 % of the CNN.
 */
export function trainingFlops(layers: readonly WeightedLayer[]): number {
  return layers.reduce((sum, { weights, positions }, i) => sum + (i === 0 ? 4 : 6) * weights * positions, 0);
}

export interface ModelSize {
  readonly parameters: number;
  /** See `trainingFlops`. */
  readonly flops: number;
}

/** Counts a model's parameters and what training takes a sample. */
export async function modelSize(spec: ModelSpec): Promise<ModelSize> {
  // Without this, tfjs advises every user to install tfjs-node.
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const { network } = buildModel(spec);
  const layers = network.layers
    .filter((layer) => layer.trainableWeights.length > 0)
    .map((layer) => ({
      weights: product(layer.trainableWeights[0]?.shape ?? []),
      // [samples, …positions, channels]
      positions: product((layer.outputShape as readonly number[]).slice(1, -1)),
    }));
  const parameters = network.countParams();
  network.dispose();
  return { parameters, flops: trainingFlops(layers) };
}

function product(sizes: readonly (number | null)[]): number {
  return sizes.reduce<number>((result, size) => result * (size ?? 1), 1);
}
