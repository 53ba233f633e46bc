/** The optimizer of a traced engine. Its slots are in the engine's memory. */
import { type OptimizerSpec, optimizerSlots } from '../../shared/model/model-spec.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import { updateParameters } from './optimizer-update.ts';
import type { TracedModel } from './trace/traced-model.ts';

export interface TracedOptimizer {
  /** Returns a copy. */
  getState(): OptimizerState;
  setState(state: OptimizerState): void;
  /** Updates the model's parameters with the gradient sum in its memory. */
  update(samples: number): void;
}

export function createTracedOptimizer(model: TracedModel, spec: OptimizerSpec): TracedOptimizer {
  const { memory, kernels, parameters, gradients, parameterCount } = model;
  const slots = optimizerSlots[spec.name].map(() => memory.allocate(parameterCount * 4));
  const vectors = { parameters, gradientSum: gradients, slots, out: parameters, count: parameterCount };
  const floats = (slot: number) => memory.floats(slot, parameterCount);
  let iterations = 0;
  return {
    getState: () => ({ iterations, slots: slots.map((slot) => floats(slot).slice()) }),
    setState(state) {
      iterations = state.iterations;
      for (const [i, slot] of slots.entries()) floats(slot).set(state.slots[i] as Float32Array);
    },
    update(samples) {
      iterations++;
      updateParameters(kernels, spec, vectors, samples, iterations);
    },
  };
}
