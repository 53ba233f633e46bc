/** Counts the floating-point operations that training a model takes. */
import * as tf from '../shared/model/tfjs-core.ts';
import '../engine/tfjs/cpu-backend.ts';
import type { ModelSpec } from '../shared/model/model-spec.ts';
import { buildModel } from '../shared/model/zoo.ts';

/** A layer with weights. A dense layer has one position, a convolution one for each pixel of its output. */
export interface WeightedLayer {
  /** The size of the kernel, without the bias. */
  readonly weights: number;
  /** How often the whole kernel is applied per sample. */
  readonly positions: number;
}

/**
 * The floating-point operations of one sample's forward and backward pass.
 *
 * A layer's forward pass multiplies and adds `weights × positions` times, which is two operations each. The gradient
 * with respect to its weights takes as many again. So does the gradient with respect to its input, which the first
 * layer does not need. That is `4 w p` for the first layer and `6 w p` for every other one. Biases, activations,
 * pooling, loss and optimizer are not counted; together they are about 2 % of the CNN.
 */
export function trainingFlops(layers: readonly WeightedLayer[]): number {
  return layers.reduce((sum, { weights, positions }, i) => sum + (i === 0 ? 4 : 6) * weights * positions, 0);
}

export interface ModelSize {
  readonly parameters: number;
  /** Per sample, see `trainingFlops`. */
  readonly flops: number;
}

/** Counts a model's parameters and its operations per sample. */
export async function modelSize(spec: ModelSpec): Promise<ModelSize> {
  // Otherwise tfjs prints advice to install tfjs-node.
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
