/** The parameters and the optimizer's state, which are variables of the step graph. */
import type { OptimizerState } from '../../shared/model/training-state.ts';
import { feeds, fetches } from './tensorflow-endpoints.ts';
import { optimizerScalars } from './tensorflow-optimizer.ts';
import type { TensorflowSession } from './tensorflow-session.ts';

export interface TensorflowState {
  getParameters(): Float32Array;
  setParameters(parameters: Float32Array): void;
  getOptimizerState(): OptimizerState;
  setOptimizerState(state: OptimizerState): void;
  /** One optimizer update with `gradientSum / samples`. */
  update(gradientSum: Float32Array, samples: number, learningRate: number): void;
}

/** Sets the slots to zero. The parameters have no values until `setParameters`. */
export function openState(run: TensorflowSession['run'], parameterCount: number, slotCount: number): TensorflowState {
  const flat = (name: string, values: Float32Array) => ({ name, shape: [parameterCount], values });
  // Copied, because TensorFlow may use the array as the variable's own memory.
  const assign = (feed: string, values: Float32Array, fetch: string) => run([flat(feed, values.slice())], [fetch]);
  const read = (fetch: string) => run([], [fetch])[0] as Float32Array;
  let iterations = 0;
  for (let i = 0; i < slotCount; i++) assign(feeds.slot(i), new Float32Array(parameterCount), fetches.slotSet(i));

  return {
    getParameters: () => read(fetches.parameters),
    setParameters(parameters) {
      assign(feeds.parameters, parameters, fetches.parametersSet);
    },
    getOptimizerState: () => ({
      iterations,
      slots: Array.from({ length: slotCount }, (_, i) => read(fetches.slot(i))),
    }),
    setOptimizerState(state) {
      for (const [i, slot] of state.slots.entries()) assign(feeds.slot(i), slot, fetches.slotSet(i));
      iterations = state.iterations;
    },
    update(gradientSum, samples, learningRate) {
      const scalars = optimizerScalars(samples, learningRate, iterations + 1);
      run(
        [flat(feeds.gradientSum, gradientSum), { name: feeds.scalars, shape: [5], values: scalars }],
        [fetches.applied],
      );
      iterations++;
    },
  };
}
