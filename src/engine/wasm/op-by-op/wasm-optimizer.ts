/** Optimizers over variables in wasm memory, with one kernel call per variable. */

import { type OptimizerSpec, optimizerSlots } from '../../../shared/model/model-spec.ts';
import * as tf from '../../../shared/model/tfjs-core.ts';
import { totalSize } from '../../flat-vector.ts';
import type { TfjsOptimizer } from '../../tfjs/tfjs-backend.ts';
import { updateParameters } from '../optimizer-update.ts';
import type { WasmDevice } from './wasm-convolution.ts';

export function createWasmOptimizer(
  { kernels, memory }: WasmDevice,
  spec: OptimizerSpec,
  variables: readonly tf.Variable[],
): TfjsOptimizer {
  const length = totalSize(variables);
  // Tensors, so that tfjs counts and frees them. The kernels update them in place.
  const slots = optimizerSlots[spec.name].map(() => tf.keep(tf.zeros([length])));
  let iterations = 0;

  function apply(gradientSum: Float32Array, samples: number): void {
    iterations++;
    const slotAddresses = slots.map((slot) => memory.addressOf(slot));
    const gradientBytes = memory.scratch(length * 4);
    memory.floats(gradientBytes, length).set(gradientSum);
    let offset = 0;
    for (const variable of variables) {
      // Not in place, because tfjs's own kernels cache packed copies of weights by their buffer.
      const updated = memory.allocate(variable.shape);
      const vectors = {
        parameters: memory.addressOf(variable),
        gradientSum: gradientBytes + offset,
        slots: slotAddresses.map((address) => address + offset),
        out: memory.addressOf(updated),
        count: variable.size,
      };
      updateParameters(kernels, spec, vectors, samples, iterations);
      const tensor = tf.engine().makeTensorFromTensorInfo(updated);
      variable.assign(tensor);
      tensor.dispose();
      offset += variable.size * 4;
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
