/** Optimizer updates of vectors in WebAssembly memory, one kernel per optimizer. */
import { adamConstants, type OptimizerName, type OptimizerSpec } from '../../shared/model/model-spec.ts';
import type { Kernels } from './kernel-module.ts';

/** Addresses of vectors of `count` floats. */
export interface UpdatedVectors {
  readonly parameters: number;
  readonly gradientSum: number;
  /** In the order of `optimizerSlots`; updated in place. */
  readonly slots: readonly number[];
  /** Receives the new parameters; may be `parameters` itself. */
  readonly out: number;
  readonly count: number;
}

type Update = (
  kernels: Kernels,
  vectors: UpdatedVectors,
  learningRate: number,
  samples: number,
  iteration: number,
) => void;

const updates: Readonly<Record<OptimizerName, Update>> = {
  sgd(kernels, { parameters, gradientSum, out, count }, learningRate, samples) {
    kernels.sgdUpdate(parameters, gradientSum, out, count, samples, learningRate);
  },
  adam(kernels, { parameters, gradientSum, slots, out, count }, learningRate, samples, iteration) {
    const { beta1, beta2, epsilon } = adamConstants;
    const [firstMoment, secondMoment] = slots as [number, number];
    kernels.adamUpdate(
      ...([parameters, gradientSum, firstMoment, secondMoment, out, count, samples] as const),
      ...([beta1, 1 - beta1, beta2, 1 - beta2] as const),
      ...([1 / (1 - beta1 ** iteration), 1 / (1 - beta2 ** iteration), learningRate, epsilon] as const),
    );
  },
};

/**
 * @param samples of the global batch, by which the gradient sum is divided
 * @param iteration counts from 1
 */
export function updateParameters(
  kernels: Kernels,
  { name, learningRate }: OptimizerSpec,
  vectors: UpdatedVectors,
  samples: number,
  iteration: number,
): void {
  updates[name](kernels, vectors, learningRate, samples, iteration);
}
