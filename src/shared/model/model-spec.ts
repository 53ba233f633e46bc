/** Descriptions of models and optimizers, as they are sent over the network and saved in checkpoints. */
import type { ImageShape } from '../data/dataset.ts';

export const modelNames = ['cnn', 'mlp', 'softmax'] as const;
export type ModelName = (typeof modelNames)[number];

/** Describes a model. Processes with equal specs build the same layers. */
export interface ModelSpec {
  readonly name: ModelName;
  readonly inputShape: ImageShape;
  readonly classes: number;
}

/** `cnn (28×28×1 to 10 classes)` */
export function describeModel({ name, inputShape, classes }: ModelSpec): string {
  return `${name} (${inputShape.join('×')} to ${classes} classes)`;
}

export const optimizerNames = ['adam', 'sgd'] as const;
export type OptimizerName = (typeof optimizerNames)[number];

/**
 * Adam as in Kingma and Ba (2015, algorithm 1): ε is added to the root of the *corrected* second moment, as PyTorch and
 * tfjs do; Keras and TensorFlow add it to the root before correction. The values are the defaults of tfjs and Keras
 * (PyTorch's ε is 1e-8).
 */
export const adamConstants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/** Names of the flat vectors that each optimizer keeps between its updates. */
export const optimizerSlots: Readonly<Record<OptimizerName, readonly string[]>> = {
  adam: ['first moment', 'second moment'],
  sgd: [],
};

/** Describes an optimizer. Adam's other constants are `adamConstants`. */
export interface OptimizerSpec {
  readonly name: OptimizerName;
  readonly learningRate: number;
  /** Set where each worker makes several updates of its own in a step. */
  readonly local?: LocalUpdates | undefined;
  /** Set where gradients travel compressed: as `parseCompression` reads it. */
  readonly compression?: string | undefined;
}

/** `adam with learning rate 0.001` */
function describeOptimizer({ name, learningRate, local }: OptimizerSpec): string {
  const inner = `${name} with learning rate ${learningRate}`;
  if (local === undefined) return inner;
  return `${inner}, in local updates of ${local.batchSize} samples, with outer learning rate ${local.learningRate} and momentum ${local.momentum}`;
}

/** What the replicas of a run have in common of their updates: named, in words, to be compared with those of another. */
export function describeUpdates(optimizer: OptimizerSpec): readonly (readonly [name: string, value: string])[] {
  return [
    ['optimizer', describeOptimizer(optimizer)],
    ['compression', optimizer.compression ?? 'none'],
  ];
}

/**
 * In a step each worker makes updates of its own, and then all go on from the mean of where that took them, by an outer
 * update with Nesterov momentum: DiLoCo (Douillard et al., 2023, arXiv:2311.08105, algorithm 1).
 */
export interface LocalUpdates {
  /** The samples of all workers' shares together that go into one local update. */
  readonly batchSize: number;
  /** The outer update's. */
  readonly learningRate: number;
  readonly momentum: number;
}

const outerSlots = ['outer momentum'] as const;

/** What compression has left out of a replica's gradients so far. The last of its vectors, and different on each worker. */
const residualSlots = ['residual'] as const;

/** Names of the flat vectors that a replica keeps between steps, besides its parameters. */
export function slotNames({ name, local, compression }: OptimizerSpec): readonly string[] {
  return [
    ...optimizerSlots[name],
    ...(local === undefined ? [] : outerSlots),
    ...(compression === undefined ? [] : residualSlots),
  ];
}

/** The most that `slotNames` has names. */
export const mostSlots =
  Math.max(...Object.values(optimizerSlots).map((slots) => slots.length)) + outerSlots.length + residualSlots.length;

/** What a run trains, and from which seed. */
export interface TrainedSpec {
  readonly model: ModelSpec;
  readonly optimizer: OptimizerSpec;
  readonly seed: number;
}
