/** tfjs's own optimizers, with their state as flat vectors. They work on every backend. */
import * as tf from '@tensorflow/tfjs-core';
import { adamConstants, type OptimizerSpec, optimizerSlots } from '../../shared/model/model-spec.ts';
import type { OptimizerState } from '../../shared/model/training-state.ts';
import { totalSize, viewsOf } from '../flat-vector.ts';
import type { TfjsOptimizer } from './tfjs-backend.ts';

export function createTfjsOptimizer(spec: OptimizerSpec, variables: readonly tf.Variable[]): TfjsOptimizer {
  let optimizer = create(spec);

  function apply(gradientSum: Float32Array, samples: number): void {
    const views = viewsOf(gradientSum, variables);
    tf.tidy(() => {
      const means = variables.map(({ name, shape }, i) => {
        const sum = tf.tensor(views[i] as Float32Array, shape);
        return { name, tensor: tf.div(sum, samples) };
      });
      optimizer.applyGradients(means);
    });
  }

  async function getState(): Promise<OptimizerState> {
    const [iterations, ...weights] = (await optimizer.getWeights()).map(({ tensor }) => tensor);
    const steps = (await (iterations as tf.Tensor).data())[0] as number;
    tf.dispose(iterations as tf.Tensor);
    const slots = Array.from(
      { length: optimizerSlots[spec.name].length },
      () => new Float32Array(totalSize(variables)),
    );
    // tfjs creates the moments in the first step; until then they are zero.
    if (weights.length > 0) {
      const parts = slots.flatMap((slot) => viewsOf(slot, variables));
      for (const [i, part] of parts.entries()) part.set(await (weights[i] as tf.Tensor).data());
    }
    return { iterations: steps, slots };
  }

  async function setState({ iterations, slots }: OptimizerState): Promise<void> {
    optimizer.dispose();
    optimizer = create(spec);
    const parts = slots.flatMap((slot) => viewsOf(slot, variables));
    const weights = parts.map((part, i) => {
      const { name, shape } = variables[i % variables.length] as tf.Variable;
      return { name, tensor: tf.tensor(part, shape) };
    });
    const counter = { name: 'iter', tensor: tf.scalar(iterations, 'int32') };
    await optimizer.setWeights([counter, ...weights]);
    tf.dispose([counter.tensor, ...weights.map(({ tensor }) => tensor)]);
  }

  return { apply, getState, setState, dispose: () => optimizer.dispose() };
}

function create({ name, learningRate }: OptimizerSpec): tf.Optimizer {
  switch (name) {
    case 'adam':
      return tf.train.adam(learningRate, adamConstants.beta1, adamConstants.beta2, adamConstants.epsilon);
    case 'sgd':
      return tf.train.sgd(learningRate);
    default:
      return name satisfies never;
  }
}
