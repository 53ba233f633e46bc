import type { ImageShape } from '../data/dataset.ts';

export const modelNames = ['cnn', 'mlp', 'softmax'] as const;
export type ModelName = (typeof modelNames)[number];

/** A model by description: two processes with equal specs build the same layers with the same parameters. */
export interface ModelSpec {
  readonly name: ModelName;
  readonly inputShape: ImageShape;
  readonly classes: number;
}

export const optimizerNames = ['adam', 'sgd'] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/** An optimizer by description. Adam uses β1 = 0.9, β2 = 0.999, ε = 1e-7 (Keras' defaults). */
export interface OptimizerSpec {
  readonly name: OptimizerName;
  readonly learningRate: number;
}
