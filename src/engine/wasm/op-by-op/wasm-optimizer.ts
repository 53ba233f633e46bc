/** Adam and gradient descent over variables in wasm memory: one kernel call a variable. */
import * as tf from '@tensorflow/tfjs-core';
import { adamConstants, type OptimizerSpec, optimizerSlots } from '../../../shared/model/model-spec.ts';
import { totalSize } from '../../flat-vector.ts';
import type { TfjsOptimizer } from '../../tfjs/tfjs-backend.ts';
import type { WasmDevice } from './wasm-convolution.ts';

export function createWasmOptimizer(
  { kernels, memory }: WasmDevice,
  spec: OptimizerSpec,
  variables: readonly tf.Variable[],
): TfjsOptimizer {
  const length = totalSize(variables);
  // Kept as tensors, so that tfjs frees and counts them; the kernels update them in place.
  const slots = optimizerSlots[spec.name].map(() => tf.keep(tf.zeros([length])));
  let iterations = 0;

  function apply(gradientSum: Float32Array, samples: number): void {
    iterations++;
    const update = updater(samples);
    const gradientBytes = memory.scratch(length * 4);
    memory.floats(gradientBytes, length).set(gradientSum);
    let offset = 0;
    for (const variable of variables) {
      // Never in place: tfjs's stock kernels keep packed copies of weights that they know by their buffer.
      const updated = memory.allocate(variable.shape);
      update(memory.addressOf(variable), gradientBytes + offset, memory.addressOf(updated), variable.size, offset);
      const tensor = tf.engine().makeTensorFromTensorInfo(updated);
      variable.assign(tensor);
      tensor.dispose();
      offset += variable.size * 4;
    }
  }

  type Update = (parameters: number, gradientSum: number, out: number, count: number, slotOffset: number) => void;

  function updater(samples: number): Update {
    const { name, learningRate } = spec;
    switch (name) {
      case 'sgd':
        return (parameters, sum, out, count) => kernels.sgdUpdate(parameters, sum, out, count, samples, learningRate);
      case 'adam': {
        const { beta1, beta2, epsilon } = adamConstants;
        const correction1 = 1 / (1 - beta1 ** iterations);
        const correction2 = 1 / (1 - beta2 ** iterations);
        const [first, second] = slots.map((slot) => memory.addressOf(slot)) as [number, number];
        return (parameters, sum, out, count, offset) =>
          kernels.adamUpdate(
            ...([parameters, sum, first + offset, second + offset, out, count, samples] as const),
            ...([beta1, 1 - beta1, beta2, 1 - beta2] as const),
            ...([correction1, correction2, learningRate, epsilon] as const),
          );
      }
      default:
        return name satisfies never;
    }
  }

  return {
    apply,
    getState: async () => ({ iterations, slots: slots.map((slot) => slot.dataSync<'float32'>()) }),
    async setState(state) {
      iterations = state.iterations;
      for (const [i, values] of state.slots.entries()) {
        memory.floats(memory.addressOf(slots[i] as tf.Tensor), length).set(values);
      }
    },
    dispose: () => tf.dispose(slots),
  };
}
