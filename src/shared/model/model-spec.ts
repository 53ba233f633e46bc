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

/** Keras' defaults for Adam. */
export const adamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/** Flat vectors that an optimizer remembers: Adam's first and second moments. */
export const optimizerSlots: Readonly<Record<OptimizerName, readonly string[]>> = {
  adam: ['first-moment', 'second-moment'],
  sgd: [],
};

/** An optimizer by description; Adam's other constants are `adamConstants`. */
export interface OptimizerSpec {
  readonly name: OptimizerName;
  readonly learningRate: number;
}
